// A JSON value without loss: numbers keep their digits, objects their order, strings their bytes.

/// A dynamic JSON value (RFC 8259), for those who have no type.
///
/// Unlike Foundation's, it loses nothing: a number keeps its digits (so 9007199254740993 and 1.10 stay what they are)
/// and an object keeps its order. Equality is that of Postgres' `jsonb` printed: the order of members does not count,
/// `1.0` differs from `1`, and strings are compared byte by byte.
public enum JSON: Sendable {
  case null
  case bool(Bool)
  case number(JSONNumber)
  case string(String)
  case array([JSON])
  case object(JSONObject)
}

/// The members of a JSON object, in their order, each name once.
public struct JSONObject: Sendable {
  /// Name and value of each member.
  public private(set) var members: [(name: String, value: JSON)] = []

  /// An object without members.
  public init() {}

  /// The members in their order; of those with one name, the last value counts (as in `jsonb`).
  public init(_ members: [(name: String, value: JSON)]) {
    if members.count <= 8 {
      if Self.haveOwnNames(members) {
        self.members = members
      } else {
        for member in members { self[member.name] = member.value }
      }
      return
    }
    self.members.reserveCapacity(members.count)
    var places: [ExactName: Int] = [:]
    places.reserveCapacity(members.count)
    for member in members {
      if let place = places[ExactName(member.name)] {
        self.members[place] = member
      } else {
        places[ExactName(member.name)] = self.members.count
        self.members.append(member)
      }
    }
  }

  /// Whether no two members have one name; for a few of them.
  private static func haveOwnNames(_ members: [(name: String, value: JSON)]) -> Bool {
    for (place, member) in members.enumerated() {
      for other in members[..<place] where other.name.utf8.count == member.name.utf8.count {
        if other.name.utf8.elementsEqual(member.name.utf8) { return false }
      }
    }
    return true
  }

  /// The value of the member of this name, byte by byte; setting it adds, replaces or (with nil) removes the member.
  public subscript(name: String) -> JSON? {
    get { members.first { $0.name.utf8.elementsEqual(name.utf8) }?.value }
    set {
      let place = members.firstIndex { $0.name.utf8.elementsEqual(name.utf8) }
      switch (place, newValue) {
      case (let place?, let value?): members[place].value = value
      case (let place?, nil): members.remove(at: place)
      case (nil, let value?): members.append((name, value))
      case (nil, nil): break
      }
    }
  }

  /// The members in the order of `jsonb`: by the length of the name in bytes, then by its bytes.
  public var sortedMembers: [(name: String, value: JSON)] {
    members.sorted { JSONObject.precedes($0.name, $1.name) }
  }

  /// Whether `jsonb` stores the name `left` before `right`.
  public static func precedes(_ left: String, _ right: String) -> Bool {
    left.utf8.count != right.utf8.count
      ? left.utf8.count < right.utf8.count : left.utf8.lexicographicallyPrecedes(right.utf8)
  }
}

/// A name compared by its bytes, where `String` would compare canonical equivalence.
private struct ExactName: Hashable {
  let name: String
  init(_ name: String) { self.name = name }
  static func == (left: ExactName, right: ExactName) -> Bool { left.name.utf8.elementsEqual(right.name.utf8) }
  func hash(into hasher: inout Hasher) { hasher.combine(bytesOf: name) }
}

extension Hasher {
  /// Hashes a text by its bytes.
  fileprivate mutating func combine(bytesOf text: String) {
    var text = text
    text.withUTF8 { unsafe combine(bytes: UnsafeRawBufferPointer($0)) }
  }
}

// MARK: - Equality

extension JSON: Hashable {
  /// Whether both print the same in `jsonb`.
  public static func == (left: JSON, right: JSON) -> Bool {
    switch (left, right) {
    case (.null, .null): true
    case (.bool(let left), .bool(let right)): left == right
    case (.number(let left), .number(let right)): left == right
    case (.string(let left), .string(let right)): left.utf8.elementsEqual(right.utf8)
    case (.array(let left), .array(let right)): left == right
    case (.object(let left), .object(let right)): left == right
    default: false
    }
  }

  /// Hashes what `==` compares.
  public func hash(into hasher: inout Hasher) {
    switch self {
    case .null: hasher.combine(0)
    case .bool(let value): hasher.combine(value)
    case .number(let value): hasher.combine(value)
    case .string(let value): hasher.combine(bytesOf: value)
    case .array(let values): hasher.combine(values)
    case .object(let object): hasher.combine(object.members.count)
    }
  }
}

extension JSONObject: Equatable {
  /// Whether both hold the same members, whatever their order.
  public static func == (left: JSONObject, right: JSONObject) -> Bool {
    guard left.members.count == right.members.count else { return false }
    return zip(left.sortedMembers, right.sortedMembers).allSatisfy {
      $0.name.utf8.elementsEqual($1.name.utf8) && $0.value == $1.value
    }
  }
}

// MARK: - Access

extension JSON {
  /// The member of an object, or nil.
  public subscript(name: String) -> JSON? {
    if case .object(let object) = self { object[name] } else { nil }
  }

  /// The string, or nil where this is none.
  public var stringValue: String? {
    if case .string(let value) = self { value } else { nil }
  }

  /// The whole number, or nil where this is none or does not fit.
  public var int64Value: Int64? {
    if case .number(let value) = self { value.int64Value } else { nil }
  }

  /// The number, rounded to the nearest double, or nil where this is none.
  public var doubleValue: Double? {
    if case .number(let value) = self { value.doubleValue } else { nil }
  }

  /// A whole number.
  public static func integer(_ value: some BinaryInteger) -> JSON { .number(JSONNumber(value)) }

  /// A finite real number; nil for NaN and the infinities, which JSON does not have.
  public static func real(_ value: Double) -> JSON? { JSONNumber(value).map(JSON.number) }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral,
  ExpressibleByNilLiteral
{
  /// A string.
  public init(stringLiteral value: String) { self = .string(value) }
  /// `true` or `false`.
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  /// A whole number.
  public init(integerLiteral value: Int64) { self = .integer(value) }
  /// A real number; `null` where the literal is too large for a double.
  public init(floatLiteral value: Double) { self = .real(value) ?? .null }
  /// An array.
  public init(arrayLiteral elements: JSON...) { self = .array(elements) }
  /// An object, in the order written.
  public init(dictionaryLiteral elements: (String, JSON)...) {
    self = .object(JSONObject(elements.map { (name: $0.0, value: $0.1) }))
  }
  /// `null`.
  public init(nilLiteral: ()) { self = .null }
}
