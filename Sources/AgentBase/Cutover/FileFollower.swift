// Applies batches of Postgres' outbox to a SQLite file: what they hold and how far they reach commit together.

import Foundation
import SQLite

/// Another process has carried to the file meanwhile, or the phase has changed: nothing was applied.
struct FollowerOutrun: Error {}

/// An agent's rows in a SQLite file, as they follow Postgres. All calls are within one write transaction.
struct FileFollower {
  let agent: String
  let time: LegacyTime

  /// Makes the rows what the batch says, and counts it.
  ///
  /// - Parameters:
  ///   - epoch: the epoch in which Postgres decides.
  ///   - expected: how many batches the file had taken when the agent's lock was got: a process that has lost the lock since
  ///     must not apply what is older.
  /// - Returns: how many batches it has taken now.
  func apply(
    _ batch: OutboxBatch, epoch: Int64, expected: Int64, _ connection: SQLiteConnection,
    _ catalog: SQLiteCatalog
  ) throws -> Int64 {
    guard let record = try CutoverTable.record(of: agent, connection), record.phase == .postgresPrimary,
      record.epoch == epoch, try CutoverTable.followedBatch(of: agent, connection, catalog) == expected
    else { throw FollowerOutrun() }
    let transaction = SQLiteAgentTransaction(connection, catalog, agent: agent, time: time)
    for space in batch.spaces { try transaction.memories.write(space, isReplacing: true) }
    for name in batch.deletedMemories {
      _ = try transaction.memories.delete(name, keepingHistory: false)
    }
    let writer = try transaction.memoryWriter()
    for memory in batch.memories { try writer.put(memory) }
    try replaceHistory(of: batch, transaction.memories.history)
    for name in batch.deletedTools { _ = try transaction.tools.delete(name) }
    if !batch.tools.isEmpty {
      let table = try transaction.ownTable(of: .tools)
      for tool in batch.tools { try transaction.tools.put(tool, in: table) }
    }
    try put(batch.metrics, transaction, connection)
    try put(batch.executions, transaction, connection)
    try CutoverTable.follow(expected + 1, of: agent, connection)
    return expected + 1
  }

  /// Makes the earlier values of all memories of the batch those that it holds.
  private func replaceHistory(of batch: OutboxBatch, _ history: SQLiteHistory) throws {
    if try history.isKept {
      for name in batch.memoryNames { try history.forget(name) }
    }
    for (name, version) in batch.history {
      let replacedAt = version.replacedAt.flatMap(Timestamp.init) ?? .now
      try history.keep(Memory(version, of: name), replacedAt: replacedAt)
    }
  }

  private func put(
    _ metrics: [(id: UUID, metric: AgentMetric)], _ transaction: SQLiteAgentTransaction,
    _ connection: SQLiteConnection
  ) throws {
    let outbox = Outbox(connection: connection, agent: agent)
    for (id, metric) in metrics {
      let key = id.uuidString.lowercased()
      if try outbox.hasCarried(key) { continue }
      let draft = MetricDraft(
        name: metric.name, value: metric.value ?? 0, unit: metric.unit, metadata: metric.metadata,
        time: metric.timestamp.flatMap(Timestamp.init)?.microseconds)
      let table = try transaction.metrics.record(draft, needsRowID: true) {
        try transaction.ownTable(of: .metrics)
      }
      let rowID = connection.lastInsertRowID
      try outbox.markCarried(key, table: table, rowID: rowID)
      try transaction.reflect(metric: rowID, in: table)
    }
  }

  private func put(
    _ executions: [AgentExecution], _ transaction: SQLiteAgentTransaction, _ connection: SQLiteConnection
  ) throws {
    guard !executions.isEmpty else { return }
    let outbox = Outbox(connection: connection, agent: agent)
    let table = try transaction.ownTable(of: .executions)
    for execution in executions {
      guard let id = execution.id else { continue }
      let rowID = try transaction.executions.put(execution, id, in: table)
      try outbox.markCarried(id.uuidString.lowercased(), table: table.table.name, rowID: rowID)
      try transaction.reflect(execution: id)
    }
  }
}

extension Memory {
  /// A memory as it was.
  fileprivate init(_ version: MemoryVersion, of name: MemoryName) {
    self.init(
      namespace: name.namespace, key: name.key, value: version.value, metadata: version.metadata,
      embedding: version.embedding, createdAt: nil, updatedAt: version.storedAt, expiresAt: nil,
      timeToLive: nil, version: version.version, isImported: false)
  }
}

extension SQLiteTools {
  /// Makes a tool of our own table what it is elsewhere; it stands above every legacy row of the name.
  func put(_ tool: AgentTool, in table: SQLiteTable) throws {
    let updated = tool.updatedAt.flatMap(Timestamp.init)
    try write(
      ToolDraft(copyOf: tool), ToolCounts(of: tool), over: try newestTime(tool.name), at: updated ?? .now,
      in: table)
  }
}

extension SQLiteExecutions {
  /// Makes an execution of our own table what it is elsewhere.
  ///
  /// - Returns: its rowid.
  func put(_ execution: AgentExecution, _ id: UUID, in table: SQLiteTable) throws -> Int64 {
    func text(_ date: Date?) -> SQLiteValue { date.flatMap(Timestamp.init).map { .text($0.text) } ?? .null }
    let key = id.uuidString.lowercased()
    try connection.execute(
      """
      INSERT INTO \(table.quotedName)
        (execution_id, agent_id, task_type, status, input, output, error_message, started_at, completed_at, duration_ms,
         metadata, created_at)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?8)
      ON CONFLICT (execution_id) DO UPDATE SET
        status = excluded.status, output = excluded.output, error_message = excluded.error_message,
        completed_at = excluded.completed_at, duration_ms = excluded.duration_ms, metadata = excluded.metadata
      """,
      [
        .text(key), .text(agent), .text(execution.task), .text(execution.status.rawValue),
        execution.input.map { .text($0.jsonbText) } ?? .null,
        execution.output.map { .text($0.jsonbText) } ?? .null,
        execution.errorMessage.map(SQLiteValue.text) ?? .null,
        text(execution.startedAt ?? execution.completedAt ?? Timestamp.now.date), text(execution.completedAt),
        execution.durationMilliseconds.map(SQLiteValue.real) ?? .null, .text(execution.metadata.storedText),
      ])
    return try connection.queryOne(
      "SELECT id FROM \(table.quotedName) WHERE execution_id = ?", [.text(key)])?[
        0
      ].int64 ?? 0
  }
}
