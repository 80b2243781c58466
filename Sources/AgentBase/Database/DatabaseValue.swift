// A value of an application's database: one closed type for both backends.

public import Foundation

/// A value on its way into a database or out of it.
///
/// What a column of Postgres holds comes back by its type. SQLite knows five storage classes: there a `bool` comes back as
/// `integer`, a `date`, `uuid`, `json` or `decimal` as `text`. `DatabaseRow.decode` reads both as the Swift type that is asked
/// for, so that the same code runs on either.
public enum DatabaseValue: Sendable, Hashable {
  case null
  case bool(Bool)
  case integer(Int64)
  case real(Double)
  /// The decimal digits of a `numeric`, exact.
  case decimal(String)
  case text(String)
  case data(Data)
  /// A moment in the years 1 to 9999, to the microsecond. Written in UTC: into `timestamptz`, `timestamp` and `date` columns,
  /// and into SQLite as `2024-01-15 10:30:00`, with six digits of fraction where there is one, which is how SQLite's own
  /// functions write and compare times.
  case date(Date)
  case uuid(UUID)
  /// JSON, and the arrays of Postgres.
  case json(JSON)

  /// Whether this is NULL.
  public var isNull: Bool { self == .null }
}

/// What can be interpolated into a `DatabaseStatement`.
public protocol DatabaseEncodable: Sendable {
  /// The value that is bound.
  var databaseValue: DatabaseValue { get }
}

extension DatabaseValue: DatabaseEncodable {
  /// Itself.
  public var databaseValue: DatabaseValue { self }
}
extension Bool: DatabaseEncodable {
  /// `boolean`; 0 or 1 in SQLite.
  public var databaseValue: DatabaseValue { .bool(self) }
}
extension Int: DatabaseEncodable {
  /// `bigint`.
  public var databaseValue: DatabaseValue { .integer(Int64(self)) }
}
extension Int64: DatabaseEncodable {
  /// `bigint`.
  public var databaseValue: DatabaseValue { .integer(self) }
}
extension Int32: DatabaseEncodable {
  /// `bigint`.
  public var databaseValue: DatabaseValue { .integer(Int64(self)) }
}
extension Double: DatabaseEncodable {
  /// `double precision`.
  public var databaseValue: DatabaseValue { .real(self) }
}
extension Float: DatabaseEncodable {
  /// `double precision`.
  public var databaseValue: DatabaseValue { .real(Double(self)) }
}
extension Decimal: DatabaseEncodable {
  /// `numeric`.
  public var databaseValue: DatabaseValue { .decimal(description) }
}
extension String: DatabaseEncodable {
  /// Text, which Postgres reads as the type that is wanted in its place.
  public var databaseValue: DatabaseValue { .text(self) }
}
extension Data: DatabaseEncodable {
  /// `bytea`; a BLOB.
  public var databaseValue: DatabaseValue { .data(self) }
}
extension Date: DatabaseEncodable {
  /// A moment.
  public var databaseValue: DatabaseValue { .date(self) }
}
extension UUID: DatabaseEncodable {
  /// `uuid`; text in lower case in SQLite.
  public var databaseValue: DatabaseValue { .uuid(self) }
}
extension JSON: DatabaseEncodable {
  /// `jsonb`, `json` or text.
  public var databaseValue: DatabaseValue { .json(self) }
}
extension Optional: DatabaseEncodable where Wrapped: DatabaseEncodable {
  /// The value, or NULL.
  public var databaseValue: DatabaseValue { self?.databaseValue ?? .null }
}
