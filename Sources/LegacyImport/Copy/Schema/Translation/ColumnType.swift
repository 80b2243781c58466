// The types of Postgres that a made column can have.

/// A type of Postgres.
enum ColumnType: Sendable, Hashable {
  case boolean, bigint, double, text, bytea, json, jsonb, uuid, timestamp, date, time
  case numeric(precision: Int, scale: Int)
  /// numeric of any length.
  case anyNumeric
  case varchar(Int)

  /// The type as DDL spells it.
  var sql: String {
    switch self {
    case .boolean: "boolean"
    case .bigint: "bigint"
    case .double: "double precision"
    case .text: "text"
    case .bytea: "bytea"
    case .json: "json"
    case .jsonb: "jsonb"
    case .uuid: "uuid"
    case .timestamp: "timestamp with time zone"
    case .date: "date"
    case .time: "time without time zone"
    case .numeric(let precision, let scale): "numeric(\(precision), \(scale))"
    case .anyNumeric: "numeric"
    case .varchar(let length): "varchar(\(length))"
    }
  }

  /// Types that a foreign key can compare with one another.
  enum Comparison: Sendable, Hashable {
    case number, text
    case own(String)
  }

  var comparison: Comparison {
    switch self {
    case .bigint, .double, .numeric, .anyNumeric: .number
    case .text, .varchar: .text
    default: .own(sql)
    }
  }
}
