// What can be bound to a parameter.

/// A Swift value that becomes a parameter of a statement.
public protocol PostgresEncodable {
  /// The value as it is sent.
  var postgresValue: PostgresValue { get }
}

extension PostgresValue: PostgresEncodable {
  /// Itself.
  public var postgresValue: PostgresValue { self }
}

extension Bool: PostgresEncodable {
  /// `boolean`
  public var postgresValue: PostgresValue { .bool(self) }
}

extension Int: PostgresEncodable {
  /// `bigint`
  public var postgresValue: PostgresValue { .int8(Int64(self)) }
}

extension Int64: PostgresEncodable {
  /// `bigint`
  public var postgresValue: PostgresValue { .int8(self) }
}

extension Int32: PostgresEncodable {
  /// `integer`
  public var postgresValue: PostgresValue { .int4(self) }
}

extension Int16: PostgresEncodable {
  /// `smallint`
  public var postgresValue: PostgresValue { .int2(self) }
}

extension Double: PostgresEncodable {
  /// `double precision`
  public var postgresValue: PostgresValue { .float8(self) }
}

extension Float: PostgresEncodable {
  /// `real`
  public var postgresValue: PostgresValue { .float4(self) }
}

extension String: PostgresEncodable {
  /// Text of the type that the parameter's place asks for.
  public var postgresValue: PostgresValue { .text(self) }
}

extension PostgresUUID: PostgresEncodable {
  /// `uuid`
  public var postgresValue: PostgresValue { .uuid(self) }
}

extension Optional: PostgresEncodable where Wrapped: PostgresEncodable {
  /// NULL, or the value.
  public var postgresValue: PostgresValue { self?.postgresValue ?? .null }
}

/// An element of the arrays that can be bound.
public protocol PostgresArrayElement {
  /// The array as it is sent; `[UInt8]` is `bytea`.
  static func postgresValue(of elements: [Self]) -> PostgresValue
}

extension Array: PostgresEncodable where Element: PostgresArrayElement {
  /// An array of one dimension, or `bytea`.
  public var postgresValue: PostgresValue { Element.postgresValue(of: self) }
}

extension UInt8: PostgresArrayElement {
  /// `bytea`
  public static func postgresValue(of elements: [UInt8]) -> PostgresValue { .bytea(elements) }
}

extension String: PostgresArrayElement {
  /// `text[]`
  public static func postgresValue(of elements: [String]) -> PostgresValue { .textArray(elements) }
}

extension Int: PostgresArrayElement {
  /// `bigint[]`
  public static func postgresValue(of elements: [Int]) -> PostgresValue {
    .int8Array(elements.map { Int64($0) })
  }
}

extension Int64: PostgresArrayElement {
  /// `bigint[]`
  public static func postgresValue(of elements: [Int64]) -> PostgresValue { .int8Array(elements) }
}

extension Int32: PostgresArrayElement {
  /// `integer[]`
  public static func postgresValue(of elements: [Int32]) -> PostgresValue { .int4Array(elements) }
}

extension Float: PostgresArrayElement {
  /// `real[]`
  public static func postgresValue(of elements: [Float]) -> PostgresValue { .float4Array(elements) }
}

extension Double: PostgresArrayElement {
  /// `double precision[]`
  public static func postgresValue(of elements: [Double]) -> PostgresValue { .float8Array(elements) }
}

extension PostgresUUID: PostgresArrayElement {
  /// `uuid[]`
  public static func postgresValue(of elements: [PostgresUUID]) -> PostgresValue { .uuidArray(elements) }
}
