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
