// Tools in a SQLite file: our own table and the legacy ones, as one.

import Foundation
import SQLite

/// The tools of an agent within one transaction.
struct SQLiteTools {
  let connection: SQLiteConnection
  let catalog: SQLiteCatalog
  let agent: String
  let time: LegacyTime

  /// A row of a tool.
  private struct Row {
    var tool: AgentTool
    var rank: SQLiteRank
    var table: SQLiteTable
    var location: SQLiteLocation?
    /// The raw values of the columns that may be changed in place.
    var usageCount: SQLiteValue?
    var isEnabled: SQLiteValue?
  }

  // MARK: - Reading

  /// All tools, by the bytes of their names.
  func all() throws -> [AgentTool] {
    var newest: [ExactText: Row] = [:]
    for row in try rows() {
      let name = ExactText(row.tool.name)
      if let known = newest[name], known.rank > row.rank { continue }
      newest[name] = row
    }
    return newest.sorted { $0.key < $1.key }.map(\.value.tool)
  }

  /// The tool of a name.
  func tool(named name: String) throws -> AgentTool? { try newest(name)?.tool }

  private func newest(_ name: String) throws -> Row? { try rows(named: name).max { $0.rank < $1.rank } }

  /// The rows of all tables, or those of one name.
  private func rows(named name: String? = nil) throws -> [Row] {
    var rows: [Row] = []
    for table in catalog.tables(of: .tools) {
      let reader = SQLiteRowReader(table: table, agent: agent, time: time)
      let sql = table.isOwn ? table.selectSQL + " WHERE agent_id = ?" : table.selectSQL
      try connection.forEachRow(sql, table.isOwn ? [.text(agent)] : []) { row in
        guard reader.belongsToAgent(row) else { return }
        let found = reader.name(.name, row)
        if let name, !name.isExactly(found) { return }
        let createdAt = reader.time(.createdAt, row)
        let tool = AgentTool(
          name: found, description: reader.text(.description, row),
          configuration: reader.object(row).configuration, metadata: reader.metadata(row),
          isEnabled: reader.value(.isEnabled, row).map(LegacyConversion.isEnabled) ?? true,
          usageCount: reader.value(.usageCount, row).map(LegacyConversion.count) ?? 0,
          createdAt: createdAt?.date, updatedAt: (reader.time(.updatedAt, row) ?? createdAt)?.date,
          isImported: false)
        rows.append(
          Row(
            tool: tool, rank: reader.rank(row), table: table, location: reader.location(row),
            usageCount: reader.value(.usageCount, row), isEnabled: reader.value(.isEnabled, row)))
      }
    }
    return rows
  }

  // MARK: - Writing

  /// Registers a tool in our own table, or changes the one of this name.
  func register(_ draft: ToolDraft, in table: SQLiteTable) throws {
    let known = try newest(draft.name)
    try write(draft, usageCount: known?.tool.usageCount ?? 0, over: known?.rank.time, in: table)
  }

  /// Changes the count of uses: where the tool is, if its table counts, else in our own table.
  ///
  /// - Returns: false where there is no such tool.
  func countUses(_ name: String, _ count: Int64, makeOwnTable: () throws -> SQLiteTable) throws -> Bool {
    guard let row = try newest(name) else { return false }
    let usageCount = row.tool.usageCount.addingReportingOverflow(count)
    let sum = usageCount.overflow ? Int64.max : usageCount.partialValue
    switch row.usageCount {
    case .integer?, .null?: if try change(.usageCount, to: sum, of: row) { return true }
    default: break
    }
    try write(ToolDraft(copyOf: row.tool), usageCount: sum, over: row.rank.time, in: try makeOwnTable())
    return true
  }

  /// Switches a tool: where it is, if its table says so by a number, else in our own table.
  ///
  /// - Returns: false where there is no such tool.
  func setEnabled(_ name: String, _ isEnabled: Bool, makeOwnTable: () throws -> SQLiteTable) throws -> Bool {
    guard let row = try newest(name) else { return false }
    switch row.isEnabled {
    case .integer?, .null?: if try change(.isEnabled, to: isEnabled ? 1 : 0, of: row) { return true }
    default: break
    }
    var draft = ToolDraft(copyOf: row.tool)
    draft.isEnabled = isEnabled
    try write(draft, usageCount: row.tool.usageCount, over: row.rank.time, in: try makeOwnTable())
    return true
  }

  /// Removes every row of a tool; false where there is none.
  func delete(_ name: String) throws -> Bool {
    let rows = try rows(named: name)
    for row in rows {
      guard let location = row.location else { continue }
      try connection.execute(
        "DELETE FROM \(row.table.quotedName) WHERE \(location.condition)", location.values)
    }
    return !rows.isEmpty
  }

  private func change(_ role: LegacyRole, to number: Int64, of row: Row) throws -> Bool {
    guard let column = row.table.column(role), let location = row.location else { return false }
    do {
      return try connection.transaction {
        try connection.execute(
          "UPDATE \(row.table.quotedName) SET \(column) = ? WHERE \(location.condition)",
          [.integer(number)] + location.values) == 1
      }
    } catch let error as SQLiteError where error.code.primary == .constraint {
      return false
    }
  }

  private func write(
    _ draft: ToolDraft, usageCount: Int64, over newest: Timestamp?, in table: SQLiteTable
  ) throws {
    let now = max(.now, newest.map { Timestamp(microseconds: $0.microseconds + 1) } ?? .now)
    try connection.execute(
      """
      INSERT INTO \(table.quotedName)
        (agent_id, name, description, configuration, metadata, is_enabled, usage_count, created_at, updated_at)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)
      ON CONFLICT (agent_id, name) DO UPDATE SET
        description = excluded.description, configuration = excluded.configuration,
        metadata = excluded.metadata, is_enabled = excluded.is_enabled, usage_count = excluded.usage_count,
        updated_at = max(excluded.updated_at, updated_at)
      """,
      [
        .text(agent), .text(draft.name), draft.description.map(SQLiteValue.text) ?? .null,
        .text(draft.configurationText), .text(JSON.object(draft.metadata).jsonbText),
        .integer(draft.isEnabled ? 1 : 0), .integer(usageCount), .text(now.text),
      ])
  }
}
