// Applies batches of the outbox to Postgres: what they hold and how far they reach commit together.

import Foundation
import Postgres

/// An agent's rows in Postgres, as they follow a SQLite file. All calls are within one transaction.
struct Follower {
  let agent: String
  /// What the agent's row is made from; nil where only its id is known.
  let config: AgentConfig?

  /// Takes the lock of the agent's changes, to the end of the transaction; false where another process has it.
  nonisolated(nonsending) func lock(_ connection: inout PostgresLease) async throws(PostgresError) -> Bool {
    let rows = try await connection.query(
      "SELECT pg_try_advisory_xact_lock(agentbase_cutover_key(\(agent)))")
    return try rows.first?.decode(0, as: Bool.self) ?? false
  }

  /// Up to which change the rows are those of the file.
  ///
  /// - Throws: `AgentBaseError` of the code `cutover` where the file and the database do not fit.
  nonisolated(nonsending) func position(
    _ record: CutoverRecord, _ connection: inout PostgresLease
  ) async throws -> Int64 {
    let row = try await connection.queryOne(
      "SELECT pair_id::text, applied_sequence FROM agent_cutover WHERE agent_id = \(agent)")
    guard let row else {
      guard record.carriedSequence == 0 else {
        throw mismatch("Postgres knows nothing of the cut-over of this agent, which had come far already")
      }
      return 0
    }
    guard try row.decode(0, as: String.self) == record.pairID else {
      throw mismatch("Postgres follows another SQLite file of this agent")
    }
    let applied = try row.decode(1, as: Int64.self)
    if applied < record.carriedSequence {
      throw mismatch("Postgres has lost changes that were carried to it, as after a restore from a backup")
    }
    if applied > record.lastSequence {
      throw mismatch("the SQLite file has lost changes that Postgres has, as after a restore from a backup")
    }
    return applied
  }

  private func mismatch(_ message: String) -> AgentBaseError {
    AgentBaseError(
      .cutover, message, advice: "See Documentation/Cutover.md, \"When something was replaced\".",
      agent: agent)
  }

  /// Makes the rows what the batch says, and notes how far they are.
  nonisolated(nonsending) func apply(
    _ batch: OutboxBatch, of record: CutoverRecord, _ connection: inout PostgresLease
  ) async throws(PostgresError) {
    let results = try await connection.pipeline(statements(batch, record))
    for result in results { _ = try result.get() }
  }

  private func statements(_ batch: OutboxBatch, _ record: CutoverRecord) -> [PostgresStatement] {
    // So that the triggers of a cut-over know that this is no writer.
    var statements: [PostgresStatement] = [PostgresOutbox.carrying, register]
    for space in batch.spaces { statements.append(VectorSQL.set(space, agent: agent)) }
    if !batch.deletedMemories.isEmpty {
      statements.append(
        MemorySQL.delete(
          batch.deletedMemories.sorted().map { MemorySQL.Name(agent: agent, name: $0) },
          keepingHistory: false))
      statements.append(
        FollowerSQL.bury(.memory, batch.deletedMemories.map { ($0.namespace, $0.key) }, agent: agent))
    }
    if !batch.memories.isEmpty {
      // In the order of their names; a memory is large to be moved about.
      let order = batch.memories.enumerated().map { (name: $1.name, place: $0) }.sorted { $0.name < $1.name }
      statements.append(FollowerSQL.memories(order.map { batch.memories[$0.place] }, agent: agent))
      statements.append(
        FollowerSQL.unbury(.memory, batch.memories.map { ($0.namespace, $0.key) }, agent: agent))
    }
    if !batch.memoryNames.isEmpty {
      statements.append(FollowerSQL.forget(batch.memoryNames, butKeep: batch.history, agent: agent))
      if !batch.history.isEmpty { statements.append(FollowerSQL.keep(batch.history, agent: agent)) }
    }
    for name in batch.deletedTools { statements.append(ToolSQL.delete(name, agent: agent)) }
    if !batch.deletedTools.isEmpty {
      statements.append(FollowerSQL.bury(.tool, batch.deletedTools.map { ("", $0) }, agent: agent))
    }
    for tool in batch.tools { statements.append(FollowerSQL.tool(tool, agent: agent)) }
    if !batch.tools.isEmpty {
      statements.append(FollowerSQL.unbury(.tool, batch.tools.map { ("", $0.name) }, agent: agent))
    }
    if !batch.metrics.isEmpty { statements.append(FollowerSQL.metrics(batch.metrics, agent: agent)) }
    if !batch.executions.isEmpty { statements.append(FollowerSQL.executions(batch.executions, agent: agent)) }
    if !batch.adopted.isEmpty {
      statements.append(FollowerSQL.adopt(batch.adopted, agent: agent))
      let names = batch.adopted.map { (namespace: "", name: $0.uuidString.lowercased()) }
      statements.append(FollowerSQL.bury(.execution, names, agent: agent))
    }
    statements.append(Self.note(record, of: agent, appliedUpTo: batch.position))
    return statements
  }

  /// The agent's own row, which all others refer to.
  private var register: PostgresStatement {
    if let config { return AgentSQL.register(config) }
    return "INSERT INTO agents (id, name) VALUES (\(agent), \(agent)) ON CONFLICT (id) DO NOTHING"
  }

  /// Notes that a cut-over begins, or goes on.
  ///
  /// - Parameter position: how far the rows are, where that is not known from before.
  static func begin(
    _ record: CutoverRecord, of agent: String, appliedUpTo position: Int64?
  ) -> PostgresStatement {
    """
    INSERT INTO agent_cutover (agent_id, pair_id, phase, epoch, applied_sequence)
    VALUES (\(agent), \(record.pairID)::text::uuid, \(record.phase.rawValue), \(record.epoch),
      coalesce(\(position)::bigint, 0))
    ON CONFLICT (agent_id) DO UPDATE SET
      pair_id = excluded.pair_id, phase = excluded.phase, epoch = excluded.epoch,
      applied_sequence = coalesce(\(position)::bigint, agent_cutover.applied_sequence), applied_at = now()
    """
  }

  /// Notes the phase, and how far the rows are.
  static func note(
    _ record: CutoverRecord, of agent: String, appliedUpTo position: Int64
  ) -> PostgresStatement {
    """
    INSERT INTO agent_cutover (agent_id, pair_id, phase, epoch, applied_sequence)
    VALUES (\(agent), \(record.pairID)::text::uuid, \(record.phase.rawValue), \(record.epoch), \(position))
    ON CONFLICT (agent_id) DO UPDATE SET
      pair_id = excluded.pair_id, phase = excluded.phase, epoch = excluded.epoch,
      applied_sequence = excluded.applied_sequence, applied_at = now()
    """
  }
}
