// A row of an answer, and what its fields are read as.

import Foundation
import Postgres
import SQLite

/// A row: its own copy, free of the connection that it came through.
public struct DatabaseRow: Sendable {
  /// The names of an answer's columns, which its rows share.
  final class Columns: Sendable {
    let names: [String]
    private let places: [String: Int]

    init(_ names: [String]) {
      self.names = names
      places = Dictionary(zip(names, names.indices), uniquingKeysWith: { first, _ in first })
    }

    /// The place of the first column of that name.
    func place(of name: String) -> Int? { places[name] }
  }

  let shared: Columns
  /// The values, in the order of the columns.
  public let values: [DatabaseValue]

  init(_ columns: Columns, _ values: [DatabaseValue]) {
    shared = columns
    self.values = values
  }

  /// The names of the columns, in order.
  public var columns: [String] { shared.names }

  /// The value of the first column of that name; nil where there is no such column.
  public subscript(column: String) -> DatabaseValue? { shared.place(of: column).map { values[$0] } }

  /// The field of a column as a `Type`: one of the types that can be bound, an optional of one, an enum of texts or numbers,
  /// or any `Decodable` type that the column holds as JSON.
  ///
  /// - Throws: `AgentBaseError` of the code `wrongType`, which names the column and never the value.
  public func decode<Value: Decodable>(
    _ column: String, as type: Value.Type = Value.self
  ) throws(AgentBaseError) -> Value {
    guard let place = shared.place(of: column) else {
      throw AgentBaseError(
        .wrongType, "there is no column \"\(column)\" among: \(columns.joined(separator: ", "))")
    }
    do {
      return try FieldDecoder.decode(type, from: values[place], path: [])
    } catch {
      throw Self.error("column \"\(column)\"", error)
    }
  }

  /// The row as a `Type`: its members are the columns of the same name, or of that name in snake case (`isActive` is
  /// `is_active`). A row of one column is also read as that column's type alone.
  ///
  /// - Throws: `AgentBaseError` of the code `wrongType`, which names the column and never the value.
  public func decode<Value: Decodable>(as type: Value.Type = Value.self) throws(AgentBaseError) -> Value {
    do {
      if values.count == 1, FieldDecoder.isPlain(type) {
        return try FieldDecoder.decode(type, from: values[0], path: [])
      }
      return try Value(from: RowDecoder(row: self))
    } catch {
      throw Self.error("the row", error)
    }
  }

  private static func error(_ what: String, _ error: any Error) -> AgentBaseError {
    AgentBaseError(
      .wrongType,
      "\(what) cannot be read: \((error as? FieldDecoder.Mismatch)?.text ?? MemoryValue.reason(error))",
      advice: "Ask for another type, or cast the column in the statement.", underlying: error)
  }
}

extension DatabaseValue {
  /// Whether it is true; nil where it is neither `boolean`, 0 nor 1.
  var boolValue: Bool? {
    switch self {
    case .bool(let value): value
    case .integer(0): false
    case .integer(1): true
    default: nil
    }
  }

  /// The whole number; nil where it is none.
  var int64Value: Int64? {
    switch self {
    case .integer(let value): value
    case .real(let value): Int64(exactly: value)
    case .decimal(let digits):
      Int64(digits.split(separator: ".").first ?? "").flatMap { whole in
        digits.drop { $0 != "." }.dropFirst().allSatisfy { $0 == "0" } ? whole : nil
      }
    case .json(let json): json.int64Value
    default: nil
    }
  }

  /// The number, to the nearest double; nil where it is none.
  var doubleValue: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .real(let value): value
    case .decimal(let digits): Double(digits)
    case .json(let json): json.doubleValue
    default: nil
    }
  }

  /// The text; of a time, a UUID, a number's digits or JSON, the one that SQLite would hold.
  var textValue: String? {
    switch self {
    case .text(let text), .decimal(let text): text
    case .json(.string(let text)): text
    case .json(let json): json.jsonbText
    case .date(let date): Self.text(of: date)
    case .uuid(let uuid): uuid.uuidString.lowercased()
    case .null, .bool, .integer, .real, .data: nil
    }
  }

  /// The moment: of a text in the forms that agents write times in, UTC where it names no zone, or of an epoch number.
  var dateValue: Date? {
    if case .date(let date) = self { return date }
    let reader = LegacyTime()
    let time: Int64? =
      switch self {
      case .text(let text): reader.microseconds(of: .text(text))
      case .integer(let number): reader.microseconds(of: .integer(number))
      case .real(let number): reader.microseconds(of: .real(number))
      default: nil
      }
    return time.map { Timestamp(microseconds: $0).date }
  }

  /// The UUID: of its text, or of 16 bytes, too.
  var uuidValue: UUID? {
    switch self {
    case .uuid(let uuid): uuid
    case .text(let text): UUID(uuidString: text)
    case .data(let data): UUID(bytes: data)
    default: nil
    }
  }

  /// The value as JSON: of a text that is JSON, that.
  var jsonValue: JSON? {
    switch self {
    case .null: .null
    case .bool(let value): .bool(value)
    case .integer(let value): .integer(value)
    case .real(let value): .real(value)
    case .decimal(let digits): JSONNumber(text: digits).map(JSON.number)
    case .text(let text): (try? JSON(parsing: text)) ?? .string(text)
    case .json(let json): json
    case .date, .uuid: textValue.map(JSON.string)
    case .data: nil
    }
  }
}

extension UUID {
  /// A UUID from its 16 bytes; nil where there are more or fewer.
  fileprivate init?(bytes data: Data) {
    guard let uuid = PostgresUUID(bytes: data) else { return nil }
    self.init(uuid)
  }
}
