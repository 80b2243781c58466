// What a field of a row can be read as.

/// A Swift type that a received value can be read as.
///
/// Numbers widen and narrow where no value is lost; text types read as `String`; nothing else is converted.
public protocol PostgresDecodable {
  /// The value as this type; `nil` if it is of another type or does not fit.
  init?(postgresValue: PostgresValue)
}

extension PostgresValue: PostgresDecodable {
  /// Itself.
  public init?(postgresValue: PostgresValue) { self = postgresValue }
}

extension Bool: PostgresDecodable {
  /// From `boolean`, or `t` and `f` where the results are text.
  public init?(postgresValue: PostgresValue) {
    switch postgresValue {
    case .bool(let value): self = value
    case .text("t"): self = true
    case .text("f"): self = false
    default: return nil
    }
  }
}

extension PostgresDecodable where Self: FixedWidthInteger {
  /// From the integer types, where the value fits, or from decimal text.
  public init?(postgresValue: PostgresValue) {
    switch postgresValue {
    case .int2(let value): self.init(exactly: value)
    case .int4(let value): self.init(exactly: value)
    case .int8(let value): self.init(exactly: value)
    case .numeric(let text), .text(let text): self.init(text, radix: 10)
    default: return nil
    }
  }
}

extension Int: PostgresDecodable {}
extension Int64: PostgresDecodable {}
extension Int32: PostgresDecodable {}
extension Int16: PostgresDecodable {}
extension UInt32: PostgresDecodable {}

extension Double: PostgresDecodable {
  /// From `double precision`, `real`, `numeric` (to the nearest), integers that a double holds exactly, or text.
  public init?(postgresValue: PostgresValue) {
    switch postgresValue {
    case .float8(let value): self = value
    case .float4(let value): self = Double(value)
    case .int2(let value): self = Double(value)
    case .int4(let value): self = Double(value)
    case .int8(let value): self.init(exactly: value)
    case .numeric(let text), .text(let text): self.init(text)
    default: return nil
    }
  }
}

extension Float: PostgresDecodable {
  /// From `real`, or text.
  public init?(postgresValue: PostgresValue) {
    switch postgresValue {
    case .float4(let value): self = value
    case .text(let text): self.init(text)
    default: return nil
    }
  }
}

extension String: PostgresDecodable {
  /// From the text types, `json`, `jsonb` and `numeric`, and from enums and other types of the user's own whose binary
  /// form is their text.
  public init?(postgresValue: PostgresValue) {
    switch postgresValue {
    case .text(let text), .json(let text), .jsonb(let text), .numeric(let text): self = text
    case .raw(let type, let bytes) where type.isUserDefined && !bytes.contains(0):
      guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
      self = text
    default: return nil
    }
  }
}

extension PostgresUUID: PostgresDecodable {
  /// From `uuid`, or text.
  public init?(postgresValue: PostgresValue) {
    switch postgresValue {
    case .uuid(let value): self = value
    case .text(let text): self.init(text)
    default: return nil
    }
  }
}

extension Optional: PostgresDecodable where Wrapped: PostgresDecodable {
  /// `nil` for NULL, else what the wrapped type reads.
  public init?(postgresValue: PostgresValue) {
    if postgresValue.isNull {
      self = Wrapped?.none
    } else if let value = Wrapped(postgresValue: postgresValue) {
      self = value
    } else {
      return nil
    }
  }
}

/// An element of the arrays that can be read.
public protocol PostgresArrayDecodable {
  /// The array; `nil` if the value is not one of this element type.
  static func elements(of value: PostgresValue) -> [Self]?
}

extension Array: PostgresDecodable where Element: PostgresArrayDecodable {
  /// From an array of one dimension without NULLs, or `bytea`.
  public init?(postgresValue: PostgresValue) {
    guard let elements = Element.elements(of: postgresValue) else { return nil }
    self = elements
  }
}

extension UInt8: PostgresArrayDecodable {
  /// From `bytea`, or the raw bytes of a type that the driver does not know.
  public static func elements(of value: PostgresValue) -> [UInt8]? {
    switch value {
    case .bytea(let bytes), .raw(_, let bytes): bytes
    default: nil
    }
  }
}

extension String: PostgresArrayDecodable {
  /// From `text[]`.
  public static func elements(of value: PostgresValue) -> [String]? {
    if case .textArray(let values) = value { values } else { nil }
  }
}

extension Int: PostgresArrayDecodable {
  /// From `bigint[]` and `integer[]`.
  public static func elements(of value: PostgresValue) -> [Int]? {
    switch value {
    case .int8Array(let values): values.map { Int($0) }
    case .int4Array(let values): values.map { Int($0) }
    default: nil
    }
  }
}

extension Int64: PostgresArrayDecodable {
  /// From `bigint[]`.
  public static func elements(of value: PostgresValue) -> [Int64]? {
    if case .int8Array(let values) = value { values } else { nil }
  }
}

extension Int32: PostgresArrayDecodable {
  /// From `integer[]`.
  public static func elements(of value: PostgresValue) -> [Int32]? {
    if case .int4Array(let values) = value { values } else { nil }
  }
}

extension Float: PostgresArrayDecodable {
  /// From `real[]`, or pgvector's `vector`.
  public static func elements(of value: PostgresValue) -> [Float]? {
    switch value {
    case .float4Array(let values): values
    case .raw(let type, let bytes) where type.isUserDefined:
      unsafe bytes.withUnsafeBytes { unsafe ReceivedField(type: type, isText: false, bytes: $0).vector() }
    default: nil
    }
  }
}

extension Double: PostgresArrayDecodable {
  /// From `double precision[]`.
  public static func elements(of value: PostgresValue) -> [Double]? {
    if case .float8Array(let values) = value { values } else { nil }
  }
}

extension PostgresUUID: PostgresArrayDecodable {
  /// From `uuid[]`.
  public static func elements(of value: PostgresValue) -> [PostgresUUID]? {
    if case .uuidArray(let values) = value { values } else { nil }
  }
}
