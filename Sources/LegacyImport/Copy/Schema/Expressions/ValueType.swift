// What an expression answers in Postgres, as far as its translation depends on it.

/// The kind of an expression's value.
enum ValueType: Sendable, Hashable {
  case boolean, integer, double, numeric, text, bytes, json, timestamp, date, time, uuid
  /// Text that was taken out of JSON: a number, where it is compared with one.
  case extracted
  /// A string as it is written, or NULL: of any type.
  case unknown

  init(_ type: ColumnType) {
    self =
      switch type {
      case .boolean: .boolean
      case .bigint: .integer
      case .double: .double
      case .numeric, .anyNumeric: .numeric
      case .text, .varchar: .text
      case .bytea: .bytes
      case .json, .jsonb: .json
      case .uuid: .uuid
      case .timestamp: .timestamp
      case .date: .date
      case .time: .time
      }
  }

  var isNumber: Bool { self == .integer || self == .double || self == .numeric }
  var isTextual: Bool { self == .text || self == .extracted || self == .unknown }
  var isMoment: Bool { self == .timestamp || self == .date || self == .time }
}

/// A piece of SQL for Postgres.
struct TranslatedSQL: Sendable, Hashable {
  var sql: String
  var type: ValueType
  /// Whether it can be an operand without brackets.
  var isAtom = false
  /// The literal that it is, if it is one.
  var literal: SQLExpression?

  /// The text as an operand.
  var operand: String { isAtom ? sql : "(" + sql + ")" }

  static func atom(_ sql: String, _ type: ValueType) -> TranslatedSQL {
    TranslatedSQL(sql: sql, type: type, isAtom: true)
  }

  static func compound(_ sql: String, _ type: ValueType) -> TranslatedSQL {
    TranslatedSQL(sql: sql, type: type)
  }
}

/// Literals of Postgres.
enum PostgresLiteral {
  /// A string; a backslash in it stays one.
  static func string(_ text: String) -> String { "'" + text.replacing("'", with: "''") + "'" }
}
