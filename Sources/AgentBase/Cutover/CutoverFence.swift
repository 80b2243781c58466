// The row of an agent in Postgres' agent_cutover: what each write of the agent's rows there looks at, and locks.

import Postgres

/// The state of an agent's cut-over, as Postgres holds it. Where the file decides, phase and epoch may be late.
struct CutoverFence: Sendable {
  var pairID: String
  var phase: CutoverPhase
  var epoch: Int64
  /// The number of the newest change of the file that is here.
  var appliedSequence: Int64
  /// How many batches of the outbox the file had taken when it was last told.
  var batch: Int64

  /// The tables that triggers watch while an agent is in a cut-over.
  static let watchedTables = [
    "agent_memories", "agent_tools", "agent_metrics", "agent_executions", "agent_vector_spaces",
  ]

  // MARK: - Reading

  /// Reads the row of an agent. It may be locked against writers: `forUpdate`.
  static func find(_ agent: String, forUpdate: Bool = false) -> PostgresStatement {
    """
    SELECT pair_id::text, phase, epoch, applied_sequence,
      coalesce((SELECT batch FROM agent_outbox_progress AS p WHERE p.agent_id = c.agent_id), 0)
    FROM agent_cutover AS c WHERE agent_id = \(agent) \(unsafeSQL: forUpdate ? "FOR UPDATE" : "")
    """
  }

  /// The row that `find` answers.
  ///
  /// - Throws: `AgentBaseError` of the code `schema` for a phase that this version does not know.
  init(_ row: PostgresRow) throws {
    let word = try row.decode(1, as: String.self)
    guard let phase = CutoverPhase(rawValue: word) else {
      throw AgentBaseError(
        .schema, "agent_cutover: the phase \"\(word.prefix(40))\" is none that this version knows",
        advice: "Update the program.")
    }
    pairID = try row.decode(0)
    self.phase = phase
    epoch = try row.decode(2)
    appliedSequence = try row.decode(3)
    batch = try row.decode(4)
  }

  // MARK: - Changing

  /// Has Postgres decide, as the file has said in a later epoch: the outbox begins anew.
  ///
  /// - Parameter batch: how many batches the file has taken.
  static func open(_ record: CutoverRecord, of agent: String, batch: Int64) -> PostgresStatement {
    """
    WITH opened AS (
      UPDATE agent_cutover SET phase = \(record.phase.rawValue), epoch = \(record.epoch)
      WHERE agent_id = \(agent) AND epoch < \(record.epoch) AND pair_id = \(record.pairID)::text::uuid
        AND applied_sequence = \(record.lastSequence)
      RETURNING agent_id
    ), emptied AS (
      DELETE FROM agent_outbox WHERE agent_id IN (SELECT agent_id FROM opened)
    )
    INSERT INTO agent_outbox_progress (agent_id, batch) SELECT agent_id, \(batch) FROM opened
    ON CONFLICT (agent_id) DO UPDATE SET batch = excluded.batch
    """
  }

  /// Has Postgres decide for an agent whatever was before, and a file follow it; answers the row.
  ///
  /// - Parameters:
  ///   - pairID: the name of the file.
  ///   - epoch: the file's: the new one is greater than both sides'.
  static func takeOver(
    _ agent: String, pairID: String, epoch: Int64, appliedSequence: Int64, batch: Int64
  ) -> PostgresStatement {
    """
    WITH emptied AS (
      DELETE FROM agent_outbox WHERE agent_id = \(agent)
    ), progress AS (
      INSERT INTO agent_outbox_progress (agent_id, batch) VALUES (\(agent), \(batch))
      ON CONFLICT (agent_id) DO UPDATE SET batch = excluded.batch
    )
    INSERT INTO agent_cutover AS held (agent_id, pair_id, phase, epoch, applied_sequence)
    VALUES (\(agent), \(pairID)::text::uuid, \(CutoverPhase.postgresPrimary.rawValue), \(epoch) + 1, \(appliedSequence))
    ON CONFLICT (agent_id) DO UPDATE SET
      pair_id = excluded.pair_id, phase = excluded.phase, epoch = greatest(held.epoch + 1, excluded.epoch),
      applied_sequence = excluded.applied_sequence
    RETURNING pair_id::text, phase, epoch, applied_sequence, \(batch)
    """
  }

  /// Changes the phase, where Postgres decides and its row is locked; answers the row.
  static func decide(_ phase: CutoverPhase, of agent: String, appliedSequence: Int64) -> PostgresStatement {
    """
    WITH emptied AS (
      DELETE FROM agent_outbox WHERE agent_id = \(agent)
    )
    UPDATE agent_cutover SET phase = \(phase.rawValue), epoch = epoch + 1, applied_sequence = \(appliedSequence)
    WHERE agent_id = \(agent)
    RETURNING pair_id::text, phase, epoch, applied_sequence, 0::bigint
    """
  }

  /// Makes the triggers of a table where some agent's phase needs them, or takes them away.
  static func watch(_ table: String) -> PostgresStatement { "SELECT agentbase_watch(\(table))" }

  /// Fails where the agent may not write, and keeps its phase as it is to the end of the transaction.
  static func admit(_ agent: String) -> PostgresStatement { "SELECT agentbase_admitted(ARRAY[\(agent)])" }
}
