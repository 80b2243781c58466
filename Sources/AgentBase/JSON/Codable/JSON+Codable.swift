// JSON as a part of Codable types, and the literals of objects.

import Foundation

extension JSON: Codable {
  /// Reads any JSON value. From a decoder of Foundation's a number has the 38 digits of `Decimal`; what an agent stores keeps all
  /// of its digits, as a whole or as a part of another type.
  public init(from decoder: any Decoder) throws {
    if let container = try? decoder.container(keyedBy: PathKey.self) {
      // All at once: each member that is added is looked for among the others.
      self = .object(
        JSONObject(
          try container.allKeys.map { ($0.stringValue, try container.decode(JSON.self, forKey: $0)) }))
      return
    }
    if var container = try? decoder.unkeyedContainer() {
      var values: [JSON] = []
      while !container.isAtEnd { values.append(try container.decode(JSON.self)) }
      self = .array(values)
      return
    }
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? container.decode(String.self) {
      self = .string(value)
    } else {
      let value = try container.decode(Decimal.self)
      guard let number = JSONNumber(text: value.description) else {
        throw DecodingError.dataCorruptedError(
          in: container, debugDescription: "no number that JSON can hold")
      }
      self = .number(number)
    }
  }

  /// Writes the value; a number as `Decimal` where that holds it, else as the nearest double.
  public func encode(to encoder: any Encoder) throws {
    switch self {
    case .object(let object):
      var container = encoder.container(keyedBy: PathKey.self)
      for member in object.members {
        try container.encode(member.value, forKey: PathKey(stringValue: member.name))
      }
    case .array(let values):
      var container = encoder.unkeyedContainer()
      for value in values { try container.encode(value) }
    default:
      var container = encoder.singleValueContainer()
      switch self {
      case .bool(let value): try container.encode(value)
      case .string(let value): try container.encode(value)
      case .number(let number):
        if let whole = number.int64Value {
          try container.encode(whole)
        } else if let decimal = Decimal(string: number.digits), decimal.description == number.digits {
          try container.encode(decimal)
        } else {
          try container.encode(number.doubleValue)
        }
      case .null, .array, .object: try container.encodeNil()
      }
    }
  }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
  /// The members, in the order written.
  public init(dictionaryLiteral elements: (String, JSON)...) {
    self.init(elements.map { (name: $0.0, value: $0.1) })
  }
}

extension JSONObject {
  /// Whether there are no members.
  public var isEmpty: Bool { members.isEmpty }

  /// The members of an object in JSON text; nil where the text is none.
  init?(parsing text: String) {
    guard case .object(let object)? = try? JSON(parsing: text) else { return nil }
    self = object
  }
}
