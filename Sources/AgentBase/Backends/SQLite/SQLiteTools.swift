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
    var raw: [LegacyRole: SQLiteValue]
  }

  private static let changedInPlace: [LegacyRole] = [
    .usageCount, .successCount, .failureCount, .lastUsedAt, .isEnabled,
  ]

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

  /// How new the newest row of a name is.
  func newestTime(_ name: String) throws -> Timestamp? { try newest(name)?.rank.time }

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
        let raw = Dictionary(
          Self.changedInPlace.compactMap { role in reader.value(role, row).map { (role, $0) } },
          uniquingKeysWith: { first, _ in first })
        let tool = AgentTool(
          name: found, description: reader.text(.description, row),
          configuration: reader.object(row).configuration, metadata: reader.metadata(row),
          isEnabled: raw[.isEnabled].map(LegacyConversion.isEnabled) ?? true,
          ToolCounts(
            uses: raw[.usageCount].map(LegacyConversion.count) ?? 0,
            successes: raw[.successCount].map(LegacyConversion.count) ?? 0,
            failures: raw[.failureCount].map(LegacyConversion.count) ?? 0,
            timed: reader.value(.timedCount, row).map(LegacyConversion.count) ?? 0,
            milliseconds: reader.value(.timedMilliseconds, row).flatMap(LegacyConversion.number) ?? 0,
            lastUsed: reader.time(.lastUsedAt, row)?.microseconds),
          createdAt: createdAt?.date, updatedAt: (reader.time(.updatedAt, row) ?? createdAt)?.date,
          isImported: false)
        rows.append(
          Row(tool: tool, rank: reader.rank(row), table: table, location: reader.location(row), raw: raw))
      }
    }
    return rows
  }

  // MARK: - Writing

  /// Registers a tool in our own table, or changes the one of this name.
  func register(_ draft: ToolDraft, in table: SQLiteTable) throws {
    let known = try newest(draft.name)
    try write(draft, ToolCounts(of: known?.tool), over: known?.rank.time, in: table)
  }

  /// Counts uses: in a legacy row where it is, if its table counts them so, else in our own table.
  ///
  /// - Returns: false where there is no such tool.
  func countUses(_ name: String, _ uses: ToolCounts, makeOwnTable: () throws -> SQLiteTable) throws -> Bool {
    guard let row = try newest(name) else { return false }
    let counts = ToolCounts(of: row.tool).adding(uses)
    if !row.table.isOwn, try countInPlace(counts, uses, row) { return true }
    try write(ToolDraft(copyOf: row.tool), counts, over: row.rank.time, in: try makeOwnTable())
    return true
  }

  /// Changes the counts of a legacy row; false where its table has no column for one that has changed.
  private func countInPlace(_ counts: ToolCounts, _ uses: ToolCounts, _ row: Row) throws -> Bool {
    var changes: [LegacyRole: SQLiteValue] = [.usageCount: .integer(counts.uses)]
    if uses.successes > 0 { changes[.successCount] = .integer(counts.successes) }
    if uses.failures > 0 { changes[.failureCount] = .integer(counts.failures) }
    let hold = changes.keys.allSatisfy { role in
      switch row.raw[role] {
      case .integer?, .null?: true
      default: false
      }
    }
    guard hold, uses.timed == 0 else { return false }
    if let place = row.table.table.roles[.lastUsedAt], let lastUsed = counts.lastUsed {
      let spelling = TimeSpelling(
        like: row.raw[.lastUsedAt] ?? .null, declaredType: row.table.table.columns[place].declaredType)
      changes[.lastUsedAt] = spelling.value(Timestamp(microseconds: lastUsed), zone: time.naiveZone)
    }
    return try change(changes, of: row)
  }

  /// Switches a tool: where it is, if its table says so by a number, else in our own table.
  ///
  /// - Returns: false where there is no such tool.
  func setEnabled(_ name: String, _ isEnabled: Bool, makeOwnTable: () throws -> SQLiteTable) throws -> Bool {
    guard let row = try newest(name) else { return false }
    switch row.raw[.isEnabled] {
    case .integer?, .null?:
      if try change([.isEnabled: .integer(isEnabled ? 1 : 0)], of: row) {
        if row.table.isOwn { try reflect(name, in: row.table) }
        return true
      }
    default: break
    }
    var draft = ToolDraft(copyOf: row.tool)
    draft.isEnabled = isEnabled
    try write(draft, ToolCounts(of: row.tool), over: row.rank.time, in: try makeOwnTable())
    return true
  }

  /// Removes every row of a tool; false where there is none.
  func delete(_ name: String) throws -> Bool {
    let rows = try rows(named: name)
    for row in rows {
      guard let location = row.location else { continue }
      if row.table.isOwn, let rowID = location.values.first?.int64 {
        try mirrors.remove(.tools, rowID: rowID)
      }
      try connection.execute(
        "DELETE FROM \(row.table.quotedName) WHERE \(location.condition)", location.values)
    }
    return !rows.isEmpty
  }

  /// Changes columns of a row; false where it cannot be found again, or its table refuses.
  private func change(_ changes: [LegacyRole: SQLiteValue], of row: Row) throws -> Bool {
    guard let location = row.location else { return false }
    let columns = changes.compactMap { role, value in row.table.column(role).map { ($0, value) } }
    guard columns.count == changes.count else { return false }
    do {
      return try connection.transaction {
        try connection.execute(
          "UPDATE \(row.table.quotedName) SET \(columns.map { "\($0.0) = ?" }.joined(separator: ", ")) "
            + "WHERE \(location.condition)", columns.map(\.1) + location.values) == 1
      }
    } catch let error as SQLiteError where error.code.primary == .constraint {
      return false
    }
  }

  /// Writes a tool into our own table, where it stands above every row of the name.
  func write(
    _ draft: ToolDraft, _ counts: ToolCounts, over newest: Timestamp?, at moment: Timestamp = .now,
    in table: SQLiteTable
  ) throws {
    let now = max(moment, newest.map { Timestamp(microseconds: $0.microseconds + 1) } ?? moment)
    try connection.execute(
      """
      INSERT INTO \(table.quotedName)
        (agent_id, name, description, configuration, metadata, is_enabled, created_at, updated_at, usage_count,
         success_count, failure_count, timed_count, timed_ms, last_used_at)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
      ON CONFLICT (agent_id, name) DO UPDATE SET
        description = excluded.description, configuration = excluded.configuration,
        metadata = excluded.metadata, is_enabled = excluded.is_enabled, usage_count = excluded.usage_count,
        success_count = excluded.success_count, failure_count = excluded.failure_count,
        timed_count = excluded.timed_count, timed_ms = excluded.timed_ms, last_used_at = excluded.last_used_at,
        updated_at = max(excluded.updated_at, updated_at)
      """,
      [
        .text(agent), .text(draft.name), draft.description.map(SQLiteValue.text) ?? .null,
        .text(draft.configurationText), .text(JSON.object(draft.metadata).jsonbText),
        .integer(draft.isEnabled ? 1 : 0), .text(now.text), .integer(counts.uses),
        .integer(counts.successes), .integer(counts.failures), .integer(counts.timed),
        .real(counts.milliseconds),
        counts.lastUsed.map { .text(Timestamp(microseconds: $0).text) } ?? .null,
      ])
    try reflect(draft.name, in: table)
  }

  /// Has the agent's old code read what our own table holds of a tool.
  private func reflect(_ name: String, in table: SQLiteTable) throws {
    // A tool that the old code knows by itself stays as it is there.
    guard catalog.hasMirrors(of: .tools), try !rows(named: name).contains(where: { !$0.table.isOwn }),
      let row = try connection.queryOne(
        "SELECT id FROM \(table.quotedName) WHERE agent_id = ? AND name = ?", [.text(agent), .text(name)]),
      let rowID = row[0].int64
    else { return }
    try mirrors.reflect(.tools, rowID: rowID)
  }

  private var mirrors: SQLiteMirrors {
    SQLiteMirrors(connection: connection, catalog: catalog, zone: time.naiveZone)
  }
}
