// The way back: from what Postgres holds of an imported row to the values that SQLite held.

import AgentBase
import SQLite

/// Makes legacy rows of one table again.
struct RowDecoder: Sendable {
  /// The table's columns, in their order.
  let table: LegacyTable

  /// The values of a row, in the order of the table's columns; nil where what Postgres holds is not of our making.
  ///
  /// - Parameters:
  ///   - object: the row as a JSON object, without its primary key.
  ///   - legacyID: the primary key, as `LegacyKey.json` writes it.
  ///   - exact: the marks of `source_exact`.
  ///   - sourceRow: the rowid.
  func values(object: JSON, legacyID: JSON, exact: JSON?, sourceRow: Int64) -> [SQLiteValue]? {
    var values: [SQLiteValue] = []
    values.reserveCapacity(table.columns.count)
    for (place, column) in table.columns.enumerated() {
      let value: SQLiteValue?
      if place == table.rowIDColumn {
        value = .integer(sourceRow)
      } else if column.keyPlace == 0 {
        // A row that was imported before its table had this column holds no value for it.
        value = object[column.name].map { ExactValue.value(json: $0, mark: exact?[column.name]) } ?? .null
      } else if let json = key(at: column.keyPlace, in: legacyID) {
        value = ExactValue.value(json: json, mark: exact?[column.name])
      } else {
        value = nil
      }
      guard let value else { return nil }
      values.append(value)
    }
    return values
  }

  private func key(at place: Int, in legacyID: JSON) -> JSON? {
    guard table.keyColumns.count > 1 else { return legacyID }
    guard case .array(let values) = legacyID, values.indices.contains(place - 1) else { return nil }
    return values[place - 1]
  }
}
