// The tables of a SQLite file that hold what agents keep: legacy ones and our own.

import SQLite

/// The tables of a file, as of one state of its schema.
final class SQLiteCatalog: Sendable {
  /// The state: SQLite counts each change of the schema (PRAGMA schema_version).
  let version: Int64
  /// Tables of the four kinds, by the bytes of their names.
  let tables: [SQLiteTable]
  /// How many steps of the library's schema have made its own tables.
  let ownVersion: Int
  /// Whether text is stored as UTF-8, so that SQLite's order of text is that of its UTF-8 bytes.
  let isUTF8: Bool

  /// Our own table of memories, where text is UTF-8 and no legacy table holds memories too: then it alone has to be asked.
  let soleMemories: SQLiteTable?

  /// The tables of a kind: our own first.
  func tables(of kind: LegacyKind) -> [SQLiteTable] { tables.filter { $0.kind == kind } }

  /// Whether rows of our own may have mirrors in legacy tables of a kind.
  func hasMirrors(of kind: LegacyKind) -> Bool {
    ownVersion >= MirrorSQL.step && tables.contains { $0.kind == kind && !$0.isOwn }
  }

  /// Our own table of a kind; nil where nothing needed it yet.
  func ownTable(of kind: LegacyKind) -> SQLiteTable? { tables.first { $0.isOwn && $0.kind == kind } }

  /// Reads the schema, within the connection's transaction.
  init(reading connection: SQLiteConnection, version: Int64) throws(SQLiteError) {
    self.version = version
    isUTF8 = try connection.queryOne("PRAGMA encoding")?[0] == "UTF-8"
    var found: [SQLiteTable] = []
    let list = try connection.query(
      "SELECT name, wr, EXISTS (SELECT 1 FROM pragma_index_list(name) WHERE origin = 'pk')"
        + " FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
        + " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")
    for row in list {
      guard let name = row[0].string, let kind = LegacyKind(tableName: name) else { continue }
      let columns = try connection.query(
        "SELECT name, type, pk, hidden, \"notnull\", dflt_value FROM pragma_table_xinfo(?)", [.text(name)])
      found.append(
        SQLiteTable(
          name: name, kind: kind, hasRowID: row[1] == 0, hasKeyIndex: row[2] == 1, columnRows: columns))
    }
    ownVersion =
      list.contains { $0[0].string == SQLiteOwnSchema.versionTable }
      ? Int(
        try connection.queryOne("SELECT max(version) FROM \(SQLiteOwnSchema.versionTable)")?[0].int64 ?? 0)
      : 0
    found.sort { $0.isOwn != $1.isOwn ? $0.isOwn : ExactText($0.table.name) < ExactText($1.table.name) }
    let tables = ownVersion >= MirrorSQL.step ? Self.leavingOutMirrors(found) : found
    self.tables = tables
    let memories = tables.filter { $0.kind == .memories }
    soleMemories = memories.count == 1 && isUTF8 ? memories.first { $0.isOwn } : nil
  }

  /// Has each thing be read once: ours where its mirror is as it was written, else what the old code has made of that.
  private static func leavingOutMirrors(_ tables: [SQLiteTable]) -> [SQLiteTable] {
    tables.map { table in
      let legacy = tables.filter { $0.kind == table.kind && !$0.isOwn }.map(\.source)
      let condition =
        table.isOwn
        ? MirrorSQL.stands(own: table.table.name, among: legacy) : MirrorSQL.isNoMirror(table.source)
      return condition.map { SQLiteTable(table, where: $0) } ?? table
    }
  }
}

/// A table of a file, with the SQL that reads it. An object, since every call hands it on.
final class SQLiteTable: Sendable {
  let table: LegacyTable
  let kind: LegacyKind
  /// Whether the library made it.
  let isOwn: Bool
  /// The name by which the rowid can be read; nil where there is none, or columns hide all three of its names.
  let rowIDName: String?
  /// The places of columns that an INSERT has to name.
  let requiredColumns: Set<Int>
  /// The places of columns that refuse NULL.
  let notNullColumns: Set<Int>
  /// The places of our own columns that legacy tables have not; nil where a table has none.
  let versionPlace: Int?
  let timeToLivePlace: Int?
  /// The name, quoted.
  let quotedName: String
  /// Reads the rowid (or NULL) and then every column, of the rows that count; a WHERE clause may follow.
  let selectSQL: String
  /// The same, of one agent, namespace and key; for our own table of memories only.
  let ownKeySQL: String
  /// The same as `selectSQL`, of all rows.
  let plainSelectSQL: String
  /// What `selectSQL` reads.
  private let columnList: String

  /// The names of the tables that the library makes.
  static let ownNames: Set<String> = [
    "agentbase_memories", "agentbase_tools", "agentbase_metrics", "agentbase_executions",
  ]

  init(name: String, kind: LegacyKind, hasRowID: Bool, hasKeyIndex: Bool, columnRows: [SQLiteRow]) {
    // 2 and 3 are generated columns: they are neither moved nor written.
    // The words of our own are read by searches only.
    let isOwn = Self.ownNames.contains(name)
    let rows = columnRows.filter { ($0[3].int64 ?? 0) < 2 && !(isOwn && $0[0] == "words") }
    let columns = rows.map {
      LegacyColumn(
        name: LegacyConversion.text($0[0]) ?? "", declaredType: LegacyConversion.text($0[1]) ?? "",
        keyPlace: Int($0[2].int64 ?? 0))
    }
    let table = LegacyTable(name: name, columns: columns, hasRowID: hasRowID, hasKeyIndex: hasKeyIndex)
    self.table = table
    self.kind = kind
    self.isOwn = isOwn
    versionPlace = isOwn ? columns.firstIndex { $0.name == "version" } : nil
    timeToLivePlace = isOwn ? columns.firstIndex { $0.name == "time_to_live" } : nil
    let names = Set(columnRows.map { (LegacyConversion.text($0[0]) ?? "").lowercased() })
    let rowIDName = table.rowIDName(hiddenBy: names)
    self.rowIDName = rowIDName
    notNullColumns = Set(rows.indices.filter { rows[$0][4] != 0 || (!hasRowID && columns[$0].keyPlace > 0) })
    let notNull = notNullColumns
    requiredColumns = Set(
      rows.indices.filter { place in
        place != table.rowIDColumn && rows[place][5] == .null
          && (notNull.contains(place) || columns[place].keyPlace > 0)
      })
    quotedName = "main." + SQLiteIdentifier.quoted(name)
    let list = ([rowIDName ?? "NULL"] + columns.map { SQLiteIdentifier.quoted($0.name) }).joined(
      separator: ", ")
    columnList = list
    plainSelectSQL = "SELECT \(list) FROM \(quotedName)"
    selectSQL = plainSelectSQL
    ownKeySQL = selectSQL + Self.ownKeyCondition
  }

  private static let ownKeyCondition = " WHERE agent_id = ?1 AND namespace = ?2 AND key = ?3"

  /// The same table, of which only the rows count that fulfil a condition, in which it is called `t`.
  init(_ other: SQLiteTable, where condition: String) {
    table = other.table
    kind = other.kind
    isOwn = other.isOwn
    rowIDName = other.rowIDName
    requiredColumns = other.requiredColumns
    notNullColumns = other.notNullColumns
    versionPlace = other.versionPlace
    timeToLivePlace = other.timeToLivePlace
    quotedName = other.quotedName
    plainSelectSQL = other.plainSelectSQL
    columnList = other.columnList
    let rowID = rowIDName.map { "t.\($0) AS \($0), " } ?? ""
    selectSQL = "SELECT \(columnList) FROM (SELECT \(rowID)t.* FROM \(quotedName) AS t WHERE \(condition))"
    ownKeySQL = selectSQL + Self.ownKeyCondition
  }

  /// The column that plays a part, quoted; nil where there is none.
  func column(_ role: LegacyRole) -> String? {
    table.roles[role].map { SQLiteIdentifier.quoted(table.columns[$0].name) }
  }

  /// The affinity of a column.
  func affinity(_ place: Int) -> SQLiteAffinity {
    SQLiteAffinity(declaredType: table.columns[place].declaredType)
  }
}
