// A value as SQLite holds it: one case a storage class, and one more for text that is not UTF-8.

/// A value in one of SQLite's five storage classes.
///
/// Equality is exact, as a proof needs it: text is compared byte by byte (Swift's own comparison would call the
/// composed and the decomposed "é" equal), and reals by their bits (so `-0.0` differs from `0.0`).
public enum SQLiteValue: Sendable {
  case null
  case integer(Int64)
  case real(Double)
  /// Text whose bytes are valid UTF-8. A NUL inside it is kept.
  case text(String)
  /// TEXT whose bytes are not UTF-8, byte for byte.
  case malformedText([UInt8])
  case blob([UInt8])
}

// MARK: - Exact equality

extension SQLiteValue: Hashable {
  /// Whether both are the same value of the same storage class, bit for bit.
  public static func == (left: SQLiteValue, right: SQLiteValue) -> Bool {
    switch (left, right) {
    case (.null, .null): true
    case (.integer(let left), .integer(let right)): left == right
    case (.real(let left), .real(let right)): left.bitPattern == right.bitPattern
    case (.text(let left), .text(let right)): left.utf8.elementsEqual(right.utf8)
    case (.malformedText(let left), .malformedText(let right)): left == right
    case (.blob(let left), .blob(let right)): left == right
    default: false
    }
  }

  /// Hashes what `==` compares.
  public func hash(into hasher: inout Hasher) {
    switch self {
    case .null: hasher.combine(0)
    case .integer(let value): hasher.combine(value)
    case .real(let value): hasher.combine(value.bitPattern)
    case .text(let value): for byte in value.utf8 { hasher.combine(byte) }
    case .malformedText(let bytes), .blob(let bytes): hasher.combine(bytes)
    }
  }
}

// MARK: - What a value is

extension SQLiteValue {
  /// The integer; nil for every other storage class.
  public var int64: Int64? {
    if case .integer(let value) = self { value } else { nil }
  }

  /// The real; nil for every other storage class.
  public var double: Double? {
    if case .real(let value) = self { value } else { nil }
  }

  /// The text; nil for malformed text and every other storage class.
  public var string: String? {
    if case .text(let value) = self { value } else { nil }
  }

  /// The bytes of a blob; nil for every other storage class.
  public var bytes: [UInt8]? {
    if case .blob(let value) = self { value } else { nil }
  }

  /// Whether it is NULL.
  public var isNull: Bool { self == .null }
}

// MARK: - Literals

extension SQLiteValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral {
  /// Text.
  public init(stringLiteral value: String) { self = .text(value) }

  /// An integer.
  public init(integerLiteral value: Int64) { self = .integer(value) }

  /// A real.
  public init(floatLiteral value: Double) { self = .real(value) }
}
