// Changes that the side which follows refuses: how they are found, and set aside so that the others go on.

import Foundation
import Postgres
import SQLite

/// The side that follows has refused what a batch holds; nothing of it was applied.
struct RefusedBatch: Error {
  let lineCount: Int
  /// The change, where it was a batch of one.
  let only: OutboxChange?
  /// What it was to become.
  let state: String?
  let reason: AgentBaseError

  init(_ batch: OutboxBatch, _ reason: AgentBaseError) {
    lineCount = max(batch.lineCount, batch.changes.count)
    only = batch.changes.count == 1 ? batch.changes.first : nil
    state = only == nil ? nil : batch.state
    self.reason = reason
  }
}

/// A change that was set aside.
package struct RefusedChange: Sendable, Hashable {
  /// What kind of thing it is, as in a comparison.
  package var kind: String
  package var namespace: String
  /// A memory's key, a tool's name, or an id.
  package var key: String
  /// Why the other side has refused it.
  package var reason: String
}

/// What was set aside, in the books of the side that decides.
enum SetAside {
  /// The step of our own tables that makes the file's.
  static let step = 6

  /// How many changes of an agent were set aside in the file.
  static func count(of agent: String, _ connection: SQLiteConnection) throws -> Int {
    let row = try connection.queryOne(
      "SELECT count(*) FROM main.agentbase_set_aside WHERE agent_id = ?", [.text(agent)])
    return Int(row?[0].int64 ?? 0)
  }

  /// Forgets what is there after all.
  static func forget(_ changes: [OutboxChange], of agent: String, _ connection: SQLiteConnection) throws {
    guard
      try connection.queryOne(
        "SELECT 1 FROM main.agentbase_set_aside WHERE agent_id = ? LIMIT 1", [.text(agent)])
        != nil
    else { return }
    for change in changes {
      try connection.execute(
        "DELETE FROM main.agentbase_set_aside WHERE agent_id = ? AND kind = ? AND namespace = ? AND key = ?",
        [.text(agent), .text(change.kind.rawValue), .text(change.namespace), .text(change.key)])
    }
  }

  /// The same in Postgres.
  static func forget(_ changes: [OutboxChange], of agent: String) -> PostgresStatement {
    """
    DELETE FROM agent_outbox_set_aside AS held
    USING unnest(\(changes.map(\.kind.rawValue)), \(changes.map(\.namespace)), \(changes.map(\.key)))
      AS carried (kind, namespace, key)
    WHERE held.agent_id = \(agent) AND held.kind = carried.kind AND held.namespace = carried.namespace
      AND held.key = carried.key
    """
  }

  /// Puts a change there, and removes its lines, in the connection's transaction.
  static func put(_ refused: RefusedBatch, of agent: String, _ connection: SQLiteConnection) throws {
    guard let change = refused.only else { return }
    let name: [SQLiteValue] = [
      .text(agent), .text(change.kind.rawValue), .text(change.namespace), .text(change.key),
    ]
    try connection.execute(
      """
      INSERT OR REPLACE INTO main.agentbase_set_aside (agent_id, kind, namespace, key, state, reason, set_aside_at)
      VALUES (?, ?, ?, ?, ?, ?, ?)
      """,
      name + [
        refused.state.map(SQLiteValue.text) ?? .null, .text(refused.reason.message),
        .integer(Timestamp.now.microseconds),
      ])
    try Outbox(connection: connection, agent: agent).remove(change)
  }

  /// The same in Postgres, in one statement.
  static func put(_ refused: RefusedBatch, _ change: OutboxChange, of agent: String) -> PostgresStatement {
    """
    WITH gone AS (
      DELETE FROM agent_outbox WHERE agent_id = \(agent) AND kind = \(change.kind.rawValue)
        AND namespace = \(change.namespace) AND key = \(change.key)
    )
    INSERT INTO agent_outbox_set_aside (agent_id, kind, namespace, key, state, reason)
    VALUES (\(agent), \(change.kind.rawValue), \(change.namespace), \(change.key),
      \(refused.state.map(PostgresValue.jsonb) ?? .null)::jsonb, \(refused.reason.message))
    ON CONFLICT (agent_id, kind, namespace, key) DO UPDATE SET
      state = excluded.state, reason = excluded.reason, set_aside_at = excluded.set_aside_at
    """
  }
}

extension Cutover {
  /// Tries to carry what waits first, where anything does.
  ///
  /// - Throws: `AgentBaseError` of the code `refused`, which names the change, where the other side does not take it.
  @concurrent package func checkRefusals() async throws {
    guard try await status().lag > 0 else { return }
    try await carryPresent(for: .seconds(2))
  }

  /// Sets aside every change that the other side refuses, with what it was to become, and carries the others.
  ///
  /// - Returns: what was set aside now.
  @concurrent package func setAside() async throws -> [RefusedChange] {
    var found: [RefusedChange] = []
    while true {
      do {
        guard try await carryPresent() else { return found }
        return found
      } catch let error as AgentBaseError where error.code == .refused {
        guard let refused = error.underlying as? RefusedBatch, let change = refused.only else { throw error }
        try await put(refused, change)
        found.append(
          RefusedChange(
            kind: change.kind.rawValue, namespace: change.namespace, key: change.key,
            reason: refused.reason.message))
      }
    }
  }

  private func put(_ refused: RefusedBatch, _ change: OutboxChange) async throws {
    let agent = agent
    if try await Replicator.record(of: agent, file.resource)?.phase == .postgresPrimary {
      let pool = try await carrier.postgres(for: config).pool
      do {
        _ = try await pool.execute(SetAside.put(refused, change, of: agent))
      } catch {
        throw AgentBaseError.of(error)
      }
    } else {
      try await file.resource.write { connection, _ in
        try SQLiteOwnSchema.install(on: connection)
        try SetAside.put(refused, of: agent, connection)
      }
    }
  }
}

extension OutboxBatch {
  /// The one thing that a batch of one line holds, as JSON: null where it was deleted.
  fileprivate var state: String {
    func time(_ date: Date?) -> JSON { date.flatMap(Timestamp.init).map { .string($0.text) } ?? .null }
    if let memory = memories.first {
      let vector = memory.embedding.map { JSON.array($0.map { JSON.real(Double($0)) ?? .null }) }
      return JSON.object([
        "value": memory.value.json, "metadata": .object(memory.metadata), "embedding": vector ?? .null,
        "expires_at": time(memory.expiresAt), "version": .integer(memory.version),
      ]).jsonbText
    }
    if let tool = tools.first {
      return JSON.object([
        "description": tool.description.map { .string($0) } ?? .null, "configuration": tool.configuration,
        "metadata": .object(tool.metadata), "is_enabled": .bool(tool.isEnabled),
        "usage_count": .integer(tool.usageCount),
      ]).jsonbText
    }
    if let metric = metrics.first?.metric {
      return JSON.object([
        "metric_name": .string(metric.name), "value": metric.value.flatMap(JSON.real) ?? .null,
        "unit": metric.unit.map { .string($0) } ?? .null, "metadata": .object(metric.metadata),
        "timestamp": time(metric.timestamp),
      ]).jsonbText
    }
    if let execution = executions.first {
      return JSON.object([
        "task_type": .string(execution.task), "status": .string(execution.status.rawValue),
        "input": execution.input ?? .null, "output": execution.output ?? .null,
        "metadata": .object(execution.metadata), "started_at": time(execution.startedAt),
      ]).jsonbText
    }
    return "null"
  }
}

extension OutboxChange {
  /// What it is, for people: its kind and name, cut where that is long.
  var named: String {
    let space = namespace.isEmpty ? "" : "\(AgentBaseError.shown(namespace)) "
    return "the \(kind.rawValue) \(space)\(AgentBaseError.shown(key))"
  }
}

extension PostgresError {
  /// Whether the server does not take the values themselves: no other attempt mends that.
  var refusesValues: Bool {
    if code == .encoding { return true }
    guard code == .server, !isSafeToRetry, let state = sqlState else { return false }
    // Data exceptions, violated constraints, limits of the program, what a trigger of the user's raises, a wrong vector.
    return ["22", "23", "54", "P0"].contains(state.conditionClass) || state == "AB001"
  }
}

extension SQLiteError {
  /// Whether the file does not take the values themselves.
  var refusesValues: Bool { [.constraint, .mismatch, .tooBig].contains(code.primary) }
}
