// Translates SQLite's expressions into Postgres' SQL.
//
// The types of the columns are known, since SQLite compares and adds what Postgres does not: a flag with 1, a text with a
// number, a time with a text. The last judge is the server: what is answered here may still be refused there.

import Postgres

/// Translates the expressions of one object.
struct ExpressionTranslator {
  var scope: TranslationScope
  /// The relations that queries may read, by the source's name in lower case.
  var relations: [String: TranslationScope.Relation] = [:]
  /// The schema in which these relations are.
  var schema = "public"
  /// Whether the values have to be those of SQLite, letter for letter, at the price of longer SQL.
  var isExact = false
  /// Whether the server has IS JSON, as PostgreSQL 16 and later do.
  var knowsIsJSON = true
  /// Why a value may differ from what SQLite answers; empty where it never does.
  var departures: [String] = []
  /// The names of results, which ORDER BY and GROUP BY may use, in lower case.
  var resultNames: [String: String] = [:]
  /// Names that a query gives its own tables by WITH, in lower case.
  var commonTables: [String: TranslationScope.Relation] = [:]

  init(scope: TranslationScope) { self.scope = scope }

  /// Translates an expression.
  ///
  /// - Throws: `TranslationRefusal` where Postgres has nothing like it.
  mutating func translate(_ expression: SQLExpression) throws(TranslationRefusal) -> TranslatedSQL {
    switch expression {
    case .null: return Self.literal("NULL", .unknown, expression)
    case .integer(let digits): return Self.literal(digits, .integer, expression)
    case .real(let digits): return try real(digits, expression)
    case .string(let text):
      guard !text.utf8.contains(0) else { throw TranslationRefusal("it has a string with a NUL") }
      return Self.literal(PostgresLiteral.string(text), .unknown, expression)
    case .blob(let digits): return .atom("'\\x\(digits)'::bytea", .bytes)
    case .boolean(let value): return .atom(value ? "true" : "false", .boolean)
    case .current(let word): return try current(word)
    case .column(let name): return try column(name)
    case .unary(let symbol, let operand): return try unary(symbol, operand)
    case .binary(let symbol, let left, let right): return try binary(symbol, left, right)
    case .same(let left, let right, let isNegated): return try same(left, right, isNegated: isNegated)
    case .between(let value, let low, let high, let isNegated):
      let lower = try comparison(">=", value, low).operand
      let upper = try comparison("<=", value, high).operand
      return .compound((isNegated ? "NOT " : "") + "(\(lower) AND \(upper))", .boolean)
    case .inList(let value, let list, let isNegated): return try membership(value, list, isNegated: isNegated)
    case .inQuery(let value, let query, let isNegated):
      let left = try translate(value).operand
      return .compound("\(left) \(isNegated ? "NOT " : "")IN (\(try select(query).sql))", .boolean)
    case .like(let word, let value, let pattern, let escape, let isNegated):
      return try match(word, value, pattern, escape, isNegated: isNegated)
    case .choice(let base, let cases, let otherwise): return try choice(base, cases, otherwise)
    case .cast(let value, let type): return try cast(value, type)
    case .collate(let value, let collation): return try collated(value, collation)
    case .call(let call): return try self.call(call)
    case .row(let values):
      let list = try values.map { (value) throws(TranslationRefusal) in try translate(value).sql }
      return .atom("(\(list.joined(separator: ", ")))", .unknown)
    case .exists(let query): return .atom("EXISTS (\(try select(query).sql))", .boolean)
    case .query(let query):
      let (sql, columns) = try select(query)
      return .atom("(\(sql))", columns.first?.type ?? .unknown)
    }
  }

  /// Translates an expression that is asked whether it is true.
  mutating func condition(_ expression: SQLExpression) throws(TranslationRefusal) -> TranslatedSQL {
    let value = try translate(expression)
    switch value.literal {
    case .integer(let digits)?, .real(let digits)?:
      return .atom(Double(digits) == 0 ? "false" : "true", .boolean)
    default: return try adapt(value, to: .boolean)
    }
  }

  /// Translates an expression whose value has to be of a type.
  mutating func value(_ expression: SQLExpression, as type: ValueType) throws(TranslationRefusal)
    -> TranslatedSQL
  {
    try adapt(try translate(expression), to: type)
  }

  mutating func depart(_ reason: String) { departures.append(reason) }

  /// Departs where the values have to be those of SQLite: what may differ for some value, or fail, is then not generated.
  mutating func departIfExact(_ reason: String) {
    if isExact { departures.append(reason) }
  }

  // MARK: Operands

  private static func literal(_ sql: String, _ type: ValueType, _ expression: SQLExpression) -> TranslatedSQL
  {
    TranslatedSQL(sql: sql, type: type, isAtom: true, literal: expression)
  }

  private func real(_ digits: String, _ expression: SQLExpression) throws(TranslationRefusal) -> TranslatedSQL
  {
    guard let value = Double(digits) else { throw TranslationRefusal("\(digits) is no number") }
    guard value.isFinite else { return .atom("'Infinity'::double precision", .double) }
    return Self.literal(digits, .double, expression)
  }

  private func column(_ name: SQLColumnName) throws(TranslationRefusal) -> TranslatedSQL {
    if let found = scope.find(name) { return .atom(found.sql, found.column.type) }
    if name.table == nil, let result = resultNames[name.name.asciiLowercased] {
      return .atom(PostgresIdentifier.quoted(result), .unknown)
    }
    if name.isDoubleQuoted, name.table == nil { return literalString(name.name) }
    if name.table == nil, ["rowid", "oid", "_rowid_"].contains(name.name.asciiLowercased) {
      throw TranslationRefusal("it uses the rowid, which the table has no column for")
    }
    throw TranslationRefusal("there is no column \(name.name)")
  }

  private func literalString(_ text: String) -> TranslatedSQL {
    Self.literal(PostgresLiteral.string(text), .unknown, .string(text))
  }

  /// The collation by which SQLite compares an operand, in upper case; nil for BINARY.
  func collation(of expression: SQLExpression) -> String? {
    switch expression {
    case .collate(_, let name): name == "BINARY" ? nil : name
    case .column(let name): scope.find(name)?.column.collation
    default: nil
    }
  }

  private mutating func collated(_ value: SQLExpression, _ collation: String) throws(TranslationRefusal)
    -> TranslatedSQL
  {
    let inner = try translate(value)
    switch collation {
    case "BINARY": return inner
    case "NOCASE":
      guard inner.type.isTextual else { return inner }
      return .atom("lower(\(inner.sql))", .text)
    case "RTRIM":
      guard inner.type.isTextual else { return inner }
      return .atom("rtrim(\(inner.sql), ' ')", .text)
    default: throw TranslationRefusal("the collation \(collation) is the application's own")
    }
  }
}
