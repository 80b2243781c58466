// The tables of a SQLite database as a copy reads them: every column under its own name, the generated ones too.

import AgentBase
import SQLite

extension LegacySchema {
  /// The tables of a database whose rows are copied.
  static func wholeTables(
    of source: SourceDatabase, in connection: SQLiteConnection
  ) throws(SQLiteError) -> [Table] {
    var tables: [Table] = []
    for table in source.tables { tables.append(try wholeTable(table, connection)) }
    return tables
  }

  private static func wholeTable(
    _ source: SourceDatabase.Table, _ connection: SQLiteConnection
  ) throws(SQLiteError) -> Table {
    let key = source.primaryKey?.parts.map(\.column) ?? []
    let columns = source.columns.enumerated().map { place, column in
      LegacyColumn(
        name: column.name, declaredType: column.declaredType,
        keyPlace: key.firstIndex(of: place).map { $0 + 1 } ?? 0)
    }
    guard case .ordinary = source.storage else {
      // The module answers the rows in the order of their rowids.
      let table = LegacyTable(name: source.name, columns: columns, hasRowID: true, isMapped: false)
      return Table(table: table, storage: .virtual, rowIDName: "rowid", keyIndex: nil)
    }
    let keyIndex = try connection.queryOne(
      "SELECT name FROM pragma_index_list(?) WHERE origin = 'pk'", [.text(source.name)])?[0].string
    let table = LegacyTable(
      name: source.name, columns: columns, hasRowID: source.hasRowID, hasKeyIndex: keyIndex != nil,
      isMapped: false)
    let rowIDName = table.rowIDName ?? table.rowIDColumn.map { SQLiteIdentifier.quoted(columns[$0].name) }
    return Table(table: table, storage: .ordinary, rowIDName: rowIDName, keyIndex: keyIndex)
  }
}
