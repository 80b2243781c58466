// Makes a Codable value of JSON, without a text in between.

import Foundation

extension JSON {
  /// This as a value of a `Codable` type, read as Foundation's `JSONDecoder` reads it by itself: dates from their seconds since
  /// 2001, `Data` from base64, URLs from text. Infinities and NaN are read from their names. A part that is `JSON` keeps
  /// every digit.
  ///
  /// - Throws: `DecodingError`, and what the type throws.
  func decoded<Value: Decodable>(as type: Value.Type) throws -> Value {
    try JSONPart(json: self, path: .root).value(as: type)
  }
}

/// A part of a value that is being read: its decoder, and the container of a single value.
private struct JSONPart: Decoder, SingleValueDecodingContainer {
  let json: JSON
  let path: CodingPath

  var codingPath: [any CodingKey] { path.keys }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    guard case .object(let object) = json else { throw mismatch([String: JSON].self) }
    return KeyedDecodingContainer(JSONObjectReader<Key>(object, path: path))
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
    guard case .array(let values) = json else { throw mismatch([JSON].self) }
    return JSONArrayReader(values: values, path: path)
  }

  func singleValueContainer() -> any SingleValueDecodingContainer { self }

  /// The value as a type that may decode itself from parts.
  func value<Value: Decodable>(as type: Value.Type) throws -> Value {
    if JSONSpelling.isSpecial(type), let value = try special(type) as? Value { return value }
    return try Value(from: self)
  }

  /// The value of a type that JSON spells in another way than it encodes itself.
  private func special(_ type: any Decodable.Type) throws -> any Decodable {
    if type == Data.self { return try text("base64") { Data(base64Encoded: $0) } }
    if type == URL.self { return try text("a URL") { URL(string: $0) } }
    if type == Decimal.self {
      guard case .number(let number) = json else { throw mismatch(type) }
      guard let decimal = Decimal(string: number.digits) else { throw corrupted("no Decimal") }
      return decimal
    }
    return json
  }

  private func text<Value>(_ kind: String, _ make: (String) -> Value?) throws -> Value {
    guard case .string(let text) = json else { throw mismatch(Value.self) }
    guard let value = make(text) else { throw corrupted("the text is not \(kind)") }
    return value
  }

  // MARK: - Single values

  func decodeNil() -> Bool {
    if case .null = json { true } else { false }
  }

  func decode(_ type: Bool.Type) throws -> Bool {
    guard case .bool(let value) = json else { throw mismatch(type) }
    return value
  }

  func decode(_ type: String.Type) throws -> String {
    guard case .string(let value) = json else { throw mismatch(type) }
    return value
  }

  func decode(_ type: Double.Type) throws -> Double { try real() }
  func decode(_ type: Float.Type) throws -> Float { try real() }
  func decode(_ type: Int.Type) throws -> Int { try integer() }
  func decode(_ type: Int8.Type) throws -> Int8 { try integer() }
  func decode(_ type: Int16.Type) throws -> Int16 { try integer() }
  func decode(_ type: Int32.Type) throws -> Int32 { try integer() }
  func decode(_ type: Int64.Type) throws -> Int64 { try integer() }
  func decode(_ type: Int128.Type) throws -> Int128 { try integer() }
  func decode(_ type: UInt.Type) throws -> UInt { try integer() }
  func decode(_ type: UInt8.Type) throws -> UInt8 { try integer() }
  func decode(_ type: UInt16.Type) throws -> UInt16 { try integer() }
  func decode(_ type: UInt32.Type) throws -> UInt32 { try integer() }
  func decode(_ type: UInt64.Type) throws -> UInt64 { try integer() }
  func decode(_ type: UInt128.Type) throws -> UInt128 { try integer() }
  func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try value(as: type) }

  /// A whole number, which may be written with zeros behind a point.
  private func integer<Value: FixedWidthInteger>() throws -> Value {
    guard case .number(let number) = json else { throw mismatch(Value.self) }
    if let value = Value(number.digits) { return value }
    let parts = number.digits.split(separator: ".", maxSplits: 1)
    guard parts.count == 2, parts[1].allSatisfy({ $0 == "0" }), let value = Value(parts[0]) else {
      throw corrupted("the number does not fit into \(Value.self)")
    }
    return value
  }

  private func real<Value: BinaryFloatingPoint & LosslessStringConvertible>() throws -> Value {
    switch json {
    case .number(let number):
      guard let value = Value(number.digits), value.isFinite else {
        throw corrupted("the number does not fit into \(Value.self)")
      }
      return value
    case .string(let name):
      guard let value: Value = NonFinite.value(named: name) else { throw mismatch(Value.self) }
      return value
    default: throw mismatch(Value.self)
    }
  }

  // MARK: - Errors

  private func mismatch(_ type: any Any.Type) -> DecodingError {
    let context = DecodingError.Context(codingPath: codingPath, debugDescription: "found \(kind)")
    return if case .null = json { .valueNotFound(type, context) } else { .typeMismatch(type, context) }
  }

  private func corrupted(_ problem: String) -> DecodingError {
    .dataCorrupted(DecodingError.Context(codingPath: codingPath, debugDescription: problem))
  }

  /// What is there, without its contents.
  private var kind: String {
    switch json {
    case .null: "null"
    case .bool: "a boolean"
    case .number: "a number"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }
}

/// The members of an object that is being read.
private struct JSONObjectReader<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let object: JSONObject
  let path: CodingPath
  /// The places of the members of a large object by their names; nil where to look at each costs less.
  private let places: [String: Int]?

  init(_ object: JSONObject, path: CodingPath) {
    self.object = object
    self.path = path
    places =
      object.members.count <= 16
      ? nil
      : Dictionary(
        object.members.enumerated().map { ($0.element.name, $0.offset) }, uniquingKeysWith: { $1 })
  }

  var codingPath: [any CodingKey] { path.keys }
  var allKeys: [Key] { object.members.compactMap { Key(stringValue: $0.name) } }

  private func member(_ name: String) -> JSON? {
    guard let places else { return object.members.first { $0.name == name }?.value }
    return places[name].map { object.members[$0].value }
  }

  private func part(_ key: some CodingKey) throws -> JSONPart {
    guard let json = member(key.stringValue) else {
      throw DecodingError.keyNotFound(
        key, DecodingError.Context(codingPath: codingPath, debugDescription: "no such member"))
    }
    return JSONPart(json: json, path: .member(path, key))
  }

  func contains(_ key: Key) -> Bool { member(key.stringValue) != nil }
  func decodeNil(forKey key: Key) throws -> Bool { try part(key).decodeNil() }
  func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try part(key).decode(type) }
  func decode(_ type: String.Type, forKey key: Key) throws -> String { try part(key).decode(type) }
  func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try part(key).decode(type) }
  func decode(_ type: Float.Type, forKey key: Key) throws -> Float { try part(key).decode(type) }
  func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try part(key).decode(type) }
  func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try part(key).decode(type) }
  func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try part(key).decode(type) }
  func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try part(key).decode(type) }
  func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try part(key).decode(type) }
  func decode(_ type: Int128.Type, forKey key: Key) throws -> Int128 { try part(key).decode(type) }
  func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try part(key).decode(type) }
  func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try part(key).decode(type) }
  func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try part(key).decode(type) }
  func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try part(key).decode(type) }
  func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try part(key).decode(type) }
  func decode(_ type: UInt128.Type, forKey key: Key) throws -> UInt128 { try part(key).decode(type) }

  func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
    try part(key).value(as: type)
  }

  func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type, forKey key: Key
  ) throws -> KeyedDecodingContainer<Nested> {
    try part(key).container(keyedBy: type)
  }

  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    try part(key).unkeyedContainer()
  }

  /// What the superclass encoded; null where it is missing.
  func superDecoder() -> any Decoder {
    let key = PathKey.superclass
    return JSONPart(json: member(key.stringValue) ?? .null, path: .member(path, key))
  }

  func superDecoder(forKey key: Key) -> any Decoder {
    JSONPart(json: member(key.stringValue) ?? .null, path: .member(path, key))
  }
}

/// The elements of an array that is being read.
private struct JSONArrayReader: UnkeyedDecodingContainer {
  let values: [JSON]
  let path: CodingPath
  private(set) var currentIndex = 0

  init(values: [JSON], path: CodingPath) { (self.values, self.path) = (values, path) }

  var codingPath: [any CodingKey] { path.keys }
  var count: Int? { values.count }
  var isAtEnd: Bool { currentIndex == values.count }

  /// The part that is next, without a step to the one behind it.
  private func next(_ type: any Any.Type) throws -> JSONPart {
    let path = CodingPath.element(path, currentIndex)
    guard !isAtEnd else {
      throw DecodingError.valueNotFound(
        type, DecodingError.Context(codingPath: path.keys, debugDescription: "the array has no more values"))
    }
    return JSONPart(json: values[currentIndex], path: path)
  }

  /// Reads a part and steps over it; stays where it is where that throws.
  private mutating func step<Value>(_ read: (JSONPart) throws -> Value) throws -> Value {
    let value = try read(next(Value.self))
    currentIndex += 1
    return value
  }

  mutating func decodeNil() throws -> Bool {
    guard try next(Never?.self).decodeNil() else { return false }
    currentIndex += 1
    return true
  }

  mutating func decode(_ type: Bool.Type) throws -> Bool { try step { try $0.decode(type) } }
  mutating func decode(_ type: String.Type) throws -> String { try step { try $0.decode(type) } }
  mutating func decode(_ type: Double.Type) throws -> Double { try step { try $0.decode(type) } }
  mutating func decode(_ type: Float.Type) throws -> Float { try step { try $0.decode(type) } }
  mutating func decode(_ type: Int.Type) throws -> Int { try step { try $0.decode(type) } }
  mutating func decode(_ type: Int8.Type) throws -> Int8 { try step { try $0.decode(type) } }
  mutating func decode(_ type: Int16.Type) throws -> Int16 { try step { try $0.decode(type) } }
  mutating func decode(_ type: Int32.Type) throws -> Int32 { try step { try $0.decode(type) } }
  mutating func decode(_ type: Int64.Type) throws -> Int64 { try step { try $0.decode(type) } }
  mutating func decode(_ type: Int128.Type) throws -> Int128 { try step { try $0.decode(type) } }
  mutating func decode(_ type: UInt.Type) throws -> UInt { try step { try $0.decode(type) } }
  mutating func decode(_ type: UInt8.Type) throws -> UInt8 { try step { try $0.decode(type) } }
  mutating func decode(_ type: UInt16.Type) throws -> UInt16 { try step { try $0.decode(type) } }
  mutating func decode(_ type: UInt32.Type) throws -> UInt32 { try step { try $0.decode(type) } }
  mutating func decode(_ type: UInt64.Type) throws -> UInt64 { try step { try $0.decode(type) } }
  mutating func decode(_ type: UInt128.Type) throws -> UInt128 { try step { try $0.decode(type) } }

  mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
    try step { try $0.value(as: type) }
  }

  mutating func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type
  ) throws -> KeyedDecodingContainer<Nested> {
    try step { try $0.container(keyedBy: type) }
  }

  mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
    try step { try $0.unkeyedContainer() }
  }

  mutating func superDecoder() throws -> any Decoder { try step { $0 } }
}
