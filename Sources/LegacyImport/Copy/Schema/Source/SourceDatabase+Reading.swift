// Reads what a SQLite database declares: from SQLite's own pragmas, and from its SQL text what those do not tell.

import AgentBase
import SQLite

extension SourceDatabase {
  /// Reads the schema within the connection's snapshot.
  ///
  /// - Throws: `SQLiteError`, as for a corrupt file.
  init(reading connection: SQLiteConnection) throws(SQLiteError) {
    self.init()
    var statements: [String: String] = [:]
    for row in try connection.query("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY rowid") {
      let (type, name, sql) = (row.text(0), row.text(1), row.text(3))
      statements["\(type) \(name)"] = sql
      switch type {
      case "view": views.append(View(name: name, sql: sql, columns: []))
      case "trigger": triggers.append(Trigger(name: name, table: row.text(2), sql: sql))
      default: break
      }
    }
    for row in try connection.query(
      """
      SELECT l.name, l.type, l.wr, l.strict FROM pragma_table_list AS l
      LEFT JOIN sqlite_schema AS s ON s.type = 'table' AND s.name = l.name
      WHERE l.schema = 'main' AND l.type <> 'view' AND l.name NOT IN ('sqlite_schema', 'sqlite_sequence')
      ORDER BY s.rowid
      """)
    {
      let name = row.text(0)
      let sql = statements["table \(name)"] ?? ""
      if name.hasPrefix("sqlite_") {
        omissions.append(
          Omission(
            kind: .table, effect: .leftOut, name: name, table: nil,
            reason: "SQLite's own statistics: ANALYZE makes those of Postgres"))
        continue
      }
      switch row.text(1) {
      case "shadow":
        omissions.append(
          Omission(
            kind: .shadowTable, effect: .leftOut, name: name, table: nil,
            reason: "SQLite keeps a virtual table's books in it"))
      case "virtual": try readVirtualTable(name, sql: sql, connection)
      default:
        var table = Table(name: name, hasRowID: row[2] == 0, isStrict: row[3] == 1)
        try table.read(sql: sql, indexStatements: statements, connection, &omissions)
        tables.append(table)
      }
    }
    try readSequences(connection)
    for index in views.indices {
      // A view of what is not there any more has no columns to tell.
      let rows = try? connection.query("SELECT name FROM pragma_table_info(?)", [.text(views[index].name)])
      views[index].columns = rows?.map { $0.text(0) } ?? []
    }
  }

  private mutating func readSequences(_ connection: SQLiteConnection) throws(SQLiteError) {
    guard
      try connection.queryOne("SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence'") != nil
    else { return }
    for row in try connection.query("SELECT name, seq FROM sqlite_sequence") {
      guard let place = tables.firstIndex(where: { $0.name.asciiLowercased == row.text(0).asciiLowercased })
      else { continue }
      tables[place].lastSequence = row[1].int64
    }
  }
}

// MARK: - One table

extension SourceDatabase.Table {
  fileprivate mutating func read(
    sql: String, indexStatements: [String: String], _ connection: SQLiteConnection,
    _ omissions: inout [Omission]
  ) throws(SQLiteError) {
    let clauses: TableClauses
    do throws(TranslationRefusal) {
      clauses = try TableClauses(sql)
    } catch {
      clauses = TableClauses()
      omissions.append(
        Omission(
          kind: .table, effect: .changed, name: name, table: name,
          reason: "its checks, collations and generated columns are not read: \(error.reason)"))
    }
    checks = clauses.checks
    isAutoIncrement = clauses.isAutoIncrement
    let keyPlaces = try readColumns(clauses, connection)
    try readIndexes(clauses, indexStatements, keyPlaces, connection, &omissions)
    try readForeignKeys(clauses, connection)
  }

  /// - Returns: the places of the primary key's columns, in the key's order.
  private mutating func readColumns(_ clauses: TableClauses, _ connection: SQLiteConnection)
    throws(SQLiteError) -> [Int]
  {
    var keyPlaces: [(place: Int64, column: Int)] = []
    for row in try connection.query(
      "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?)", [.text(name)])
    {
      let column = row.text(0)
      let isGenerated = (row[5].int64 ?? 0) >= 2
      if let place = row[4].int64, place > 0 { keyPlaces.append((place, columns.count)) }
      columns.append(
        SourceDatabase.Column(
          name: column, declaredType: row.text(1), isNotNull: row[2] == 1,
          defaultSQL: row[3].isNull || isGenerated ? nil : row.text(3),
          generatedSQL: isGenerated ? clauses.generated[column.asciiLowercased] ?? "" : nil,
          collation: clauses.collations[column.asciiLowercased].flatMap { $0 == "BINARY" ? nil : $0 }))
    }
    return keyPlaces.sorted { $0.place < $1.place }.map(\.column)
  }

  private mutating func readIndexes(
    _ clauses: TableClauses, _ statements: [String: String], _ keyPlaces: [Int],
    _ connection: SQLiteConnection, _ omissions: inout [Omission]
  ) throws(SQLiteError) {
    var hasKeyIndex = false
    var uniqueNames = clauses.uniqueKeys
    // SQLite lists the newest first.
    let list = try connection.query(
      "SELECT name, \"unique\", origin, partial FROM pragma_index_list(?) ORDER BY seq DESC", [.text(name)])
    for row in list {
      let parts = try Self.parts(of: row.text(0), connection)
      switch row.text(2) {
      case "pk":
        hasKeyIndex = true
        primaryKey = SourceDatabase.Key(name: clauses.primaryKeyName, parts: parts.compactMap(\.keyPart))
      case "u":
        let names = parts.compactMap { $0.column.map { columns[$0].name.asciiLowercased } }
        let named = uniqueNames.firstIndex { $0.columns == names }.map { uniqueNames.remove(at: $0) }
        uniqueKeys.append(SourceDatabase.Key(name: named?.name, parts: parts.compactMap(\.keyPart)))
      default:
        readIndex(row, parts, sql: statements["index \(row.text(0))"] ?? "", &omissions)
      }
    }
    if !keyPlaces.isEmpty, primaryKey == nil {
      primaryKey = SourceDatabase.Key(
        name: clauses.primaryKeyName,
        parts: keyPlaces.map { SourceDatabase.KeyPart(column: $0, collation: columns[$0].collation) })
    }
    // SQLite makes a column the rowid only where its type is spelled INTEGER, exactly.
    if hasRowID, !hasKeyIndex, keyPlaces.count == 1,
      columns[keyPlaces[0]].declaredType.uppercased() == "INTEGER"
    {
      rowIDColumn = keyPlaces[0]
    }
  }

  private static func parts(of index: String, _ connection: SQLiteConnection) throws(SQLiteError)
    -> [SourceDatabase.IndexPart]
  {
    try connection.query(
      "SELECT cid, \"desc\", coll FROM pragma_index_xinfo(?) WHERE key = 1 ORDER BY seqno", [.text(index)]
    ).map { row in
      let collation = row.text(2).uppercased()
      return SourceDatabase.IndexPart(
        column: row[0].int64.flatMap { $0 >= 0 ? Int($0) : nil }, expressionSQL: nil,
        isDescending: row[1] == 1, collation: collation == "BINARY" || collation.isEmpty ? nil : collation)
    }
  }

  private mutating func readIndex(
    _ row: SQLiteRow, _ parts: [SourceDatabase.IndexPart], sql: String, _ omissions: inout [Omission]
  ) {
    var index = SourceDatabase.Index(name: row.text(0), isUnique: row[1] == 1, parts: parts)
    // Only expressions and conditions are not told by pragmas.
    if row[3] == 1 || parts.contains(where: { $0.column == nil }) {
      do throws(TranslationRefusal) {
        let clauses = try IndexClauses(sql)
        guard clauses.parts.count == parts.count else {
          throw TranslationRefusal("its columns are not understood")
        }
        index.conditionSQL = clauses.condition
        for place in parts.indices where parts[place].column == nil {
          index.parts[place].expressionSQL = clauses.parts[place]
        }
      } catch {
        omissions.append(
          Omission(kind: .index, effect: .leftOut, name: index.name, table: name, reason: error.reason))
        return
      }
    }
    indexes.append(index)
  }

  private mutating func readForeignKeys(_ clauses: TableClauses, _ connection: SQLiteConnection)
    throws(SQLiteError)
  {
    var keys: [Int64: SourceDatabase.ForeignKey] = [:]
    for row in try connection.query(
      """
      SELECT id, "table", "from", "to", on_update, on_delete FROM pragma_foreign_key_list(?)
      ORDER BY id, seq
      """, [.text(name)])
    {
      guard let id = row[0].int64, let column = column(named: row.text(2)) else { continue }
      var key =
        keys[id]
        ?? SourceDatabase.ForeignKey(
          columns: [], parent: row.text(1), parentColumns: [], onDelete: row.text(5),
          onUpdate: row.text(4))
      key.columns.append(column)
      if !row[3].isNull { key.parentColumns.append(row.text(3)) }
      keys[id] = key
    }
    // SQLite numbers them from the last that was declared.
    let ordered = keys.sorted { $0.key > $1.key }.map(\.value)
    foreignKeys = ordered
    guard clauses.foreignKeys.count == ordered.count else { return }
    for (place, clause) in clauses.foreignKeys.enumerated() {
      foreignKeys[place].name = clause.name
      foreignKeys[place].isDeferred = clause.isDeferred
    }
  }
}

extension SourceDatabase.IndexPart {
  fileprivate var keyPart: SourceDatabase.KeyPart? {
    column.map { SourceDatabase.KeyPart(column: $0, collation: collation) }
  }
}

extension SQLiteRow {
  /// The value as text, empty for NULL.
  func text(_ column: Int) -> String { LegacyConversion.text(self[column]) ?? "" }
}
