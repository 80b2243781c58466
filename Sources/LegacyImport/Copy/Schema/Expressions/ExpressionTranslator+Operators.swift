// Operators: arithmetic, comparison, LIKE and GLOB, CASE, CAST.

extension ExpressionTranslator {
  mutating func unary(_ symbol: String, _ operand: SQLExpression) throws(TranslationRefusal) -> TranslatedSQL
  {
    if symbol == "NOT" { return .compound("NOT \(try condition(operand).operand)", .boolean) }
    if symbol == "-" {
      // A literal with its sign stays a literal, so that it can become what it is compared with.
      switch operand {
      case .integer(let digits):
        return TranslatedSQL(
          sql: "-" + digits, type: .integer, literal: .integer("-" + digits))
      case .real(let digits):
        return TranslatedSQL(sql: "-" + digits, type: .double, literal: .real("-" + digits))
      default: break
      }
    }
    let value = try number(operand)
    // SQLite has no -0.0 for an answer here.
    if symbol == "-", value.type == .double { return .compound("0 - \(value.operand)", .double) }
    return symbol == "+" ? value : .compound(symbol + value.operand, value.type)
  }

  mutating func binary(_ symbol: String, _ left: SQLExpression, _ right: SQLExpression)
    throws(TranslationRefusal) -> TranslatedSQL
  {
    switch symbol {
    case "AND", "OR":
      return .compound(
        "\(try condition(left).operand) \(symbol) \(try condition(right).operand)", .boolean)
    case "=", "==": return try comparison("=", left, right)
    case "<>", "!=": return try comparison("<>", left, right)
    case "<", "<=", ">", ">=": return try comparison(symbol, left, right)
    case "||":
      let parts = (try value(left, as: .text).operand, try value(right, as: .text).operand)
      return .compound("\(parts.0) || \(parts.1)", .text)
    case "->", "->>": return try member(symbol, left, right)
    default: return try arithmetic(symbol, left, right)
    }
  }

  private mutating func number(_ expression: SQLExpression) throws(TranslationRefusal) -> TranslatedSQL {
    let value = try translate(expression)
    switch value.type {
    case .integer, .double, .numeric: return value
    case .unknown:
      return value.literal == nil || value.literal == .null ? value : try adapt(value, to: .double)
    case .boolean: return try adapt(value, to: .integer)
    case .text, .extracted: return try adapt(value, to: .numeric)
    default: throw TranslationRefusal("it calculates with \(Self.word(value.type))")
    }
  }

  private mutating func arithmetic(_ symbol: String, _ left: SQLExpression, _ right: SQLExpression)
    throws(TranslationRefusal) -> TranslatedSQL
  {
    let (first, second) = (try number(left), try number(right))
    let isWhole = first.type == .integer && second.type == .integer
    if first.type == .numeric || second.type == .numeric {
      departIfExact("numeric is calculated in decimals, where SQLite calculates in binary")
    }
    let type: ValueType =
      isWhole ? .integer : first.type == .numeric && second.type != .double ? .numeric : .double
    switch symbol {
    case "/", "%":
      // SQLite answers NULL where Postgres fails.
      let isZero = second.literal == .integer("0") || second.literal == nil
      let divisor = isZero ? "NULLIF(\(second.sql), 0)" : second.operand
      if symbol == "%", !isWhole {
        departIfExact("a large number has no whole part in Postgres")
        return .compound("trunc(\(first.sql))::bigint % NULLIF(trunc(\(second.sql))::bigint, 0)", .integer)
      }
      return .compound("\(first.operand) \(symbol) \(divisor)", type)
    case "<<", ">>":
      if second.literal == nil { departIfExact("it shifts by a number of bits that is not written out") }
      return .compound("\(first.operand) \(symbol) (\(second.sql))::integer", .integer)
    default: return .compound("\(first.operand) \(symbol) \(second.operand)", type)
    }
  }

  // MARK: Comparison

  mutating func comparison(_ symbol: String, _ left: SQLExpression, _ right: SQLExpression)
    throws(TranslationRefusal) -> TranslatedSQL
  {
    let (first, second) = try operands(left, right, isOrdering: symbol != "=" && symbol != "<>")
    return .compound("\(first) \(symbol) \(second)", .boolean)
  }

  /// Both sides in one type, and by the collation that SQLite compares them by.
  private mutating func operands(_ left: SQLExpression, _ right: SQLExpression, isOrdering: Bool = false)
    throws(TranslationRefusal) -> (String, String)
  {
    var first = try translate(Self.uncollated(left))
    var second = try translate(Self.uncollated(right))
    if let type = try common(first, second) {
      first = try adapt(first, to: type)
      second = try adapt(second, to: type)
    }
    guard first.type.isTextual, second.type.isTextual else {
      if isExact, first.type.isMoment || second.type.isMoment { depart("it compares times") }
      return (first.operand, second.operand)
    }
    if isOrdering { departIfExact("texts are ordered by the collation of the database") }
    switch collation(of: left) ?? collation(of: right) {
    case nil: return (first.operand, second.operand)
    case "NOCASE"?:
      departIfExact("lower() folds all letters, NOCASE those of ASCII")
      if first.literal == .null || second.literal == .null { return (first.operand, second.operand) }
      return ("lower(\(first.sql))", "lower(\(second.sql))")
    case "RTRIM"?: return ("rtrim(\(first.sql), ' ')", "rtrim(\(second.sql), ' ')")
    case let other?: throw TranslationRefusal("the collation \(other) is the application's own")
    }
  }

  private static func uncollated(_ expression: SQLExpression) -> SQLExpression {
    if case .collate(let inner, _) = expression { inner } else { expression }
  }

  mutating func same(_ left: SQLExpression, _ right: SQLExpression, isNegated: Bool)
    throws(TranslationRefusal) -> TranslatedSQL
  {
    let not = isNegated ? "NOT " : ""
    switch right {
    case .null: return .compound("\(try translate(left).operand) IS \(not)NULL", .boolean)
    case .boolean(let value):
      return .compound("\(try condition(left).operand) IS \(not)\(value ? "TRUE" : "FALSE")", .boolean)
    default:
      let (first, second) = try operands(left, right)
      return .compound("\(first) IS \(isNegated ? "" : "NOT ")DISTINCT FROM \(second)", .boolean)
    }
  }

  mutating func membership(_ value: SQLExpression, _ list: [SQLExpression], isNegated: Bool)
    throws(TranslationRefusal) -> TranslatedSQL
  {
    guard !list.isEmpty else { return .atom(isNegated ? "true" : "false", .boolean) }
    var left = ""
    var items: [String] = []
    for item in list {
      let pair = try operands(value, item)
      // One operand for all: what differs between them is compared one by one.
      if !left.isEmpty, pair.0 != left { return try anyOf(value, list, isNegated: isNegated) }
      left = pair.0
      items.append(pair.1)
    }
    return .compound("\(left) \(isNegated ? "NOT " : "")IN (\(items.joined(separator: ", ")))", .boolean)
  }

  private mutating func anyOf(_ value: SQLExpression, _ list: [SQLExpression], isNegated: Bool)
    throws(TranslationRefusal) -> TranslatedSQL
  {
    let tests = try list.map { (item) throws(TranslationRefusal) in
      try comparison("=", value, item).operand
    }
    return .compound((isNegated ? "NOT " : "") + "(\(tests.joined(separator: " OR ")))", .boolean)
  }

  // MARK: Patterns

  mutating func match(
    _ word: String, _ value: SQLExpression, _ pattern: SQLExpression, _ escape: SQLExpression?,
    isNegated: Bool
  ) throws(TranslationRefusal) -> TranslatedSQL {
    let not = isNegated ? "NOT " : ""
    let text = try self.value(value, as: .text).operand
    switch word {
    case "LIKE":
      let like = try self.value(pattern, as: .text)
      depart("ILIKE folds all letters, LIKE of SQLite those of ASCII")
      let character =
        try escape.map { (escape) throws(TranslationRefusal) in try translate(escape).sql } ?? "''"
      return .compound("\(text) \(not)ILIKE \(like.operand) ESCAPE \(character)", .boolean)
    case "GLOB":
      guard case .string(let glob) = pattern else {
        throw TranslationRefusal("it has GLOB with a pattern that is not written out")
      }
      return .compound(
        "\(text) \(isNegated ? "!~" : "~") \(PostgresLiteral.string(try Self.regularExpression(glob: glob)))",
        .boolean)
    default: throw TranslationRefusal("it uses \(word), which Postgres has no equal of")
    }
  }

  /// A pattern of GLOB as a regular expression of Postgres.
  static func regularExpression(glob: String) throws(TranslationRefusal) -> String {
    var result = "^"
    var rest = Array(glob)[...]
    while let character = rest.popFirst() {
      switch character {
      case "*": result += ".*"
      case "?": result += "."
      case "[":
        var set = "["
        if rest.first == "^" {
          rest.removeFirst()
          set += "^"
        }
        // A bracket that comes first is one of the set.
        var isFirst = true
        while let member = rest.popFirst() {
          if member == "]", !isFirst {
            set += "]"
            break
          }
          isFirst = false
          if member == "\\" { set += "\\" }
          set.append(member)
        }
        guard set.hasSuffix("]") else { throw TranslationRefusal("it has GLOB with an open bracket") }
        result += set
      default:
        if "\\^$.|+(){}]".contains(character) { result += "\\" }
        result.append(character)
      }
    }
    return result + "$"
  }

  // MARK: CASE and CAST

  mutating func choice(_ base: SQLExpression?, _ cases: [SQLCase], _ otherwise: SQLExpression?)
    throws(TranslationRefusal) -> TranslatedSQL
  {
    var conditions: [String] = []
    for item in cases {
      let test =
        if let base { try comparison("=", base, item.condition) } else { try condition(item.condition) }
      conditions.append(test.sql)
    }
    let expressions = cases.map(\.result) + (otherwise.map { [$0] } ?? [])
    let (results, type) = try alike(expressions)
    var sql = "CASE"
    for (condition, result) in zip(conditions, results) { sql += " WHEN \(condition) THEN \(result)" }
    if otherwise != nil, let last = results.last { sql += " ELSE \(last)" }
    return .atom("(\(sql) END)", type)
  }

  /// Several values in one type.
  mutating func alike(_ expressions: [SQLExpression]) throws(TranslationRefusal) -> ([String], ValueType) {
    let values = try expressions.map { (value) throws(TranslationRefusal) in try translate(value) }
    let types = Set(values.filter { $0.literal == nil || $0.type != .unknown }.map(\.type))
    let isTruth = values.allSatisfy { value in
      value.type == .boolean || [.null, .integer("0"), .integer("1")].contains(value.literal)
    }
    let type: ValueType
    if isTruth, types.contains(.boolean) {
      type = .boolean
    } else if types.count <= 1 {
      type = types.first ?? .text
    } else if types.allSatisfy(\.isNumber) {
      type = types.contains(.double) ? .double : .numeric
    } else if types.allSatisfy({ $0.isNumber || $0 == .boolean }) {
      type = types.contains(.double) ? .double : .integer
    } else {
      departIfExact("its values are of several kinds")
      type = .text
    }
    let adapted = try values.map { (value) throws(TranslationRefusal) in try adapt(value, to: type).sql }
    return (adapted, type)
  }

  mutating func cast(_ value: SQLExpression, _ type: String) throws(TranslationRefusal) -> TranslatedSQL {
    let inner = try translate(value)
    switch DeclaredType(type).family {
    case .integer, .boolean:
      if inner.type == .integer { return inner }
      return try adapt(
        inner.type.isTextual && inner.literal == nil ? try adapt(inner, to: .numeric) : inner, to: .integer)
    case .real:
      let number = try adapt(inner, to: .double)
      return .atom("\(number.operand)::double precision", .double)
    case .numeric, .none, .timestamp, .date, .time:
      if inner.type.isNumber { return inner }
      return try adapt(inner, to: .numeric)
    case .text, .json, .uuid: return try adapt(inner, to: .text)
    case .blob: return try adapt(inner, to: .bytes)
    }
  }
}
