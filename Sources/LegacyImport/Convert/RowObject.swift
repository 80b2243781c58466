// Writes a legacy row as a JSON object, straight from the statement into bytes, in jsonb's own spelling.

import AgentBase
import SQLite

/// The JSON object of a table's rows: the columns but the primary key's, in the order in which `jsonb` keeps them.
struct RowObject: Sendable {
  /// A column with the bytes that go before its value: a comma, its name, a colon.
  private struct Member {
    let column: Int
    let name: String
    let prefix: [UInt8]
  }

  private let members: [Member]

  /// The object of a table.
  ///
  /// - Parameter columns: places and names of the columns, the places as the statement counts them.
  init(columns: [(place: Int, name: String)]) {
    let sorted = columns.sorted { JSONObject.precedes($0.name, $1.name) }
    members = sorted.enumerated().map { index, column in
      var prefix = index == 0 ? [] : Array(", ".utf8)
      JSONWriter.append(string: column.name, to: &prefix)
      prefix.append(contentsOf: ": ".utf8)
      return Member(column: column.place, name: column.name, prefix: prefix)
    }
  }

  /// Appends the object, and to `marks` what JSON cannot say of it.
  func append(
    _ row: borrowing SQLiteStatement, to bytes: inout [UInt8], marks: inout [(name: String, value: JSON)]
  ) {
    bytes.append(UInt8(ascii: "{"))
    for member in members {
      bytes.append(contentsOf: member.prefix)
      append(row, member, to: &bytes, marks: &marks)
    }
    bytes.append(UInt8(ascii: "}"))
  }

  private func append(
    _ row: borrowing SQLiteStatement, _ member: Member, to bytes: inout [UInt8],
    marks: inout [(name: String, value: JSON)]
  ) {
    switch row.storageClass(member.column) {
    case .null:
      bytes.append(contentsOf: "null".utf8)
      return
    case .integer:
      DecimalDigits.append(row.integer(member.column), to: &bytes)
      return
    case .real where DecimalDigits.append(row.real(member.column), to: &bytes): return
    case .text where appendText(row, member.column, to: &bytes): return
    case .text, .real, .blob: break
    }
    let exact = ExactValue(row.value(member.column))
    JSONWriter.append(exact.json, to: &bytes)
    if let mark = exact.mark { marks.append((member.name, mark)) }
  }

  /// Appends text that JSON can hold; answers false, appending nothing, where it is not UTF-8 or holds a NUL.
  private func appendText(_ row: borrowing SQLiteStatement, _ column: Int, to bytes: inout [UInt8]) -> Bool {
    unsafe row.withBytes(column) { text in
      guard unsafe PlainText.isValid(text) else { return false }
      bytes.append(UInt8(ascii: "\""))
      unsafe JSONWriter.appendEscaped(text, to: &bytes)
      bytes.append(UInt8(ascii: "\""))
      return true
    }
  }
}

/// Decimal digits without a string between.
enum DecimalDigits {
  /// Appends the digits of an integer.
  static func append(_ value: Int64, to bytes: inout [UInt8]) {
    if value < 0 { bytes.append(UInt8(ascii: "-")) }
    var rest = value.magnitude
    let start = bytes.count
    repeat {
      bytes.append(UInt8(ascii: "0") + UInt8(rest % 10))
      rest /= 10
    } while rest > 0
    bytes[start...].reverse()
  }

  /// Appends the digits of a real as `JSONNumber` writes them: the shortest that read back as the same, with a point. Appends
  /// nothing, and answers false, for one that they would write with an exponent or that JSON does not have.
  static func append(_ value: Double, to bytes: inout [UInt8]) -> Bool {
    guard value.magnitude >= 1e-4, value.magnitude < 9_007_199_254_740_992 else {
      guard value == 0, value.sign == .plus else { return false }
      bytes.append(contentsOf: "0.0".utf8)
      return true
    }
    var digits = value.description
    digits.withUTF8 { unsafe bytes.append(contentsOf: $0) }
    return true
  }
}
