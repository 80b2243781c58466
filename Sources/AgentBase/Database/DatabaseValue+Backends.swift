// Values as each backend takes and gives them.

import Foundation
import Postgres
import SQLite

extension DatabaseValue {
  /// As it is sent to Postgres. Texts, times, UUIDs and JSON go without a type, so that they fit every column that reads them.
  var postgresValue: PostgresValue {
    switch self {
    case .null: .null
    case .bool(let value): .bool(value)
    case .integer(let value): .int8(value)
    case .real(let value): .float8(value)
    case .decimal(let digits): .numeric(digits)
    case .text(let text): .text(text)
    case .data(let data): .bytea([UInt8](data))
    case .date(let date): .text(Self.text(of: date) + "+00")
    case .uuid(let uuid): .text(uuid.uuidString.lowercased())
    case .json(let json): .text(json.jsonbText)
    }
  }

  /// As SQLite stores it.
  var sqliteValue: SQLiteValue {
    switch self {
    case .null: .null
    case .bool(let value): .integer(value ? 1 : 0)
    case .integer(let value): .integer(value)
    case .real(let value): .real(value)
    case .decimal(let text), .text(let text): .text(text)
    case .data(let data): .blob([UInt8](data))
    case .date(let date): .text(Self.text(of: date))
    case .uuid(let uuid): .text(uuid.uuidString.lowercased())
    case .json(let json): .text(json.jsonbText)
    }
  }

  /// What SQLite has stored; text that is not UTF-8 is its bytes.
  init(_ value: SQLiteValue) {
    self =
      switch value {
      case .null: .null
      case .integer(let value): .integer(value)
      case .real(let value): .real(value)
      case .text(let text): .text(text)
      case .blob(let bytes), .malformedText(let bytes): .data(Data(bytes))
      }
  }

  /// What Postgres has answered. A `date` is its text, as it is in SQLite; enums are their words; of a type that the driver
  /// does not read (an interval, say) it is the binary form: cast it to text in the statement.
  init(_ value: PostgresValue) {
    self =
      switch value {
      case .null: .null
      case .bool(let value): .bool(value)
      case .int2(let value): .integer(Int64(value))
      case .int4(let value): .integer(Int64(value))
      case .int8(let value): .integer(value)
      case .float4(let value): .real(Double(value))
      case .float8(let value): .real(value)
      case .numeric(let digits): .decimal(digits)
      case .text(let text): .text(text)
      case .bytea(let bytes): .data(Data(bytes))
      case .uuid(let uuid): .uuid(UUID(uuid))
      case .timestamptz(let time), .timestamp(let time): Self.moment(time)
      case .date(let days): Self.day(days)
      case .json(let text), .jsonb(let text): (try? JSON(parsing: text)).map(Self.json) ?? .text(text)
      case .textArray(let values): .json(.array(values.map(JSON.string)))
      case .int4Array(let values): .json(.array(values.map { .integer($0) }))
      case .int8Array(let values): .json(.array(values.map { .integer($0) }))
      case .float4Array(let values): .json(.array(values.map { JSON.real(Double($0)) ?? .string("\($0)") }))
      case .float8Array(let values): .json(.array(values.map { JSON.real($0) ?? .string("\($0)") }))
      case .uuidArray(let values): .json(.array(values.map { .string("\($0)") }))
      case .raw(_, let bytes): String(postgresValue: value).map(Self.text) ?? .data(Data(bytes))
      }
  }

  // MARK: - Times

  /// `2024-01-15 10:30:00` in UTC, with six digits of fraction where there is one.
  static func text(of date: Date) -> String {
    let microseconds = (Timestamp(date) ?? Timestamp(microseconds: 0)).microseconds
    return CalendarTime(microseconds: microseconds)
      .text(separator: " ", fractionDigits: microseconds % 1_000_000 == 0 ? 0 : 6)
  }

  private static func moment(_ microseconds: Int64) -> DatabaseValue {
    switch microseconds {
    case .max: .text("infinity")
    case .min: .text("-infinity")
    default: .date(Timestamp(microseconds: microseconds).date)
    }
  }

  private static func day(_ days: Int32) -> DatabaseValue {
    switch days {
    case .max: .text("infinity")
    case .min: .text("-infinity")
    default:
      .text(
        String(
          CalendarTime(microseconds: Int64(days) * 86_400_000_000).text(separator: " ", fractionDigits: 0)
            .prefix { $0 != " " }))
    }
  }
}
