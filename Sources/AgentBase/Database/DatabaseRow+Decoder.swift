// Rows and fields as decoders, for `Decodable` types.

import Foundation

/// Reads one field.
enum FieldDecoder {
  /// Whether a type is read from a field as a whole, and not from a row member by member.
  static func isPlain(_ type: any Decodable.Type) -> Bool {
    type == Date.self || type == UUID.self || type == Data.self || type == Decimal.self || type == JSON.self
      || type == URL.self
  }

  /// The field as a type.
  static func decode<Value: Decodable>(
    _ type: Value.Type, from value: DatabaseValue, path: [any CodingKey]
  ) throws -> Value {
    if isPlain(type) {
      guard let plain = plain(type, from: value) else { throw mismatch(type, value, path) }
      return plain
    }
    do {
      return try Value(from: SingleValueDecoder(value: value, codingPath: path))
    } catch is NeedsContainer {
      // An array, a dictionary or a type with members: the column holds it as JSON.
      guard let json = value.jsonValue, json != .null else { throw mismatch(type, value, path) }
      return try json.decoded(as: type)
    }
  }

  private static func plain<Value>(_ type: Value.Type, from value: DatabaseValue) -> Value? {
    switch type {
    case is Date.Type: value.dateValue as? Value
    case is UUID.Type: value.uuidValue as? Value
    case is JSON.Type: value.jsonValue as? Value
    case is Data.Type: if case .data(let data) = value { data as? Value } else { nil }
    case is URL.Type: value.textValue.flatMap { URL(string: $0) } as? Value
    case is Decimal.Type:
      (value.textValue ?? value.int64Value.map { "\($0)" } ?? value.doubleValue.map { "\($0)" }).flatMap {
        Decimal(string: $0)
      } as? Value
    default: nil
    }
  }

  /// A value that is not of the type.
  struct Mismatch: Error {
    /// Names the place and the types, never the value.
    let text: String
  }

  static func mismatch(_ type: Any.Type, _ value: DatabaseValue, _ path: [any CodingKey]) -> Mismatch {
    let place = path.last.map { "at \($0.stringValue): " } ?? ""
    return Mismatch(text: "\(place)\(type) is needed, and \(value.kind) is there")
  }

  /// Thrown where a type wants members of a field that is a single value.
  struct NeedsContainer: Error {}
}

extension DatabaseValue {
  /// What kind of value it is, for errors.
  fileprivate var kind: String {
    switch self {
    case .null: "NULL"
    case .bool: "a boolean"
    case .integer: "an integer"
    case .real: "a real number"
    case .decimal: "a decimal number"
    case .text: "a text"
    case .data: "binary data"
    case .date: "a time"
    case .uuid: "a UUID"
    case .json: "JSON"
    }
  }
}

/// A field on its way into a type that is a single value.
private struct SingleValueDecoder: Decoder, SingleValueDecodingContainer {
  let value: DatabaseValue
  let codingPath: [any CodingKey]
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    throw FieldDecoder.NeedsContainer()
  }
  func unkeyedContainer() throws -> any UnkeyedDecodingContainer { throw FieldDecoder.NeedsContainer() }
  func singleValueContainer() throws -> any SingleValueDecodingContainer { self }

  func decodeNil() -> Bool { value.isNull }
  func decode(_ type: Bool.Type) throws -> Bool { try need(value.boolValue) }
  func decode(_ type: String.Type) throws -> String { try need(value.textValue) }
  func decode(_ type: Double.Type) throws -> Double { try need(value.doubleValue) }
  func decode(_ type: Float.Type) throws -> Float { try need(value.doubleValue.map { Float($0) }) }
  func decode(_ type: Int.Type) throws -> Int { try integer() }
  func decode(_ type: Int8.Type) throws -> Int8 { try integer() }
  func decode(_ type: Int16.Type) throws -> Int16 { try integer() }
  func decode(_ type: Int32.Type) throws -> Int32 { try integer() }
  func decode(_ type: Int64.Type) throws -> Int64 { try integer() }
  func decode(_ type: UInt.Type) throws -> UInt { try integer() }
  func decode(_ type: UInt8.Type) throws -> UInt8 { try integer() }
  func decode(_ type: UInt16.Type) throws -> UInt16 { try integer() }
  func decode(_ type: UInt32.Type) throws -> UInt32 { try integer() }
  func decode(_ type: UInt64.Type) throws -> UInt64 { try integer() }
  func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
    try FieldDecoder.decode(type, from: value, path: codingPath)
  }

  private func integer<Value: FixedWidthInteger>() throws -> Value {
    try need(value.int64Value.flatMap { Value(exactly: $0) })
  }

  private func need<Value>(_ found: Value?) throws -> Value {
    guard let found else { throw FieldDecoder.mismatch(Value.self, value, codingPath) }
    return found
  }
}

/// A row on its way into a type with members, or, where it has one column, into a single value.
struct RowDecoder: Decoder {
  let row: DatabaseRow
  var codingPath: [any CodingKey] { [] }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    KeyedDecodingContainer(RowContainer<Key>(row: row))
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
    throw DecodingError.dataCorrupted(
      .init(codingPath: [], debugDescription: "a row is no array: ask for rows of another type"))
  }

  func singleValueContainer() throws -> any SingleValueDecodingContainer {
    guard let value = row.values.first, row.values.count == 1 else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: [], debugDescription: "the row has \(row.values.count) columns, and one is needed"))
    }
    return SingleValueDecoder(value: value, codingPath: [])
  }
}

/// The columns of a row by the names of a type's members.
private struct RowContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let row: DatabaseRow
  var codingPath: [any CodingKey] { [] }
  var allKeys: [Key] { row.columns.compactMap { Key(stringValue: $0) } }

  func contains(_ key: Key) -> Bool { place(of: key) != nil }
  func decodeNil(forKey key: Key) throws -> Bool { try value(of: key).isNull }
  func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
    try FieldDecoder.decode(type, from: try value(of: key), path: [key])
  }

  func nestedContainer<Nested>(
    keyedBy type: Nested.Type, forKey key: Key
  ) throws -> KeyedDecodingContainer<Nested> { throw noNesting(key) }
  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    throw noNesting(key)
  }
  func superDecoder() throws -> any Decoder { RowDecoder(row: row) }
  func superDecoder(forKey key: Key) throws -> any Decoder {
    SingleValueDecoder(value: try value(of: key), codingPath: [key])
  }

  private func place(of key: Key) -> Int? {
    row.shared.place(of: key.stringValue) ?? row.shared.place(of: Self.snakeCase(key.stringValue))
  }

  private func value(of key: Key) throws -> DatabaseValue {
    guard let place = place(of: key) else {
      throw DecodingError.keyNotFound(key, .init(codingPath: [], debugDescription: "there is no such column"))
    }
    return row.values[place]
  }

  private func noNesting(_ key: Key) -> DecodingError {
    .dataCorrupted(.init(codingPath: [key], debugDescription: "a column has no members: give them a type"))
  }

  /// `isActive` as `is_active`, `userID` as `user_id`.
  private static func snakeCase(_ name: String) -> String {
    var words = ""
    var last: Character?
    for character in name {
      if character.isUppercase, let last, !last.isUppercase { words += "_" }
      words += character.lowercased()
      last = character
    }
    return words
  }
}
