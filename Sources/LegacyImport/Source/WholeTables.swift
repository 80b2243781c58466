// The tables of any SQLite database as they are copied: every column, the generated ones too, under its own name.

import AgentBase
import SQLite

extension LegacySchema {
  /// The tables whose rows are copied, in the order of their names: all that have rows of their own, and the virtual tables
  /// that can be read, without what SQLite and the modules keep for themselves.
  ///
  /// - Throws: `SQLiteError`, as for a corrupt file.
  static func wholeTables(_ connection: SQLiteConnection) throws(SQLiteError) -> [Table] {
    var tables: [Table] = []
    for row in try connection.query(
      "SELECT name, type, wr FROM pragma_table_list WHERE schema = 'main' AND type <> 'view' ORDER BY name")
    {
      guard let name = row[0].string, !name.hasPrefix("sqlite_") else { continue }
      switch row[1].string {
      case "shadow": continue
      case "virtual":
        if let table = try? wholeTable(name, storage: .virtual, hasRowID: false, connection) {
          tables.append(table)
        }
      default:
        tables.append(
          try wholeTable(name, storage: .ordinary, hasRowID: row[2] == .integer(0), connection))
      }
    }
    return tables
  }

  private static func wholeTable(
    _ name: String, storage: Storage, hasRowID: Bool, _ connection: SQLiteConnection
  ) throws(SQLiteError) -> Table {
    var columns: [LegacyColumn] = []
    for row in try connection.query(
      "SELECT name, type, pk, hidden FROM pragma_table_xinfo(?)", [.text(name)])
    {
      // 1 is a column of a virtual table that is none of its values.
      guard row[3] != .integer(1), let column = row[0].string else { continue }
      columns.append(
        LegacyColumn(
          name: column, declaredType: row[1].string ?? "", keyPlace: row[2].int64.map(Int.init) ?? 0))
    }
    let keyIndex = try connection.queryOne(
      "SELECT name FROM pragma_index_list(?) WHERE origin = 'pk'", [.text(name)])?[0].string
    let table = LegacyTable(
      name: name, columns: columns, hasRowID: hasRowID, hasKeyIndex: keyIndex != nil, isMapped: false)
    let rowIDName =
      table.rowIDName ?? table.rowIDColumn.map { SQLiteIdentifier.quoted(columns[$0].name) }
    return Table(table: table, storage: storage, rowIDName: rowIDName, keyIndex: keyIndex)
  }
}
