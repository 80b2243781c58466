// A row of a binary COPY, read back: its fields, and the legacy row that is in them.

import AgentBase
import Postgres
import SQLite

/// The fields of a row in Postgres' binary form, as it was encoded.
struct CopiedRow {
  private let fields: [String: ArraySlice<UInt8>]
  private let target: ImportTarget

  /// The fields of a row of a target's columns. The bytes are of our own making.
  init(_ bytes: ArraySlice<UInt8>, target: ImportTarget) {
    self.target = target
    var fields: [String: ArraySlice<UInt8>] = [:]
    var offset = bytes.startIndex + 2
    for column in target.columns {
      let length = Int32(truncatingIfNeeded: bytes[offset..<offset + 4].reduce(0) { $0 << 8 | Int64($1) })
      offset += 4
      guard length >= 0 else { continue }
      fields[column] = bytes[offset..<offset + Int(length)]
      offset += Int(length)
    }
    self.fields = fields
  }

  /// The primary key in the source, as JSON.
  var legacyID: JSON? { json("metadata")?["legacy_id"] }

  /// The values of the legacy row, in the order of the table's columns.
  func legacyValues(of table: LegacyTable) -> [SQLiteValue]? {
    let rowColumn = target.rowColumn
    guard let column = json(rowColumn.name), let legacyID, let sourceRow = fields["source_row"] else {
      return nil
    }
    let object = rowColumn.member.map { column[$0] ?? .null } ?? column
    return RowDecoder(table: table).values(
      object: object, legacyID: legacyID, exact: json("source_exact"),
      sourceRow: Int64(truncatingIfNeeded: sourceRow.reduce(0) { $0 << 8 | UInt64($1) }))
  }

  /// The place in the source of a row that the server sent, which may be anything's; 0 where it has none.
  static func sourceRow(of row: UnsafeRawBufferPointer, target: ImportTarget) -> Int64 {
    var fields = unsafe CopiedFields(row)
    for column in target.columns {
      let field = unsafe fields.next()
      guard column == "source_row", let field = unsafe field, field.count == 8 else { continue }
      return unsafe Int64(bigEndian: field.loadUnaligned(as: Int64.self))
    }
    return 0
  }

  private func json(_ column: String) -> JSON? {
    fields[column].flatMap { try? JSON(parsing: Array($0.dropFirst())) }
  }
}

extension PostgresUUID {
  /// The first field of a row that the server sent, where that is a UUID that is never NULL.
  init(copiedRow row: UnsafeRawBufferPointer) {
    guard row.count >= 22 else {
      self.init(high: 0, low: 0)
      return
    }
    self.init(
      high: unsafe UInt64(bigEndian: row.loadUnaligned(fromByteOffset: 6, as: UInt64.self)),
      low: unsafe UInt64(bigEndian: row.loadUnaligned(fromByteOffset: 14, as: UInt64.self)))
  }
}
