// Reads batches from Postgres' outbox: the present state of all that some lines name.

import Foundation
import Postgres

/// Reads what is carried to a SQLite file, within one transaction that holds the agent's lock.
struct PostgresOutboxReader {
  let agent: String

  /// The state of what the oldest lines name, and the numbers of those lines. A line that is there twice is read once.
  nonisolated(nonsending) func batch(
    _ connection: inout PostgresLease, limit: Int = OutboxReader.mostLines
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
      MemorySQL.memories(names.map { MemorySQL.Name(agent: agent, name: $0) }),
      MemorySQL.allKept(names, agent: agent),
    ])
    var found = Set<Int>()
    for row in try answers[0].get() {
      batch.memories.append(try PostgresMemoryRow.memory(row))
      found.insert(try row.decode(PostgresMemoryRow.count, as: Int.self) - 1)
    }
    for (place, name) in names.enumerated() where !found.contains(place) {
      batch.deletedMemories.append(name)
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
  /// All earlier values of keys, the oldest first, in the columns of `PostgresVersionRow`, and their names. Of a version that was both
  /// carried and imported, the carried one.
  static func allKept(_ names: [MemoryName], agent: String) -> PostgresStatement {
    """
    SELECT version, content, metadata, embedding, stored_at, replaced_at, source_id IS NOT NULL AS is_imported,
      source_exact, id, namespace, key
    FROM agent_memory_history AS kept
    JOIN unnest(\(names.map(\.namespace)), \(names.map(\.key))) AS wanted (namespace, key) USING (namespace, key)
    WHERE agent_id = \(agent) AND NOT (source_id IS NOT NULL AND EXISTS (
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
