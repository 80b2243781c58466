// The types of Postgres' columns, as far as a copied value has to know them.

/// The type of a column, its domains resolved to what they stand on.
indirect enum TargetType: Sendable, Hashable {
  case boolean
  case int2, int4, int8
  /// Precision and scale in decimal digits; nil for a numeric without limits.
  case numeric(precision: Int, scale: Int)
  case unlimitedNumeric
  case float4, float8
  /// `text`, `citext`, and `varchar` of at most so many characters.
  case text(most: Int?)
  /// `character(n)`, which Postgres fills up with spaces.
  case character(count: Int)
  /// `name`: 63 bytes.
  case name
  /// Times keep so many digits of a second's fraction.
  case timestamptz(digits: Int)
  case timestamp(digits: Int)
  case time(digits: Int)
  case date
  case json, jsonb, uuid, bytea
  /// The labels in their order.
  case enumeration([String])
  case array(TargetType, element: UInt32)
  /// pgvector's type; nil where any number of dimensions fits.
  case vector(dimensions: Int?)
  /// A type that takes values in its text form alone: `inet`, `interval`, ranges and all others.
  case other

  /// Whether its values are sent as text, for the server to read.
  var isSentAsText: Bool { self == .other }
}

extension TargetType {
  /// A type of the catalogue.
  ///
  /// - Parameters:
  ///   - name: `pg_type.typname`.
  ///   - kind: `pg_type.typtype`.
  ///   - modifier: `atttypmod`, -1 where there is none.
  ///   - labels: of an enum.
  init(name: String, kind: String, modifier: Int, labels: [String]) {
    self =
      switch name {
      case _ where kind == "e": .enumeration(labels)
      case _ where kind != "b": .other
      case "bool": .boolean
      case "int2": .int2
      case "int4": .int4
      case "int8": .int8
      case "numeric": Self.numeric(modifier: modifier)
      case "float4": .float4
      case "float8": .float8
      case "text", "citext": .text(most: nil)
      case "varchar": .text(most: modifier < 4 ? nil : modifier - 4)
      case "bpchar": modifier < 4 ? .text(most: nil) : .character(count: modifier - 4)
      case "name": .name
      case "timestamptz": .timestamptz(digits: modifier < 0 ? 6 : modifier)
      case "timestamp": .timestamp(digits: modifier < 0 ? 6 : modifier)
      case "time": .time(digits: modifier < 0 ? 6 : modifier)
      case "date": .date
      case "json": .json
      case "jsonb": .jsonb
      case "uuid": .uuid
      case "bytea": .bytea
      case "vector": .vector(dimensions: modifier < 1 ? nil : modifier)
      default: .other
      }
  }

  /// Precision in the upper half, scale in eleven bits with a sign (numeric.c, `make_numeric_typmod`).
  private static func numeric(modifier: Int) -> TargetType {
    guard modifier >= 4 else { return .unlimitedNumeric }
    let bits = modifier - 4
    return .numeric(precision: bits >> 16 & 0xFFFF, scale: (bits & 0x7FF ^ 1024) - 1024)
  }
}
