// Reads batches from Postgres' outbox: the present state of all that some lines name.

import Foundation
import Postgres

/// Reads what is carried to a SQLite file, within one transaction that holds the agent's lock.
struct PostgresOutboxReader {
  let agent: String

  /// The state of what the oldest lines name, and the numbers of those lines. A line that is there twice is read once.
  nonisolated(nonsending) func batch(
    _ connection: inout PostgresLease, limit: Int = OutboxReader.mostChanges
  ) async throws -> (batch: OutboxBatch, sequences: [Int64]) {
    // The lines first: what is changed again after this statement has a line of its own behind them.
    let lines = try await connection.query(PostgresOutbox.lines(of: agent, limit: limit)).map {
      try PostgresOutbox.line($0)
    }
    var batch = OutboxBatch(position: lines.last?.sequence ?? 0)
    batch.lineCount = lines.count
    var names: [OutboxChange.Kind: [OutboxChange]] = [:]
    var seen: Set<OutboxChange> = []
    for line in lines where seen.insert(line.change).inserted {
      batch.changes.append(line.change)
      names[line.change.kind, default: []].append(line.change)
    }
    try await readMemories(names[.memory] ?? [], into: &batch, &connection)
    try await readTools(names[.tool] ?? [], into: &batch, &connection)
    try await readRecords(names[.metric] ?? [], names[.execution] ?? [], into: &batch, &connection)
    if let spaces = names[.space] {
      let wanted = Set(spaces.map { ExactText($0.key) })
      batch.spaces = try await connection.query(VectorSQL.spaces(agent: agent)).map { try StoredSpace($0) }
        .filter { wanted.contains(ExactText($0.namespace)) }
    }
    return (batch, lines.map(\.sequence))
  }

  private nonisolated(nonsending) func readMemories(
    _ changes: [OutboxChange], into batch: inout OutboxBatch, _ connection: inout PostgresLease
  ) async throws {
    guard !changes.isEmpty else { return }
    let names = changes.map { MemoryName(namespace: $0.namespace, key: $0.key) }
    let answers = try await connection.pipeline([
      MemorySQL.stored(names, agent: agent), MemorySQL.allKept(names, agent: agent),
    ])
    var isStored = Array(repeating: false, count: names.count)
    for row in try answers[0].get() {
      let place = try row.decode(PostgresMemoryRow.count, as: Int.self) - 1
      isStored[place] = true
      if try row.decode(PostgresMemoryRow.count + 1, as: Bool.self) {
        batch.memories.append(try PostgresMemoryRow.memory(row))
      } else {
        batch.deletedMemories.append(names[place])
      }
    }
    // Deleted, but there may be an imported row that has come since.
    let others = names.indices.filter { !isStored[$0] }.map { names[$0] }
    if !others.isEmpty {
      var found = Set<Int>()
      let imported = MemorySQL.memories(others.map { MemorySQL.Name(agent: agent, name: $0) })
      for row in try await connection.query(imported) {
        batch.memories.append(try PostgresMemoryRow.memory(row))
        found.insert(try row.decode(PostgresMemoryRow.count, as: Int.self) - 1)
      }
      for (place, name) in others.enumerated() where !found.contains(place) {
        batch.deletedMemories.append(name)
      }
    }
    for row in try answers[1].get() {
      let name = MemoryName(namespace: try row.decode(9), key: try row.decode(10))
      batch.history.append((name, try PostgresVersionRow.version(row).found))
    }
  }

  private nonisolated(nonsending) func readTools(
    _ changes: [OutboxChange], into batch: inout OutboxBatch, _ connection: inout PostgresLease
  ) async throws {
    guard !changes.isEmpty else { return }
    let answers = try await connection.pipeline(changes.map { ToolSQL.tool($0.key, agent: agent) })
    for (change, answer) in zip(changes, answers) {
      if let row = try answer.get().first {
        batch.tools.append(try PostgresToolRow.tool(row))
      } else {
        batch.deletedTools.append(change.key)
      }
    }
  }

  private nonisolated(nonsending) func readRecords(
    _ metrics: [OutboxChange], _ executions: [OutboxChange], into batch: inout OutboxBatch,
    _ connection: inout PostgresLease
  ) async throws {
    if !metrics.isEmpty {
      for row in try await connection.query(MetricSQL.stored(metrics.map(\.key), agent: agent)) {
        batch.metrics.append(try PostgresMetricRow.stored(row))
      }
    }
    if !executions.isEmpty {
      for row in try await connection.query(ExecutionSQL.stored(executions.map(\.key), agent: agent)) {
        batch.executions.append(try PostgresExecutionRow.stored(row))
      }
    }
  }
}

extension MemorySQL {
  // Each key is looked for by itself (LATERAL with a LIMIT), whatever the planner thinks of tables that nobody has analyzed yet: it
  // may compare every row of the agent with every name.

  /// The stored rows of keys, each with the key's place from 1 and whether it has not expired; keys without one are left out.
  static func stored(_ names: [MemoryName], agent: String) -> PostgresStatement {
    """
    SELECT \(unsafeSQL: PostgresMemoryRow.names(of: "memory")), wanted.place,
      coalesce(memory.expires_at > statement_timestamp(), true)
    FROM unnest(\(names.map(\.namespace)), \(names.map(\.key))) WITH ORDINALITY AS wanted (space, name, place)
    CROSS JOIN LATERAL (
      SELECT \(unsafeSQL: columns) FROM agent_memories
      WHERE agent_id = \(agent) AND namespace = wanted.space AND key = wanted.name AND source_id IS NULL LIMIT 1
    ) AS memory
    """
  }

  /// All earlier values of keys, the oldest first, in the columns of `PostgresVersionRow`, and their names. Of a version that was both
  /// carried and imported, the carried one.
  static func allKept(_ names: [MemoryName], agent: String) -> PostgresStatement {
    """
    SELECT version, content, metadata, embedding, stored_at, replaced_at, source_id IS NOT NULL AS is_imported,
      source_exact, id, namespace, key
    FROM unnest(\(names.map(\.namespace)), \(names.map(\.key))) AS wanted (space, name)
    CROSS JOIN LATERAL (
      SELECT * FROM agent_memory_history
      WHERE agent_id = \(agent) AND namespace = wanted.space AND key = wanted.name OFFSET 0
    ) AS kept
    WHERE EXISTS (SELECT FROM agent_memory_history WHERE agent_id = \(agent))
      AND NOT (source_id IS NOT NULL AND EXISTS (
        SELECT FROM agent_memory_history AS carried WHERE carried.agent_id = kept.agent_id AND carried.source_id IS NULL
          AND carried.namespace = kept.namespace AND carried.key = kept.key AND carried.version = kept.version))
    ORDER BY namespace, key, replaced_at, version, id
    """
  }
}

extension MetricSQL {
  /// Stored measurements by their ids.
  static func stored(_ ids: [String], agent: String) -> PostgresStatement {
    """
    SELECT \(unsafeSQL: PostgresMetricRow.columns), id FROM agent_metrics
    WHERE agent_id = \(agent) AND source_id IS NULL AND id = ANY(\(ids)::text[]::uuid[])
    """
  }
}

extension ExecutionSQL {
  /// Stored executions by their ids.
  static func stored(_ ids: [String], agent: String) -> PostgresStatement {
    """
    SELECT \(unsafeSQL: PostgresExecutionRow.columns) FROM agent_executions
    WHERE agent_id = \(agent) AND source_id IS NULL AND id = ANY(\(ids)::text[]::uuid[])
    """
  }
}
