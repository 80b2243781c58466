// The WHERE clause that finds the rows of a key, by indexes where there are some. It may find more rows than those.

import SQLite

/// A condition that every row of a key fulfils.
struct SQLiteKeyCondition {
  private(set) var sql = ""
  private(set) var values: [SQLiteValue] = []

  /// The condition for a memory table.
  init(table: SQLiteTable, agent: String, namespace: String, key: String) {
    if table.isOwn {
      sql = "agent_id = ? AND namespace = ? AND key = ?"
      values = [.text(agent), .text(namespace), .text(key)]
      return
    }
    // A U+FFFD may stand for bytes that are no text: only reading the rows can tell.
    guard !key.contains("\u{FFFD}") else {
      sql = "1"
      return
    }
    guard let column = table.column(.key) else {
      appendPrimaryKey(table, key)
      return
    }
    append(column, equals: key)
    sql += " OR ((\(column) IS NULL OR \(column) = '' OR \(column) = x'') AND ("
    appendPrimaryKey(table, key)
    sql += "))"
  }

  /// The rows whose primary key, as text, is the key.
  private mutating func appendPrimaryKey(_ table: SQLiteTable, _ key: String) {
    let columns = table.table.keyColumns.map { SQLiteIdentifier.quoted(table.table.columns[$0].name) }
    switch (columns.count, table.rowIDName) {
    case (0, let rowID?): appendRowID(rowID, key)
    case (1, let rowID):
      append(columns[0], equals: key)
      guard let rowID else { return }
      // SQLite lets a primary key be NULL, and then the rowid is the key.
      sql += " OR (\(columns[0]) IS NULL AND "
      appendRowID(rowID, key)
      sql += ")"
    // Several columns are a JSON array as text: compared row by row.
    default: sql += "1"
    }
  }

  private mutating func appendRowID(_ name: String, _ key: String) {
    guard let number = Int64(key) else {
      sql += "0"
      return
    }
    sql += "\(name) = ?"
    values.append(.integer(number))
  }

  /// The rows whose column reads as this text, whatever its storage class.
  private mutating func append(_ column: String, equals key: String) {
    var alternatives: [SQLiteValue] = [.text(key), .blob(Array(key.utf8))]
    if let number = Int64(key) { alternatives.append(.integer(number)) }
    if let number = Double(key), !number.isNaN { alternatives.append(.real(number)) }
    sql += alternatives.map { _ in "\(column) = ?" }.joined(separator: " OR ")
    values += alternatives
  }
}
