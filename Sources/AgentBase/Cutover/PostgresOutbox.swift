// The outbox of Postgres: what has changed there and is not in the SQLite file yet. Triggers fill it.

import Foundation
import Postgres

/// The SQL of an agent's lines in Postgres' outbox.
enum PostgresOutbox {
  /// Says, for the rest of the transaction, that what is written is carried or repaired, and by no agent.
  static let carrying: PostgresStatement = "SELECT set_config('agentbase.carrying', 'on', true)"

  /// The oldest lines.
  static func lines(of agent: String, limit: Int) -> PostgresStatement {
    """
    SELECT kind, namespace, key, sequence FROM agent_outbox WHERE agent_id = \(agent) ORDER BY sequence LIMIT \(limit)
    """
  }

  /// Removes lines that are in the file, and notes how many batches it has taken.
  static func remove(_ sequences: [Int64], of agent: String, batch: Int64) -> [PostgresStatement] {
    [
      "DELETE FROM agent_outbox WHERE agent_id = \(agent) AND sequence = ANY(\(sequences))",
      """
      INSERT INTO agent_outbox_progress (agent_id, batch) VALUES (\(agent), \(batch))
      ON CONFLICT (agent_id) DO UPDATE SET batch = excluded.batch, carried_at = statement_timestamp()
      """,
    ]
  }

  /// Adds lines, so that what they name is carried again.
  static func add(_ changes: [OutboxChange], of agent: String) -> PostgresStatement {
    """
    INSERT INTO agent_outbox (agent_id, kind, namespace, key)
    SELECT \(agent), kind, namespace, key
    FROM unnest(\(changes.map(\.kind.rawValue)), \(changes.map(\.namespace)), \(changes.map(\.key)))
      AS new (kind, namespace, key)
    """
  }

  /// How many lines wait, up to a limit; when the oldest was written, and when some were carried last.
  static func lag(of agent: String, limit: Int) -> PostgresStatement {
    """
    SELECT count(*), min(written_at), (SELECT carried_at FROM agent_outbox_progress WHERE agent_id = \(agent)),
      (SELECT count(*) FROM agent_outbox_set_aside WHERE agent_id = \(agent))
    FROM (SELECT written_at FROM agent_outbox WHERE agent_id = \(agent) ORDER BY sequence LIMIT \(limit)) AS waiting
    """
  }

  /// The number of the newest line.
  static func newest(of agent: String) -> PostgresStatement {
    "SELECT max(sequence) FROM agent_outbox WHERE agent_id = \(agent)"
  }

  /// The number of the oldest line.
  static func oldest(of agent: String) -> PostgresStatement {
    "SELECT min(sequence) FROM agent_outbox WHERE agent_id = \(agent)"
  }

  /// Whether there is a line for a change.
  static func holds(_ change: OutboxChange, of agent: String) -> PostgresStatement {
    """
    SELECT EXISTS (SELECT FROM agent_outbox WHERE agent_id = \(agent) AND kind = \(change.kind.rawValue)
      AND namespace = \(change.namespace) AND key = \(change.key))
    """
  }

  /// A line, as `lines` answers it.
  static func line(_ row: PostgresRow) throws -> OutboxLine {
    let word = try row.decode(0, as: String.self)
    guard let kind = OutboxChange.Kind(rawValue: word) else {
      throw AgentBaseError(
        .schema, "agent_outbox holds a line of the kind \"\(word.prefix(40))\"", advice: "Update the program."
      )
    }
    return OutboxLine(
      change: OutboxChange(kind: kind, namespace: try row.decode(1), key: try row.decode(2)),
      sequence: try row.decode(3))
  }
}

/// What waits to be carried to a file.
struct OutboxLag: Sendable {
  var count: Int64
  var waitingSince: Timestamp?
  var carriedAt: Timestamp?
  /// How many changes were set aside.
  var setAside: Int

  init(_ row: PostgresRow) throws(PostgresError) {
    count = try row.decode(0)
    waitingSince = try row.microseconds(1).map(Timestamp.init(microseconds:))
    carriedAt = try row.microseconds(2).map(Timestamp.init(microseconds:))
    setAside = try row.decode(3)
  }
}
