// Virtual tables: some hold users' data, others only index what other tables hold.

import SQLite

extension SourceDatabase {
  /// Reads a virtual table: as a table where its module keeps rows that are nowhere else.
  mutating func readVirtualTable(_ name: String, sql: String, _ connection: SQLiteConnection)
    throws(SQLiteError)
  {
    let module = Self.module(of: sql)
    func leftOut(_ reason: String) {
      omissions.append(
        Omission(kind: .virtualTable, effect: .leftOut, name: name, table: nil, reason: reason))
    }
    guard ["fts3", "fts4", "fts5", "rtree", "rtree_i32", "geopoly"].contains(module.name) else {
      return leftOut(
        "its module \(module.name) makes its rows up, or is not there to read them; tables of its own that it has are copied"
      )
    }
    if let content = module.content {
      return leftOut(
        content.isEmpty
          ? "it keeps an index of texts, but not the texts"
          : "it is a full-text index of what \(content) holds, which is copied")
    }
    var table = Table(name: name, storage: .virtual(module: module.name))
    let isFullText = module.name.hasPrefix("fts")
    if isFullText {
      table.columns.append(
        Column(name: "rowid", declaredType: "INTEGER", isNotNull: true, isImplicitRowID: true))
    }
    do throws(SQLiteError) {
      for row in try connection.query(
        "SELECT name, type FROM pragma_table_xinfo(?) WHERE hidden = 0", [.text(name)])
      {
        table.columns.append(Column(name: row.text(0), declaredType: row.text(1)))
      }
      _ = try connection.queryOne("SELECT * FROM main.\(SQLiteIdentifier.quoted(name)) LIMIT 1")
    } catch {
      return leftOut("this SQLite cannot read it: \(error.message)")
    }
    // Each of these modules has its rowid first: R-trees as a column of their own.
    table.rowIDColumn = 0
    table.primaryKey = Key(name: nil, parts: [KeyPart(column: 0, collation: nil)])
    tables.append(table)
    omissions.append(
      Omission(
        kind: .virtualTable, effect: .changed, name: name, table: name,
        reason: isFullText
          ? "its rows are copied into a plain table; its full-text index (MATCH) does not come along"
          : "its rows are copied into a plain table; its spatial index (\(module.name)) does not come along"))
  }

  /// The module of a CREATE VIRTUAL TABLE statement, and the table that a full-text index takes its texts from: empty where it
  /// keeps none, nil where it keeps its own.
  static func module(of sql: String) -> (name: String, content: String?) {
    guard let tokens = try? SQLToken.tokens(of: sql),
      let using = tokens.firstIndex(where: { $0.isWord("USING") }), using + 1 < tokens.count
    else { return ("", nil) }
    let name = tokens[using + 1].text.asciiLowercased
    guard
      let place = tokens.indices.first(where: {
        $0 > using + 1 && tokens[$0].isWord("CONTENT") && $0 + 1 < tokens.count
          && tokens[$0 + 1].isSymbol("=")
      })
    else { return (name, nil) }
    let value = place + 2 < tokens.count ? tokens[place + 2] : nil
    return (name, value.flatMap { $0.isName || $0.kind == .string ? $0.text : nil } ?? "")
  }
}
