// Reads the schema of a legacy file: its tables, understood, and all that is needed to make the file again.

import AgentBase
import SQLite

/// The schema of a legacy file.
struct LegacySchema: Sendable {
  /// An object of `sqlite_schema`, in its order.
  struct Object: Sendable {
    /// `table`, `index`, `view` or `trigger`.
    let type: String
    let name: String
    let tableName: String
    /// The statement that made it; nil for the indexes that SQLite makes itself.
    let sql: String?

    /// Whether this is a table whose rows a module makes up; SQLite stores its statement with these words.
    var isVirtual: Bool { type == "table" && sql?.hasPrefix("CREATE VIRTUAL TABLE") == true }
  }

  /// How a table is stored.
  enum Storage: String, Sendable {
    /// Rows of its own.
    case ordinary
    /// Rows of its own, on behalf of a virtual table.
    case shadow
    /// No rows of its own: made again by its statement and its shadow tables.
    case virtual
  }

  /// A table of the file.
  struct Table: Sendable {
    let table: LegacyTable
    let storage: Storage
    /// The expression that reads the rowid; nil where there is none, or columns hide all three of its names.
    let rowIDName: String?
    /// The index of the primary key, where there is one. Without a rowid, it is the table itself.
    let keyIndex: String?
    /// Whether some of its rows are carried to Postgres by the outbox of a cut-over, and left out here.
    var leavesOutCarried = false
    /// What else its rows have to fulfil to be moved, in which the table is called `t`.
    var conditions: [String] = []
  }

  /// The pragmas that the file keeps and that a new file has to be given, by name.
  let pragmas: [String: SQLiteValue]
  let objects: [Object]
  let tables: [Table]

  /// The library's own tables of a cut-over (Documentation/Cutover.md): their rows are not moved.
  static let cutoverTables: Set<String> = [
    "agentbase_cutover", "agentbase_differences", "agentbase_outbox", carriedTable, "agentbase_followed",
    "agentbase_set_aside", restoredTable, MirrorSQL.table,
  ]
  /// Names the rows that a rollback has written, and the ids that they have in Postgres.
  static let restoredTable = "agentbase_restored"
  /// Names the rows that the outbox carries to Postgres.
  static let carriedTable = "agentbase_carried"

  /// The pragmas that make a difference to a file that is made again.
  static let pragmaNames = [
    "encoding", "page_size", "auto_vacuum", "user_version", "application_id", "journal_mode",
  ]

  // MARK: - Reading

  /// Reads the schema within the connection's snapshot.
  ///
  /// - Throws: `SQLiteError`, as for a corrupt file.
  init(reading connection: SQLiteConnection) throws(SQLiteError) {
    var pragmas: [String: SQLiteValue] = [:]
    for name in Self.pragmaNames {
      if let row = try connection.queryOne("PRAGMA \(name)") { pragmas[name] = row[0] }
    }
    self.pragmas = pragmas

    var objects: [Object] = []
    for row in try connection.query("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY rowid") {
      objects.append(
        Object(
          type: Self.text(row[0]), name: Self.text(row[1]), tableName: Self.text(row[2]),
          sql: row[3] == .null ? nil : Self.text(row[3])))
    }
    self.objects = objects

    let hasCarried = objects.contains { $0.type == "table" && $0.name == Self.carriedTable }
    var tables: [Table] = []
    for row in try connection.query(
      "SELECT name, type, wr FROM pragma_table_list WHERE schema = 'main' AND type <> 'view' ORDER BY name")
    {
      let name = Self.text(row[0])
      // The schema itself, and what ANALYZE makes again.
      if name == "sqlite_schema" || name.hasPrefix("sqlite_stat") { continue }
      let storage: Storage =
        switch Self.text(row[1]) {
        case "virtual": .virtual
        case "shadow": .shadow
        default: .ordinary
        }
      var table = try Self.table(name, storage: storage, hasRowID: row[2] == .integer(0), connection)
      table.leavesOutCarried =
        hasCarried && storage == .ordinary && table.rowIDName != nil
        && [.metrics, .executions].contains(LegacyKind(tableName: name))
      tables.append(table)
    }
    self.tables = tables
  }

  private static func table(
    _ name: String, storage: Storage, hasRowID: Bool, _ connection: SQLiteConnection
  ) throws(SQLiteError) -> Table {
    var columns: [LegacyColumn] = []
    var names: Set<String> = []
    if storage != .virtual {
      for row in try connection.query(
        "SELECT name, type, pk, hidden FROM pragma_table_xinfo(?)", [.text(name)])
      {
        let column = LegacyColumn(
          name: text(row[0]), declaredType: text(row[1]), keyPlace: integer(row[2]))
        names.insert(column.name.lowercased())
        // 2 and 3 are generated columns: the file makes their values again.
        if integer(row[3]) < 2 { columns.append(column) }
      }
    }
    let keyIndex = try connection.queryOne(
      "SELECT name FROM pragma_index_list(?) WHERE origin = 'pk'", [.text(name)]
    ).map { text($0[0]) }
    let isMapped = storage == .ordinary && !name.hasPrefix("sqlite_")
    let table = LegacyTable(
      name: name, columns: columns, hasRowID: hasRowID, hasKeyIndex: keyIndex != nil, isMapped: isMapped)
    let rowIDName =
      table.rowIDName(hiddenBy: names)
      ?? table.rowIDColumn.map { SQLiteIdentifier.quoted(columns[$0].name) }
    return Table(table: table, storage: storage, rowIDName: rowIDName, keyIndex: keyIndex)
  }

  private static func text(_ value: SQLiteValue) -> String { LegacyConversion.text(value) ?? "" }

  private static func integer(_ value: SQLiteValue) -> Int {
    if case .integer(let number) = value { Int(number) } else { 0 }
  }
}

extension LegacySchema.Table {
  /// The query that reads the rows in the order in which the table keeps them: by the rowid where there is one, else by the
  /// primary key. The first column is the rowid (or NULL where it cannot be read), the others are the table's columns.
  ///
  /// The rows come from the table itself and from no other index, which might lack some or have another order. Columns are
  /// named with their table: SQLite takes a bare name in double quotes that it does not know for text.
  var scanSQL: String { scanSQL(ScanRange(isFresh: true)) }

  /// The same query, of the rows in a range of places.
  func scanSQL(_ range: ScanRange) -> String {
    let rowID = rowIDName.map { "t." + $0 }
    let columns = table.columns.map { "t." + SQLiteIdentifier.quoted($0.name) }
    var sql = "SELECT " + ([rowID ?? "NULL"] + columns).joined(separator: ", ") + " FROM " + rowSource
    if let rowID {
      let bounds = [
        range.after.map { "\(rowID) > \($0)" }, range.through.map { "\(rowID) <= \($0)" }, notCarried,
      ]
      sql += Self.whereClause(bounds.compactMap { $0 } + conditions) + " ORDER BY " + rowID
      return sql
    }
    sql += Self.whereClause(conditions)
    if range.after != nil || range.through != nil {
      let after = range.after ?? 0
      sql += " LIMIT \(range.through.map { $0 - after } ?? -1) OFFSET \(after)"
    }
    return sql
  }

  private static func whereClause(_ conditions: [String]) -> String {
    conditions.isEmpty ? "" : " WHERE " + conditions.joined(separator: " AND ")
  }

  /// The condition on rows that no outbox carries; nil where it carries none of the table.
  var notCarried: String? {
    guard leavesOutCarried, let rowIDName else { return nil }
    let source = "'" + table.name.replacing("'", with: "''") + "'"
    return "NOT EXISTS (SELECT 1 FROM main.\(LegacySchema.carriedTable) AS carried"
      + " WHERE carried.source = \(source) AND carried.row_id = t.\(rowIDName))"
  }

  /// The query that reads one column of every row.
  func columnSQL(_ place: Int) -> String {
    "SELECT t.\(SQLiteIdentifier.quoted(table.columns[place].name)) FROM \(rowSource)"
  }

  /// The table itself, called `t`.
  private var rowSource: String {
    if storage == .virtual { return "main.\(SQLiteIdentifier.quoted(table.name)) AS t" }
    let index = table.hasRowID ? nil : keyIndex.map(SQLiteIdentifier.quoted)
    return "main.\(SQLiteIdentifier.quoted(table.name)) AS t "
      + (index.map { "INDEXED BY \($0)" } ?? "NOT INDEXED")
  }
}
