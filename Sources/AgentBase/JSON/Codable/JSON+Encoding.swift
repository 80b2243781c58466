// Makes JSON of a Codable value, without a text in between.

import Foundation

extension JSON {
  /// The value of a `Codable` type, spelled as Foundation's `JSONEncoder` spells it by itself: dates as their seconds since
  /// 2001, `Data` as base64, URLs as text. Infinities and NaN are their names. A part that is `JSON` or `Decimal` keeps
  /// every digit.
  ///
  /// - Throws: what the type throws, and `EncodingError` where it encodes nothing.
  init(encoding value: some Encodable) throws {
    let place = JSONPlace(path: .root)
    self = try place.filled(with: value)
  }
}

/// A place in a value that is being made: the encoder of what will stand there.
private final class JSONPlace: Encoder, SingleValueEncodingContainer {
  /// What stands in a place within this one.
  enum Part {
    case value(JSON)
    /// Not yet: its encoder or container may still be written to.
    case place(JSONPlace)

    var json: JSON {
      switch self {
      case .value(let value): value
      case .place(let place): place.json ?? .object(JSONObject())
      }
    }
  }

  enum Shape { case nothing, single, members, elements }

  let path: CodingPath
  var shape = Shape.nothing
  var single = JSON.null
  var members: [(name: String, part: Part)] = []
  var elements: [Part] = []

  init(path: CodingPath) { self.path = path }

  var codingPath: [any CodingKey] { path.keys }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  /// What was written; nil where nothing was.
  var json: JSON? {
    switch shape {
    case .nothing: nil
    case .single: single
    case .members: .object(JSONObject(members.map { ($0.name, $0.part.json) }))
    case .elements: .array(elements.map(\.json))
    }
  }

  /// What a value makes of this place.
  func filled<Value: Encodable>(with value: Value) throws -> JSON {
    if let json = JSONSpelling.special(value) { return json }
    try value.encode(to: self)
    guard let json else {
      throw EncodingError.invalidValue(
        value,
        EncodingError.Context(codingPath: codingPath, debugDescription: "\(Value.self) encodes no value"))
    }
    return json
  }

  /// What a value makes of a place within this one; an empty object where it writes nothing.
  static func part(of value: some Encodable, at path: @autoclosure () -> CodingPath) throws -> Part {
    if let json = JSONSpelling.special(value) { return .value(json) }
    let place = JSONPlace(path: path())
    try value.encode(to: place)
    return .value(place.json ?? .object(JSONObject()))
  }

  // MARK: - Containers

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    become(.members)
    return KeyedEncodingContainer(JSONMembers<Key>(place: self))
  }

  func unkeyedContainer() -> any UnkeyedEncodingContainer {
    become(.elements)
    return JSONElements(place: self)
  }

  func singleValueContainer() -> any SingleValueEncodingContainer { self }

  private func become(_ new: Shape) {
    precondition(
      shape == .nothing || shape == new, "a Codable type asks for two kinds of containers at one place")
    shape = new
  }

  /// The place of a member that gets a container of its own; the one that it has where it was asked for before.
  func member(_ key: any CodingKey) -> JSONPlace {
    if case .place(let place)? = members.last(where: { $0.name == key.stringValue })?.part { return place }
    let place = JSONPlace(path: .member(path, key))
    members.append((key.stringValue, .place(place)))
    return place
  }

  func element() -> JSONPlace {
    let place = JSONPlace(path: .element(path, elements.count))
    elements.append(.place(place))
    return place
  }

  // MARK: - A single value

  private func set(_ value: JSON) { (shape, single) = (.single, value) }

  func encodeNil() { set(.null) }
  func encode(_ value: Bool) { set(.bool(value)) }
  func encode(_ value: String) { set(.string(value)) }
  func encode(_ value: Double) { set(JSONSpelling.real(value)) }
  func encode(_ value: Float) { set(JSONSpelling.real(value)) }
  func encode(_ value: Int) { set(.integer(value)) }
  func encode(_ value: Int8) { set(.integer(value)) }
  func encode(_ value: Int16) { set(.integer(value)) }
  func encode(_ value: Int32) { set(.integer(value)) }
  func encode(_ value: Int64) { set(.integer(value)) }
  func encode(_ value: Int128) { set(.integer(value)) }
  func encode(_ value: UInt) { set(.integer(value)) }
  func encode(_ value: UInt8) { set(.integer(value)) }
  func encode(_ value: UInt16) { set(.integer(value)) }
  func encode(_ value: UInt32) { set(.integer(value)) }
  func encode(_ value: UInt64) { set(.integer(value)) }
  func encode(_ value: UInt128) { set(.integer(value)) }
  func encode(_ value: some Encodable) throws { set(try Self.part(of: value, at: path).json) }
}

/// The members of an object that is being made.
private struct JSONMembers<Key: CodingKey>: KeyedEncodingContainerProtocol {
  let place: JSONPlace

  var codingPath: [any CodingKey] { place.codingPath }

  private func add(_ value: JSON, _ key: Key) { place.members.append((key.stringValue, .value(value))) }

  func encodeNil(forKey key: Key) { add(.null, key) }
  func encode(_ value: Bool, forKey key: Key) { add(.bool(value), key) }
  func encode(_ value: String, forKey key: Key) { add(.string(value), key) }
  func encode(_ value: Double, forKey key: Key) { add(JSONSpelling.real(value), key) }
  func encode(_ value: Float, forKey key: Key) { add(JSONSpelling.real(value), key) }
  func encode(_ value: Int, forKey key: Key) { add(.integer(value), key) }
  func encode(_ value: Int8, forKey key: Key) { add(.integer(value), key) }
  func encode(_ value: Int16, forKey key: Key) { add(.integer(value), key) }
  func encode(_ value: Int32, forKey key: Key) { add(.integer(value), key) }
  func encode(_ value: Int64, forKey key: Key) { add(.integer(value), key) }
  func encode(_ value: Int128, forKey key: Key) { add(.integer(value), key) }
  func encode(_ value: UInt, forKey key: Key) { add(.integer(value), key) }
  func encode(_ value: UInt8, forKey key: Key) { add(.integer(value), key) }
  func encode(_ value: UInt16, forKey key: Key) { add(.integer(value), key) }
  func encode(_ value: UInt32, forKey key: Key) { add(.integer(value), key) }
  func encode(_ value: UInt64, forKey key: Key) { add(.integer(value), key) }
  func encode(_ value: UInt128, forKey key: Key) { add(.integer(value), key) }

  func encode(_ value: some Encodable, forKey key: Key) throws {
    let part = try JSONPlace.part(of: value, at: .member(place.path, key))
    place.members.append((key.stringValue, part))
  }

  func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type, forKey key: Key
  ) -> KeyedEncodingContainer<Nested> {
    place.member(key).container(keyedBy: type)
  }

  func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
    place.member(key).unkeyedContainer()
  }

  func superEncoder() -> any Encoder { place.member(PathKey.superclass) }
  func superEncoder(forKey key: Key) -> any Encoder { place.member(key) }
}

/// The elements of an array that is being made.
private struct JSONElements: UnkeyedEncodingContainer {
  let place: JSONPlace

  var codingPath: [any CodingKey] { place.codingPath }
  var count: Int { place.elements.count }

  private func add(_ value: JSON) { place.elements.append(.value(value)) }

  func encodeNil() { add(.null) }
  func encode(_ value: Bool) { add(.bool(value)) }
  func encode(_ value: String) { add(.string(value)) }
  func encode(_ value: Double) { add(JSONSpelling.real(value)) }
  func encode(_ value: Float) { add(JSONSpelling.real(value)) }
  func encode(_ value: Int) { add(.integer(value)) }
  func encode(_ value: Int8) { add(.integer(value)) }
  func encode(_ value: Int16) { add(.integer(value)) }
  func encode(_ value: Int32) { add(.integer(value)) }
  func encode(_ value: Int64) { add(.integer(value)) }
  func encode(_ value: Int128) { add(.integer(value)) }
  func encode(_ value: UInt) { add(.integer(value)) }
  func encode(_ value: UInt8) { add(.integer(value)) }
  func encode(_ value: UInt16) { add(.integer(value)) }
  func encode(_ value: UInt32) { add(.integer(value)) }
  func encode(_ value: UInt64) { add(.integer(value)) }
  func encode(_ value: UInt128) { add(.integer(value)) }

  func encode(_ value: some Encodable) throws {
    place.elements.append(try JSONPlace.part(of: value, at: .element(place.path, count)))
  }

  func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
    place.element().container(keyedBy: type)
  }

  func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { place.element().unkeyedContainer() }
  func superEncoder() -> any Encoder { place.element() }
}
