// Makes a value of one type into one of another, as SQLite does without being asked.

import AgentBase
import SQLite

extension ExpressionTranslator {
  /// The same value as another type.
  ///
  /// - Throws: `TranslationRefusal` where there is no such value.
  mutating func adapt(_ value: TranslatedSQL, to type: ValueType) throws(TranslationRefusal) -> TranslatedSQL
  {
    if value.type == type || type == .unknown { return value }
    if isExact, !Self.isExact(value, type) {
      depart(
        "it takes \(Self.word(value.type)) for \(Self.word(type)), which Postgres may refuse or spell otherwise"
      )
    }
    if let literal = value.literal { return try adapt(literal, value, to: type) }
    switch (value.type, type) {
    case (.unknown, _): return value
    case (.boolean, .integer): return .atom("\(value.operand)::integer::bigint", .integer)
    case (.boolean, .double), (.boolean, .numeric): return .atom("\(value.operand)::integer", type)
    case (.boolean, .text): return .atom("\(value.operand)::integer::text", .text)
    case (.integer, .boolean), (.double, .boolean), (.numeric, .boolean):
      return .compound("\(value.operand) <> 0", .boolean)
    case (.extracted, .boolean): return .atom("\(value.operand)::boolean", .boolean)
    case (.integer, .double), (.integer, .numeric), (.numeric, .double):
      return .atom("\(value.operand)::\(type == .double ? "double precision" : "numeric")", type)
    case (.double, .numeric): return .atom("\(value.operand)::numeric", .numeric)
    case (.double, .integer), (.numeric, .integer):
      return .atom("trunc(\(value.sql))::bigint", .integer)
    case (.integer, .text), (.uuid, .text), (.time, .text): return .atom("\(value.operand)::text", .text)
    case (.double, .text), (.numeric, .text), (.json, .text):
      depart("a number or JSON as text is spelled as Postgres does")
      return .atom("\(value.operand)::text", .text)
    case (.timestamp, .text):
      if isExact { depart("it shows a time as text, which Postgres does not in a generated column") }
      return .atom("to_char(\(value.operand) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')", .text)
    case (.date, .text):
      if isExact { depart("it shows a time as text, which Postgres does not in a generated column") }
      return .atom("to_char(\(value.sql), 'YYYY-MM-DD')", .text)
    case (.bytes, .text): return .atom("convert_from(\(value.sql), 'UTF8')", .text)
    case (.extracted, .text): return TranslatedSQL(sql: value.sql, type: .text, isAtom: value.isAtom)
    case (.text, .integer), (.text, .double), (.text, .numeric), (.extracted, .integer),
      (.extracted, .double), (.extracted, .numeric):
      depart("a text as a number is refused where SQLite takes its first digits")
      return .atom("\(value.operand)::numeric", .numeric)
    case (.text, .bytes): return .atom("convert_to(\(value.sql), 'UTF8')", .bytes)
    case (.text, .json), (.extracted, .json): return .atom("\(value.operand)::jsonb", .json)
    case (.text, .uuid), (.extracted, .uuid): return .atom("\(value.operand)::uuid", .uuid)
    case (.text, .date), (.extracted, .date): return .atom("\(value.operand)::date", .date)
    case (.text, .timestamp), (.extracted, .timestamp):
      depart("a text as a time is read as Postgres does")
      return .atom("(\(value.operand)::timestamp AT TIME ZONE 'UTC')", .timestamp)
    case (.date, .timestamp): return .atom("(\(value.operand)::timestamp AT TIME ZONE 'UTC')", .timestamp)
    case (.integer, .timestamp), (.double, .timestamp): return .atom("to_timestamp(\(value.sql))", .timestamp)
    case (.timestamp, .date): return .atom("(\(value.operand) AT TIME ZONE 'UTC')::date", .date)
    default: throw TranslationRefusal("it takes \(Self.word(value.type)) for \(Self.word(type))")
    }
  }

  /// Whether every value becomes the one that SQLite makes of it.
  private static func isExact(_ value: TranslatedSQL, _ type: ValueType) -> Bool {
    switch (value.literal, value.type, type) {
    case (.null?, _, _), (.string?, _, .text), (.integer?, _, .boolean): true
    case (.integer?, _, .double), (.integer?, _, .numeric), (.real?, _, .double), (.real?, _, .numeric): true
    case (_?, _, _): false
    case (nil, .boolean, .integer), (nil, .boolean, .double), (nil, .boolean, .numeric),
      (nil, .boolean, .text),
      (nil, .integer, .boolean), (nil, .double, .boolean), (nil, .numeric, .boolean),
      (nil, .integer, .numeric),
      (nil, .integer, .text), (nil, .text, .bytes):
      true
    default: false
    }
  }

  private mutating func adapt(_ literal: SQLExpression, _ value: TranslatedSQL, to type: ValueType)
    throws(TranslationRefusal) -> TranslatedSQL
  {
    switch (literal, type) {
    case (.null, _): return value
    case (.integer("0"), .boolean): return .atom("false", .boolean)
    case (.integer("1"), .boolean): return .atom("true", .boolean)
    case (.integer(let digits), .text): return .atom(PostgresLiteral.string(digits), .text)
    case (.integer, .double), (.integer, .numeric), (.real, .numeric), (.integer, .extracted),
      (.real, .extracted), (.real, .integer), (.integer, .integer), (.real, .double):
      return value
    case (.integer(let digits), .timestamp):
      guard let number = Int64(digits), let time = LegacyTime().microseconds(of: .integer(number)) else {
        throw TranslationRefusal("it takes the number \(digits) for a time")
      }
      return .atom("to_timestamp(\(Double(time) / 1e6))", .timestamp)
    case (.string(let text), .timestamp): return .atom(try Self.moment(text), .timestamp)
    case (.string(let text), .boolean):
      guard ["true", "false", "0", "1"].contains(text.lowercased()) else {
        throw TranslationRefusal("it takes a text for a truth value")
      }
      return .atom(["true", "1"].contains(text.lowercased()) ? "true" : "false", .boolean)
    case (.string(let text), .integer), (.string(let text), .double), (.string(let text), .numeric):
      guard let number = Double(text), number.isFinite else {
        throw TranslationRefusal("it compares numbers with a text that is none")
      }
      return .atom(text, type)
    case (.string, .text), (.string, .extracted):
      return TranslatedSQL(sql: value.sql, type: .text, isAtom: true)
    case (.string, .json): return .atom("\(value.sql)::jsonb", .json)
    case (.string, .uuid): return .atom("\(value.sql)::uuid", .uuid)
    case (.string, .date): return .atom("\(value.sql)::date", .date)
    case (.string, .time): return .atom("\(value.sql)::time", .time)
    case (.string, .bytes): return .atom("convert_to(\(value.sql), 'UTF8')", .bytes)
    case (.real(let digits), .text): return .atom(PostgresLiteral.string(digits), .text)
    default: throw TranslationRefusal("it takes \(Self.word(value.type)) for \(Self.word(type))")
    }
  }

  /// A time as it is written, in UTC unless it says otherwise.
  private static func moment(_ text: String) throws(TranslationRefusal) -> String {
    guard text.contains("-"), LegacyTime().microseconds(of: .text(text)) != nil else {
      throw TranslationRefusal("it takes a text that is no time for a time")
    }
    let time = text.dropFirst(10)
    let isComplete = time.hasSuffix("Z") || time.contains("+") || time.contains("-")
    let zone = isComplete ? "" : time.isEmpty ? " 00:00:00+00" : "+00"
    return "'\(text)\(zone)'::timestamptz"
  }

  static func word(_ type: ValueType) -> String {
    switch type {
    case .boolean: "a truth value"
    case .integer, .double, .numeric: "a number"
    case .text, .extracted, .unknown: "a text"
    case .bytes: "a blob"
    case .json: "JSON"
    case .timestamp, .date, .time: "a time"
    case .uuid: "a UUID"
    }
  }

  /// The type in which two values are compared; nil where Postgres compares them as they are.
  func common(_ left: TranslatedSQL, _ right: TranslatedSQL) throws(TranslationRefusal) -> ValueType? {
    if left.type == right.type { return nil }
    // A truth value is 0 or 1; with another number it is compared as one.
    for (value, other) in [(left, right), (right, left)] where value.type == .boolean {
      if let literal = other.literal, other.type.isNumber, literal != .integer("0"), literal != .integer("1")
      {
        return .integer
      }
    }
    switch (left.literal, right.literal) {
    case (nil, _?): return left.type == .extracted ? (right.type.isNumber ? .numeric : .text) : left.type
    case (_?, nil): return right.type == .extracted ? (left.type.isNumber ? .numeric : .text) : right.type
    default: break
    }
    let types: Set = [left.type, right.type]
    if types.contains(.unknown) || types.allSatisfy(\.isNumber) { return nil }
    if types.contains(.boolean), let number = types.first(where: \.isNumber) { return number }
    if let number = types.first(where: \.isNumber), types.contains(where: \.isTextual) {
      return number == .integer ? .numeric : number
    }
    if types == [.timestamp, .date] { return .timestamp }
    if types == [.text, .extracted] { return .text }
    if let other = types.first(where: { !$0.isTextual }), types.contains(where: \.isTextual) {
      return other == .json ? .text : other
    }
    throw TranslationRefusal("it compares \(Self.word(left.type)) with \(Self.word(right.type))")
  }
}
