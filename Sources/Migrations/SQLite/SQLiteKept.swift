// What a way down takes away from a SQLite file: kept aside, and brought back by the next way up.

internal import SQLite

/// Rows and columns that an older schema has no place for.
///
/// `keepAside` lets the way down run, sees what is gone, undoes it, and copies that first. `bringBack` puts it where it was: rows of
/// tables that were dropped, unless a row of the same key is there, and values of columns that were dropped, to the rows that are
/// still there by their keys. What cannot come back, such as a row whose parent is gone, stays aside.
struct SQLiteKept {
  let tables: MigrationTables
  let connection: SQLiteConnection
  let options: MigrationOptions

  private struct Undone: Error {}

  /// A table as far as it matters here.
  private struct Table: Equatable {
    var columns: [String]
    var keys: [String]
    /// Whether a column may differ from NULL in a row that nobody has set it in.
    var defaults: Set<String>
  }

  // MARK: - Down

  func keepAside(version: Int, _ goDown: () throws -> Void) throws {
    let before = try read()
    var after: [String: Table] = [:]
    do {
      try connection.transaction {
        try goDown()
        after = try read()
        throw Undone()
      }
    } catch is Undone {}
    for (name, table) in before.sorted(by: { $0.key < $1.key }) {
      guard let left = after[name] else {
        try keep(version, name, table.columns, keys: [], from: "TRUE")
        continue
      }
      let lost = table.columns.filter { !left.columns.contains($0) }
      guard !lost.isEmpty else { continue }
      let quoted = lost.map(SQLiteIdentifier.quoted)
      let isSet =
        table.defaults.isDisjoint(with: lost)
        ? quoted.map { "\($0) IS NOT NULL" }.joined(separator: " OR ") : "TRUE"
      let sources = options.derivedColumns.filter { $0.table == name && lost.contains($0.column) }
        .flatMap(\.sources).filter { left.columns.contains($0) && !table.keys.contains($0) }
      try keep(version, name, lost + Set(sources).sorted(), keys: table.keys, from: isSet)
    }
  }

  private func keep(
    _ version: Int, _ table: String, _ columns: [String], keys: [String], from condition: String
  ) throws {
    let source = "main." + SQLiteIdentifier.quoted(table)
    guard try connection.queryOne("SELECT 1 FROM \(source) WHERE \(condition) LIMIT 1") != nil else { return }
    try connection.executeScript(
      """
      CREATE TABLE IF NOT EXISTS \(tables.kept) (
        id INTEGER PRIMARY KEY, version INTEGER NOT NULL, table_name TEXT NOT NULL, key_count INTEGER NOT NULL,
        kept_at TEXT NOT NULL)
      """)
    try connection.execute(
      "INSERT INTO \(tables.kept) (version, table_name, key_count, kept_at) VALUES (?, ?, ?, \(SQLiteHistory.now))",
      [.integer(Int64(version)), .text(table), .integer(Int64(keys.count))])
    let list =
      keys.enumerated().map { "\(SQLiteIdentifier.quoted($1)) AS kept_key_\($0)" }
      + columns.map(SQLiteIdentifier.quoted)
    try connection.executeScript(
      "CREATE TABLE \(tables.kept)_\(connection.lastInsertRowID) AS SELECT \(list.joined(separator: ", ")) FROM \(source) WHERE \(condition)"
    )
  }

  // MARK: - Up

  func bringBack(version: Int) throws {
    guard try connection.queryOne("SELECT 1 FROM sqlite_schema WHERE name = ?", [.text(tables.kept)]) != nil
    else {
      return
    }
    let lines = try connection.query(
      "SELECT id, table_name, key_count FROM \(tables.kept) WHERE version = ? ORDER BY id DESC",
      [.integer(Int64(version))])
    let now = try read()
    var rowTables: [(kept: String, target: String)] = []
    for line in lines {
      let kept = "\(tables.kept)_\(line[0].int64 ?? 0)"
      guard let name = line[1].string, let table = now[name] else { continue }
      if line[2] == 0 {
        rowTables.append((kept, name))
      } else {
        try bringBackColumns(of: kept, to: name, table)
        try connection.executeScript("DROP TABLE \(kept)")
      }
    }
    // A child's row can come when its parent's has.
    var hasMoved = true
    while hasMoved {
      hasMoved = false
      for (kept, target) in rowTables {
        if let table = now[target], try bringBackRows(of: kept, to: target, table) > 0 { hasMoved = true }
      }
    }
    for (kept, _) in rowTables where try connection.queryOne("SELECT 1 FROM \(kept) LIMIT 1") == nil {
      try connection.executeScript("DROP TABLE \(kept)")
    }
    try connection.execute(
      """
      DELETE FROM \(tables.kept) WHERE version = ? AND NOT EXISTS (
        SELECT 1 FROM sqlite_schema WHERE name = '\(tables.kept)_' || id)
      """, [.integer(Int64(version))])
    if try connection.queryOne("SELECT 1 FROM \(tables.kept) LIMIT 1") == nil {
      try connection.executeScript("DROP TABLE \(tables.kept)")
    }
  }

  private func columns(of table: String) throws(SQLiteError) -> [String] {
    try connection.query("SELECT name FROM pragma_table_info(?)", [.text(table)]).compactMap { $0[0].string }
  }

  private func bringBackColumns(of kept: String, to name: String, _ table: Table) throws {
    let held = try columns(of: kept)
    let keys = held.filter { $0.hasPrefix("kept_key_") }
    guard keys.count == table.keys.count else { return }
    let target = SQLiteIdentifier.quoted(name)
    let join = zip(keys, table.keys).map { "\(target).\(SQLiteIdentifier.quoted($1)) IS kept.\($0)" }
    let derived = options.derivedColumns.filter { $0.table == name }
    for column in held where !keys.contains(column) && table.columns.contains(column) {
      // What came along to compare with is there already.
      guard !derived.contains(where: { $0.sources.contains(column) && held.contains($0.column) }) else {
        continue
      }
      let sources = derived.first { $0.column == column }?.sources ?? []
      let same = sources.filter { held.contains($0) && !table.keys.contains($0) }.map {
        "\(target).\(SQLiteIdentifier.quoted($0)) IS kept.\(SQLiteIdentifier.quoted($0))"
      }
      let quoted = SQLiteIdentifier.quoted(column)
      try connection.execute(
        """
        UPDATE \(target) SET \(quoted) = kept.\(quoted) FROM \(kept) AS kept
        WHERE \((join + same).joined(separator: " AND ")) AND \(target).\(quoted) IS NOT kept.\(quoted)
        """)
    }
  }

  private func bringBackRows(of kept: String, to name: String, _ table: Table) throws -> Int {
    let held = try columns(of: kept).filter { table.columns.contains($0) }.map(SQLiteIdentifier.quoted)
    let list = held.joined(separator: ", ")
    let target = "main." + SQLiteIdentifier.quoted(name)
    let parents = try connection.query(
      "SELECT id, \"table\", \"from\", \"to\" FROM pragma_foreign_key_list(?) ORDER BY id, seq", [.text(name)]
    )
    let conditions = Dictionary(grouping: parents) { $0[0] }.values.compactMap { columns -> String? in
      guard let parent = columns[0][1].string, columns.allSatisfy({ $0[3].string != nil }) else { return nil }
      let same = columns.map {
        "parent.\(SQLiteIdentifier.quoted($0[3].string ?? "")) = kept.\(SQLiteIdentifier.quoted($0[2].string ?? ""))"
      }
      let isNull = columns.map { "kept.\(SQLiteIdentifier.quoted($0[2].string ?? "")) IS NULL" }
      return
        "(\(isNull.joined(separator: " OR ")) OR EXISTS (SELECT 1 FROM \(SQLiteIdentifier.quoted(parent)) AS parent WHERE \(same.joined(separator: " AND "))))"
    }
    let condition = conditions.isEmpty ? "TRUE" : conditions.joined(separator: " AND ")
    let moved = try connection.execute(
      "INSERT OR IGNORE INTO \(target) (\(list)) SELECT \(list) FROM \(kept) AS kept WHERE \(condition)")
    // Also what a row of the same key stands in for.
    try connection.execute("DELETE FROM \(kept) AS kept WHERE \(condition)")
    return moved
  }

  // MARK: - Tables

  /// The tables that hold rows of their own, by name.
  private func read() throws(SQLiteError) -> [String: Table] {
    var found: [String: Table] = [:]
    let names = try connection.query(
      """
      SELECT name FROM pragma_table_list
      WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
      """
    ).compactMap { $0[0].string }
    for name in names where !tables.contains(name) {
      let rows = try connection.query(
        "SELECT name, pk, dflt_value FROM pragma_table_xinfo(?) WHERE hidden = 0 ORDER BY cid", [.text(name)])
      let keys = rows.filter { $0[1] != 0 }.sorted { ($0[1].int64 ?? 0) < ($1[1].int64 ?? 0) }
      found[name] = Table(
        columns: rows.compactMap { $0[0].string },
        keys: keys.isEmpty ? ["rowid"] : keys.compactMap { $0[0].string },
        defaults: Set(rows.filter { !$0[2].isNull && $0[2] != "NULL" }.compactMap { $0[0].string }))
    }
    return found
  }
}
