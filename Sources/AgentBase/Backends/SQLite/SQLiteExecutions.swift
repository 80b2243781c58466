// Executions in a SQLite file: our own table is written, the legacy ones are read beside it.

import Foundation
import SQLite

/// The executions of an agent within one transaction.
struct SQLiteExecutions {
  let connection: SQLiteConnection
  let catalog: SQLiteCatalog
  let agent: String
  let time: LegacyTime

  // MARK: - Reading

  private var records: SQLiteRecords {
    SQLiteRecords(
      connection: connection, catalog: catalog, agent: agent, time: time, kind: .executions,
      timeRole: .startedAt)
  }

  /// Executions, the newest first.
  func find(_ query: ExecutionQuery) throws -> [Placed<AgentExecution>] {
    try records.newest(
      in: query.range, after: query.after, limit: query.limit,
      where: [.init("task_type", query.task), .init("status", query.status?.rawValue)].compactMap { $0 }
    ) { reader, row in
      let execution = execution(reader, row)
      if let task = query.task, !task.isExactly(execution.task) { return nil }
      if let status = query.status, status != execution.status { return nil }
      return execution
    }
  }

  /// The execution of our own table with this id; nil where there is none.
  func execution(_ id: String) throws -> AgentExecution? {
    guard let table = catalog.ownTable(of: .executions) else { return nil }
    let reader = SQLiteRowReader(table: table, agent: agent, time: time)
    var found: AgentExecution?
    try connection.forEachRow("\(table.selectSQL) WHERE execution_id = ?", [.text(id)]) { row in
      found = execution(reader, row)
    }
    return found
  }

  /// What executions come to.
  func statistics(_ count: ExecutionCount) throws -> ExecutionStatistics {
    var counts: [AgentExecution.Status: Int] = [:]
    var durations: [AgentExecution.Status: [Double]] = [:]
    try records.scan(
      in: count.range, where: [.init("task_type", count.task)].compactMap { $0 }
    ) { reader, row, _ in
      let fields = LegacyFields(table: reader.table.table, time: time) { row.value($0 + 1) }
      if let task = count.task, !task.isExactly(fields.text(.name) ?? reader.table.table.name) { return }
      let status = Self.status(fields)
      counts[status, default: 0] += 1
      if let duration = fields.durationMilliseconds { durations[status, default: []].append(duration) }
    }
    var statistics = ExecutionStatistics(
      total: counts.values.reduce(0, +), counts: counts,
      durations: try NumberSummary(durations.values.flatMap { $0 }, places: count.percentiles),
      durationsByStatus: [:])
    for (status, numbers) in durations {
      statistics.durationsByStatus[status] = try NumberSummary(numbers, places: count.percentiles)
    }
    return statistics
  }

  private func execution(_ reader: SQLiteRowReader, _ row: borrowing SQLiteStatement) -> AgentExecution {
    let fields = LegacyFields(table: reader.table.table, time: time) { row.value($0 + 1) }
    // The second column of our own table is the identity that its handle has.
    let id = reader.table.isOwn ? row.value(2).string.flatMap(UUID.init(uuidString:)) : nil
    return AgentExecution(
      id: id, task: fields.text(.name) ?? reader.table.table.name,
      status: Self.status(fields), input: fields[.input].flatMap(LegacyConversion.json),
      output: fields[.output].flatMap(LegacyConversion.json), errorMessage: fields.text(.errorMessage),
      startedAt: fields.time(.startedAt).map { Timestamp(microseconds: $0).date },
      completedAt: fields.time(.completedAt).map { Timestamp(microseconds: $0).date },
      durationMilliseconds: fields.durationMilliseconds, metadata: reader.metadata(row), isImported: false)
  }

  private static func status(_ fields: LegacyFields) -> AgentExecution.Status {
    AgentExecution.Status(
      rawValue: LegacyConversion.status(
        fields[.status], columnName: fields.columnName(.status),
        hasError: fields.text(.errorMessage)?.isEmpty == false, isCompleted: fields.time(.completedAt) != nil)
    )
  }

  // MARK: - Writing

  /// Records that an execution has begun.
  func begin(_ draft: ExecutionDraft, in table: SQLiteTable) throws {
    try connection.execute(
      """
      INSERT INTO \(table.quotedName)
        (execution_id, agent_id, task_type, status, input, metadata, started_at, created_at)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)
      """,
      [
        .text(draft.id.uuidString.lowercased()), .text(agent), .text(draft.task),
        .text(AgentExecution.Status.running.rawValue), draft.inputText.map(SQLiteValue.text) ?? .null,
        .text(JSON.object(draft.metadata).jsonbText), .text(Timestamp.now.text),
      ])
  }

  /// Records its end; false where it is not running.
  func end(_ end: ExecutionEnd) throws -> Bool {
    guard let table = catalog.ownTable(of: .executions) else { return false }
    // One that the agent's old code has changed is not ours any more.
    if catalog.hasMirrors(of: .executions), try execution(end.id.uuidString.lowercased()) == nil {
      return false
    }
    return try connection.execute(
      """
      UPDATE \(table.quotedName)
      SET status = ?, output = ?, error_message = ?, completed_at = ?, duration_ms = ?
      WHERE execution_id = ? AND agent_id = ? AND status = 'running'
      """,
      [
        .text(end.status.rawValue), end.outputText.map(SQLiteValue.text) ?? .null,
        end.errorMessage.map(SQLiteValue.text) ?? .null, .text(Timestamp.now.text),
        .real(end.durationMilliseconds), .text(end.id.uuidString.lowercased()), .text(agent),
      ]) == 1
  }
}
