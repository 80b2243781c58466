// How Codable values of some types are spelled in JSON: what the encoder and the decoder agree on.

import Foundation

/// How single values are spelled in JSON.
enum JSONSpelling {
  /// A real number; a whole one without a point.
  static func real<Value: BinaryFloatingPoint & LosslessStringConvertible>(_ value: Value) -> JSON {
    guard value.isFinite else { return .string(NonFinite.name(of: value)) }
    let text = value.description
    let digits = text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    return JSONNumber(text: digits).map(JSON.number) ?? .null
  }

  /// Whether JSON spells a type in another way than it encodes itself.
  static func isSpecial(_ type: any Any.Type) -> Bool {
    type == JSON.self || type == Data.self || type == URL.self || type == Decimal.self
  }

  /// The JSON of a value of such a type; nil for all others.
  static func special<Value>(_ value: Value) -> JSON? {
    guard isSpecial(Value.self) else { return nil }
    return switch value {
    case let json as JSON: json
    case let data as Data: .string(data.base64EncodedString())
    case let url as URL: .string(url.absoluteString)
    case let decimal as Decimal: JSONNumber(text: decimal.description).map(JSON.number) ?? .string("NaN")
    default: nil
    }
  }
}

/// How the numbers that JSON does not have are spelled, as strings.
enum NonFinite {
  static func name(of value: some BinaryFloatingPoint) -> String {
    value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity"
  }

  static func value<Value: BinaryFloatingPoint>(named name: String) -> Value? {
    switch name {
    case "NaN": .nan
    case "Infinity": .infinity
    case "-Infinity": -.infinity
    default: nil
    }
  }
}
