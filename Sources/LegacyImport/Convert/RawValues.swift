// The raw values of a row that Postgres cannot hold, for agent_import_rejects.

import AgentBase
import Foundation
import SQLite

extension RowEncoder {
  /// The most bytes of a value that a reject repeats; of a larger one it tells the size, and the file has it still.
  static let longestRawValue = 16 << 20

  /// The values of the row that the statement stands on: storage class and value, by column.
  func rawValues(of row: borrowing SQLiteStatement) -> JSON {
    var values = JSONObject()
    for (place, column) in source.table.columns.enumerated() {
      values[column.name] = RawValue.json(row.value(place + 1))
    }
    return .object(values)
  }
}

/// A raw value as JSON: its storage class, and its value; bytes that are no text in base64.
enum RawValue {
  /// The JSON of a value.
  static func json(_ value: SQLiteValue) -> JSON {
    switch value {
    case .null: .null
    case .integer(let number): ["integer": .integer(number)]
    case .real(let number): ["real": .string(number.description)]
    case .text(let text) where text.utf8.count > RowEncoder.longestRawValue:
      ["text_bytes": .integer(text.utf8.count)]
    case .text(let text) where text.utf8.contains(0):
      ["text_base64": .string(Data(text.utf8).base64EncodedString())]
    case .text(let text): ["text": .string(text)]
    case .malformedText(let bytes) where bytes.count > RowEncoder.longestRawValue:
      ["text_bytes": .integer(bytes.count)]
    case .malformedText(let bytes): ["text_base64": .string(Data(bytes).base64EncodedString())]
    case .blob(let bytes) where bytes.count > RowEncoder.longestRawValue:
      ["blob_bytes": .integer(bytes.count)]
    case .blob(let bytes): ["blob_base64": .string(Data(bytes).base64EncodedString())]
    }
  }

  /// The value that `json` describes; nil where it tells only a size.
  static func value(_ json: JSON) -> SQLiteValue? {
    guard case .object(let object) = json, let (name, value) = object.members.first else { return .null }
    let bytes = { value.stringValue.flatMap { Data(base64Encoded: $0) }.map { [UInt8]($0) } }
    return switch name {
    case "integer": value.int64Value.map(SQLiteValue.integer)
    case "real": value.stringValue.flatMap(Double.init).map(SQLiteValue.real)
    case "text": value.stringValue.map(SQLiteValue.text)
    case "text_base64":
      bytes().map { String(validating: $0, as: UTF8.self).map(SQLiteValue.text) ?? .malformedText($0) }
    case "blob_base64": bytes().map(SQLiteValue.blob)
    default: nil
    }
  }

  /// The values of a row of a table; nil where one of them is told only by its size.
  static func values(of table: LegacyTable, json: JSON) -> [SQLiteValue]? {
    let values = table.columns.compactMap { json[$0.name].flatMap(value) }
    return values.count == table.columns.count ? values : nil
  }
}
