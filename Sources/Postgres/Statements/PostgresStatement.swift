// A statement: SQL text and, apart from it, the values of its parameters.

/// SQL text with its parameters.
///
/// ```swift
/// let statement: PostgresStatement = "SELECT * FROM \(identifier: table) WHERE id = \(id)"
/// ```
/// An interpolated value becomes a parameter (`$1`, `$2`, …), never text, so that no value can be read as SQL.
public struct PostgresStatement: Sendable, Hashable {
  /// The text, with `$1`, `$2`, … for the parameters.
  public var sql: String
  /// The values of the parameters.
  public var values: [PostgresValue]
  /// Whether the results are asked for as text: for types that have no binary form. All columns then are `.text`.
  public var wantsText = false

  /// A statement from its text and values.
  public init(sql: String, values: [PostgresValue] = []) {
    self.sql = sql
    self.values = values
  }

  /// This statement with its results as text.
  public func asText() -> PostgresStatement {
    var copy = self
    copy.wantsText = true
    return copy
  }
}

extension PostgresStatement: ExpressibleByStringInterpolation {
  /// Collects text and parameters of an interpolated literal.
  public struct StringInterpolation: StringInterpolationProtocol, Sendable {
    fileprivate var sql = ""
    fileprivate var values: [PostgresValue] = []

    /// Reserves room.
    public init(literalCapacity: Int, interpolationCount: Int) {
      sql.reserveCapacity(literalCapacity + 3 * interpolationCount)
      values.reserveCapacity(interpolationCount)
    }

    /// Appends SQL text of the program itself.
    public mutating func appendLiteral(_ literal: String) { sql += literal }

    /// Binds a value.
    public mutating func appendInterpolation(_ value: some PostgresEncodable) {
      values.append(value.postgresValue)
      sql += "$\(values.count)"
    }

    /// Binds a value, or NULL.
    public mutating func appendInterpolation<Value: PostgresEncodable>(_ value: Value?) {
      values.append(value.postgresValue)
      sql += "$\(values.count)"
    }

    /// Quotes a name of a table, a column or another object.
    public mutating func appendInterpolation(identifier: String) {
      sql += PostgresIdentifier.quoted(identifier)
    }

    /// Quotes the name of an object and of its schema.
    public mutating func appendInterpolation(identifier: String, in schema: String) {
      sql += PostgresIdentifier.quoted(schema) + "." + PostgresIdentifier.quoted(identifier)
    }

    /// Puts in another statement's text; its parameters are numbered on.
    public mutating func appendInterpolation(_ statement: PostgresStatement) {
      sql += statement.renumbered(from: values.count)
      values += statement.values
    }

    /// Puts in SQL text as it is: only for text that the program itself has made.
    public mutating func appendInterpolation(unsafeSQL text: String) { sql += text }
  }

  /// A statement without parameters.
  public init(stringLiteral value: String) { self.init(sql: value) }

  /// A statement with the parameters that were interpolated.
  public init(stringInterpolation: StringInterpolation) {
    self.init(sql: stringInterpolation.sql, values: stringInterpolation.values)
  }

  /// The text with `offset` added to each `$n`; the text in quotes and comments is left alone.
  func renumbered(from offset: Int) -> String {
    guard offset > 0, !values.isEmpty else { return sql }
    return SQLText.mapParameters(in: sql) { $0 + offset }
  }
}

/// Quoting of names.
public enum PostgresIdentifier {
  /// The name in double quotes, with its own doubled. A NUL, which no name can hold, is left out.
  public static func quoted(_ name: String) -> String {
    "\"" + name.replacing("\0", with: "").replacing("\"", with: "\"\"") + "\""
  }
}
