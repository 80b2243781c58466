// A value as it goes to the server and comes back from it.

/// A value of one of the types that the driver encodes and decodes, or the raw bytes of another.
///
/// Equality is exact: text byte by byte, floating-point numbers by their bits.
public enum PostgresValue: Sendable {
  case null
  case bool(Bool)
  case int2(Int16)
  case int4(Int32)
  case int8(Int64)
  case float4(Float)
  case float8(Double)
  /// Exact decimal text such as `-12.50`, `NaN` or `Infinity`.
  case numeric(String)
  /// Sent without a type, so that it fits every type that the server can read from text; NUL cannot be sent.
  case text(String)
  case bytea([UInt8])
  case uuid(PostgresUUID)
  /// Microseconds since 1970-01-01 00:00 UTC; `Int64.max` and `.min` are `infinity` and `-infinity`.
  case timestamptz(Int64)
  /// Microseconds since 1970-01-01 00:00 on the wall clock of no particular zone; the infinities as above.
  case timestamp(Int64)
  /// Days since 1970-01-01; `Int32.max` and `.min` are `infinity` and `-infinity`.
  case date(Int32)
  /// JSON text, kept by the server as it is.
  case json(String)
  /// JSON text, normalised by the server.
  case jsonb(String)
  case textArray([String])
  case int4Array([Int32])
  case int8Array([Int64])
  case float4Array([Float])
  case float8Array([Double])
  case uuidArray([PostgresUUID])
  /// The binary form of a value of any type.
  case raw(type: PostgresType, bytes: [UInt8])

  /// Whether this is NULL.
  public var isNull: Bool {
    if case .null = self { true } else { false }
  }

  /// The type with which the value is sent; `.inferred` where the server chooses.
  public var type: PostgresType {
    switch self {
    case .null, .text, .numeric: .inferred
    case .bool: .bool
    case .int2: .int2
    case .int4: .int4
    case .int8: .int8
    case .float4: .float4
    case .float8: .float8
    case .bytea: .bytea
    case .uuid: .uuid
    case .timestamptz: .timestamptz
    case .timestamp: .timestamp
    case .date: .date
    case .json: .json
    case .jsonb: .jsonb
    case .textArray: .textArray
    case .int4Array: .int4Array
    case .int8Array: .int8Array
    case .float4Array: .float4Array
    case .float8Array: .float8Array
    case .uuidArray: .uuidArray
    case .raw(let type, _): type
    }
  }
}

// MARK: - Exact equality

extension PostgresValue: Hashable {
  /// Whether both are the same value of the same type, bit for bit.
  public static func == (left: PostgresValue, right: PostgresValue) -> Bool {
    switch (left, right) {
    case (.null, .null): true
    case (.bool(let left), .bool(let right)): left == right
    case (.int2(let left), .int2(let right)): left == right
    case (.int4(let left), .int4(let right)): left == right
    case (.int8(let left), .int8(let right)): left == right
    case (.float4(let left), .float4(let right)): left.bitPattern == right.bitPattern
    case (.float8(let left), .float8(let right)): left.bitPattern == right.bitPattern
    case (.numeric(let left), .numeric(let right)), (.text(let left), .text(let right)),
      (.json(let left), .json(let right)), (.jsonb(let left), .jsonb(let right)):
      left.utf8.elementsEqual(right.utf8)
    case (.bytea(let left), .bytea(let right)): left == right
    case (.uuid(let left), .uuid(let right)): left == right
    case (.timestamptz(let left), .timestamptz(let right)): left == right
    case (.timestamp(let left), .timestamp(let right)): left == right
    case (.date(let left), .date(let right)): left == right
    case (.textArray(let left), .textArray(let right)):
      left.elementsEqual(right) { $0.utf8.elementsEqual($1.utf8) }
    case (.int4Array(let left), .int4Array(let right)): left == right
    case (.int8Array(let left), .int8Array(let right)): left == right
    case (.float4Array(let left), .float4Array(let right)):
      left.elementsEqual(right) { $0.bitPattern == $1.bitPattern }
    case (.float8Array(let left), .float8Array(let right)):
      left.elementsEqual(right) { $0.bitPattern == $1.bitPattern }
    case (.uuidArray(let left), .uuidArray(let right)): left == right
    case (.raw(let leftType, let left), .raw(let rightType, let right)):
      leftType == rightType && left == right
    default: false
    }
  }

  /// Hashes what `==` compares.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(type)
    switch self {
    case .null: hasher.combine(0)
    case .bool(let value): hasher.combine(value)
    case .int2(let value): hasher.combine(value)
    case .int4(let value), .date(let value): hasher.combine(value)
    case .int8(let value), .timestamptz(let value), .timestamp(let value): hasher.combine(value)
    case .float4(let value): hasher.combine(value.bitPattern)
    case .float8(let value): hasher.combine(value.bitPattern)
    case .numeric(let value), .text(let value), .json(let value), .jsonb(let value):
      for byte in value.utf8 { hasher.combine(byte) }
    case .bytea(let value), .raw(_, let value): hasher.combine(value)
    case .uuid(let value): hasher.combine(value)
    case .textArray(let values):
      for value in values { for byte in value.utf8 { hasher.combine(byte) } }
    case .int4Array(let values): hasher.combine(values)
    case .int8Array(let values): hasher.combine(values)
    case .float4Array(let values): for value in values { hasher.combine(value.bitPattern) }
    case .float8Array(let values): for value in values { hasher.combine(value.bitPattern) }
    case .uuidArray(let values): hasher.combine(values)
    }
  }
}
