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
}
