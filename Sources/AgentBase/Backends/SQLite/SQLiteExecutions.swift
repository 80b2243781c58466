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

  /// Executions, the newest first.
  func find(_ query: ExecutionQuery) throws -> [AgentExecution] {
    var newest = NewestRows<AgentExecution>(limit: query.limit)
    for table in catalog.tables(of: .executions) {
      let reader = SQLiteRowReader(table: table, agent: agent, time: time)
      var sql = table.selectSQL
      var values: [SQLiteValue] = []
      if table.isOwn {
        sql += " WHERE agent_id = ? AND started_at >= ?"
        values = [.text(agent), .text(query.since.map { Timestamp(microseconds: $0).text } ?? "")]
        if let task = query.task {
          sql += " AND task_type = ?"
          values.append(.text(task))
        }
        if let status = query.status {
          sql += " AND status = ?"
          values.append(.text(status.rawValue))
        }
        sql += " ORDER BY started_at DESC, id DESC LIMIT \(query.limit)"
      }
      var found = newest
      try connection.forEachRow(sql, values) { row in
        guard reader.belongsToAgent(row) else { return }
        let startedAt = reader.time(.startedAt, row)
        if let since = query.since, startedAt.map({ $0.microseconds < since }) ?? true { return }
        let rank = SQLiteRank(
          time: startedAt, rowID: table.rowIDName == nil ? 0 : row.integer(0),
          table: ExactText(table.table.name))
        guard found.takes(rank) else { return }
        let execution = execution(reader, row)
        if let task = query.task, !task.isExactly(execution.task) { return }
        if let status = query.status, status != execution.status { return }
        found.add(rank, execution)
      }
      newest = found
    }
    return newest.sorted
  }

  private func execution(_ reader: SQLiteRowReader, _ row: borrowing SQLiteStatement) -> AgentExecution {
    let fields = LegacyFields(table: reader.table.table, time: time) { row.value($0 + 1) }
    let error = fields.text(.errorMessage)
    let completedAt = fields.time(.completedAt)
    let status = LegacyConversion.status(
      fields[.status], columnName: fields.columnName(.status), hasError: error?.isEmpty == false,
      isCompleted: completedAt != nil)
    // The second column of our own table is the identity that its handle has.
    let id = reader.table.isOwn ? row.value(2).string.flatMap(UUID.init(uuidString:)) : nil
    return AgentExecution(
      id: id, task: fields.text(.name) ?? reader.table.table.name,
      status: AgentExecution.Status(rawValue: status), input: fields[.input].flatMap(LegacyConversion.json),
      output: fields[.output].flatMap(LegacyConversion.json), errorMessage: error,
      startedAt: fields.time(.startedAt).map { Timestamp(microseconds: $0).date },
      completedAt: completedAt.map { Timestamp(microseconds: $0).date },
      durationMilliseconds: fields.durationMilliseconds, metadata: reader.metadata(row), isImported: false)
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
