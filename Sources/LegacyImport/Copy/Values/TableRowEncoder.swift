// From a row of any SQLite table to a row of a binary COPY into the columns of its target.

import AgentBase
import Postgres
import SQLite

/// Encodes the rows of a copied table.
struct TableRowEncoder: RowEncoding {
  /// A class, as a struct of so many parts would be copied for each value.
  private final class Column: Sendable {
    /// The place in the scan's rows, whose first column is the rowid.
    let place: Int
    let name: String
    let isNotNull: Bool
    let values: ValueEncoder

    init(_ column: ColumnRoute, time: LegacyTime) {
      place = column.place + 1
      name = column.target.name
      isNotNull = column.target.isNotNull
      values = ValueEncoder(type: column.target.type, typeName: column.target.typeName, time: time)
    }
  }

  private let table: LegacyTable
  private let columns: [Column]
  private let identity: LegacyIdentity
  private let obstacle: String?

  /// Encodes the rows of a route; `identity` is that of the source table.
  init(_ route: TableRoute, identity: LegacyIdentity, time: LegacyTime) {
    table = route.source.table
    self.identity = identity
    obstacle = route.obstacle
    columns = route.columns.map { Column($0, time: time) }
  }

  func encode(
    _ row: borrowing SQLiteStatement, position: Int64,
    into buffer: inout PostgresCopyEncoder
  ) -> RowEncoder.Outcome {
    // The place tells rows of one table from each other; no key has to be hashed for it.
    let uuid = identity.uuid(key: position)
    if let obstacle { return .rejected(uuid, key(of: row, position: position), reason: obstacle) }
    let start = buffer.mark()
    buffer.beginRow(fields: columns.count)
    for column in columns {
      do throws(ValueRejection) {
        try Self.append(row, column, to: &buffer)
      } catch {
        buffer.rollback(to: start)
        return .rejected(
          uuid, key(of: row, position: position), reason: "column \(column.name): \(error.reason)")
      }
    }
    return .encoded(uuid, sourceRow: position)
  }

  private static func append(
    _ row: borrowing SQLiteStatement, _ column: Column, to buffer: inout PostgresCopyEncoder
  ) throws(ValueRejection) {
    switch row.storageClass(column.place) {
    case .null:
      guard !column.isNotNull else { throw ValueRejection("NULL, where the column is NOT NULL") }
      buffer.appendNull()
    case .integer: try column.values.append(integer: row.integer(column.place), to: &buffer)
    case .real: try column.values.append(real: row.real(column.place), to: &buffer)
    case .text:
      try unsafe row.withBytes(column.place) { (bytes) throws(ValueRejection) in
        try unsafe column.values.append(text: bytes, to: &buffer)
      }
    case .blob:
      try unsafe row.withBytes(column.place) { (bytes) throws(ValueRejection) in
        try unsafe column.values.append(blob: bytes, to: &buffer)
      }
    }
  }

  // MARK: - Rejected rows

  /// The key, which names the row to its reader; its place is what identifies it.
  private func key(of row: borrowing SQLiteStatement, position: Int64) -> LegacyKey {
    var values: [SQLiteValue] = []
    for place in table.keyColumns { values.append(row.value(place + 1)) }
    return LegacyKey(values: values, rowID: table.hasRowID ? position : nil)
  }

  func rawValues(of row: borrowing SQLiteStatement) -> JSON {
    var values = JSONObject()
    for (place, column) in table.columns.enumerated() {
      values[column.name] = RawValue.json(row.value(place + 1))
    }
    return .object(values)
  }
}
