// The schema of a SQLite file, object by object.

internal import SQLite

extension SchemaCatalogue {
  /// Reads the schema of a file.
  init(reading connection: SQLiteConnection, without tables: MigrationTables) throws(SQLiteError) {
    objects = [:]
    let list = try connection.query(
      """
      SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = 'main' AND type <> 'shadow'
        AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name
      """)
    for row in list {
      let name = row[0].string ?? ""
      guard !tables.contains(name) else { continue }
      switch row[1].string {
      case "view", "virtual":
        let sql = try connection.queryOne("SELECT sql FROM sqlite_schema WHERE name = ?", [.text(name)])?[0]
          .string
        objects["\(row[1].string ?? "") \(name)"] = Self.normalised(sql ?? "")
      default:
        let kinds = (row[2] == 1 ? ["WITHOUT ROWID"] : []) + (row[3] == 1 ? ["STRICT"] : [])
        objects["table \(name)"] = kinds.isEmpty ? "plain" : kinds.joined(separator: ", ")
        try readColumns(of: name, connection)
        try readReferences(of: name, connection)
        try readIndexes(of: name, connection)
      }
    }
    let triggers = try connection.query(
      "SELECT tbl_name, name, sql FROM sqlite_schema WHERE type = 'trigger'")
    for row in triggers {
      objects["table \(row[0].string ?? "") trigger \(row[1].string ?? "")"] = Self.normalised(
        row[2].string ?? "")
    }
  }

  private mutating func readColumns(of table: String, _ connection: SQLiteConnection) throws(SQLiteError) {
    let rows = try connection.query(
      "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?)", [.text(table)])
    for row in rows {
      var words = [(row[1].string ?? "").uppercased()]
      if row[2] != 0 { words.append("NOT NULL") }
      if let value = row[3].string, value.uppercased() != "NULL" { words.append("DEFAULT \(value)") }
      if let place = row[4].int64, place > 0 { words.append("PRIMARY KEY \(place)") }
      if row[5] != 0 { words.append("GENERATED") }
      objects["table \(table) column \(row[0].string ?? "")"] = words.filter { !$0.isEmpty }.joined(
        separator: " ")
    }
  }

  private mutating func readReferences(of table: String, _ connection: SQLiteConnection) throws(SQLiteError) {
    let rows = try connection.query(
      "SELECT id, \"from\", \"table\", \"to\", on_update, on_delete FROM pragma_foreign_key_list(?) ORDER BY id, seq",
      [.text(table)])
    for columns in Dictionary(grouping: rows, by: { $0[0] }).values {
      let own = columns.map { $0[1].string ?? "" }.joined(separator: ", ")
      let their = columns.map { $0[3].string ?? "" }.joined(separator: ", ")
      let rules = "ON UPDATE \(columns[0][4].string ?? "") ON DELETE \(columns[0][5].string ?? "")"
      objects["table \(table) constraint (\(own))"] =
        "REFERENCES \(columns[0][2].string ?? "") (\(their)) \(rules)"
    }
  }

  private mutating func readIndexes(of table: String, _ connection: SQLiteConnection) throws(SQLiteError) {
    let rows = try connection.query(
      """
      SELECT list.name, list."unique", list.origin, (
        SELECT group_concat(coalesce(name, 'expression') || CASE "desc" WHEN 1 THEN ' DESC' ELSE '' END || ' ' || coll, ', ')
        FROM pragma_index_xinfo(list.name) WHERE key = 1), made.sql
      FROM pragma_index_list(?) AS list LEFT JOIN sqlite_schema AS made ON made.name = list.name
      """, [.text(table)])
    for row in rows {
      let columns = row[3].string ?? ""
      if let sql = row[4].string {
        objects["table \(table) index \(row[0].string ?? "")"] = Self.normalised(sql)
      } else {
        // One of a key or of UNIQUE: SQLite has named it.
        objects["table \(table) constraint \(row[2].string ?? "") (\(columns))"] = "unique"
      }
    }
  }

  /// The text without what makes no difference: comments, spaces, IF NOT EXISTS.
  static func normalised(_ sql: String) -> String {
    var text = ""
    var rest = sql[...]
    var quote: Character?
    while let character = rest.first {
      if let open = quote {
        text.append(character)
        if character == open { quote = nil }
        rest = rest.dropFirst()
      } else if rest.hasPrefix("--") {
        rest = rest.drop { $0 != "\n" }
      } else if rest.hasPrefix("/*") {
        rest = rest.firstRange(of: "*/").map { rest[$0.upperBound...] } ?? ""
      } else if character.isWhitespace {
        if text.last != " " { text.append(" ") }
        rest = rest.dropFirst()
      } else {
        if character == "'" || character == "\"" { quote = character }
        text.append(character)
        rest = rest.dropFirst()
      }
    }
    return text.replacing("IF NOT EXISTS ", with: "").replacing(" ;", with: ";")
      .trimmingPrefix(" ").description
  }
}
