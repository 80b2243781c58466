// What JSON cannot say of a SQLite value, kept beside it, and the way back.

import Foundation
public import SQLite

/// A SQLite value as JSON for people, with what makes it exact again.
///
/// INTEGER, REAL and UTF-8 text say all in JSON. A BLOB is base64 there, told from text by its mark `"blob"`. Text with a
/// NUL or with bytes that are not UTF-8 reads with U+FFFD in their place, and its mark holds its bytes; -0.0 and the
/// infinities have marks as well. A row's marks stand in the column `source_exact`, by column name.
public struct ExactValue: Sendable {
  /// What people and queries see.
  public let json: JSON
  /// What else is needed to have the value back; nil where `json` says all.
  public let mark: JSON?

  /// The JSON of a value.
  public init(_ value: SQLiteValue) {
    switch value {
    case .null: (json, mark) = (.null, nil)
    case .integer(let number): (json, mark) = (.integer(number), nil)
    case .real(let number):
      if number.sign == .minus, number == 0 {
        (json, mark) = (.real(0) ?? .null, ["real": "-0.0"])
      } else if let real = JSON.real(number) {
        (json, mark) = (real, nil)
      } else {
        let name = JSON.string(number < 0 ? "-Infinity" : "Infinity")
        (json, mark) = (name, ["real": name])
      }
    case .text(let text):
      if text.utf8.contains(0) {
        json = .string(text.replacing("\0", with: "\u{FFFD}"))
        mark = ["text": .string(Data(text.utf8).base64EncodedString())]
      } else {
        (json, mark) = (.string(text), nil)
      }
    case .malformedText(let bytes):
      json = .string(String(decoding: bytes, as: UTF8.self).replacing("\0", with: "\u{FFFD}"))
      mark = ["text": .string(Data(bytes).base64EncodedString())]
    case .blob(let bytes):
      json = .string(Data(bytes).base64EncodedString())
      mark = "blob"
    }
  }

  /// The value that a JSON value and its mark stand for; nil where they are none of ours.
  public static func value(json: JSON, mark: JSON?) -> SQLiteValue? {
    if let mark { return marked(json: json, mark: mark) }
    switch json {
    case .null: return .null
    case .number(let number):
      return number.isInteger ? number.int64Value.map(SQLiteValue.integer) : .real(number.doubleValue)
    case .string(let text): return .text(text)
    case .bool, .array, .object: return nil
    }
  }

  private static func marked(json: JSON, mark: JSON) -> SQLiteValue? {
    if mark == "blob" {
      return json.stringValue.flatMap { Data(base64Encoded: $0) }.map { .blob(Array($0)) }
    }
    if let base64 = mark["text"]?.stringValue {
      guard let bytes = Data(base64Encoded: base64).map(Array.init) else { return nil }
      return String(validating: bytes, as: UTF8.self).map(SQLiteValue.text) ?? .malformedText(bytes)
    }
    return mark["real"]?.stringValue.flatMap(Double.init).map(SQLiteValue.real)
  }
}
