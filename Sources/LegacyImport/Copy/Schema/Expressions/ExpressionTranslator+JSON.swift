// JSON functions of SQLite ("JSON Functions And Operators") in Postgres.

extension ExpressionTranslator {
  mutating func jsonFunction(_ name: String, _ arguments: [SQLExpression]) throws(TranslationRefusal)
    -> TranslatedSQL?
  {
    if name.hasPrefix("json") { departIfExact("JSON that is malformed is refused, and true is no 1") }
    switch (name, arguments.count) {
    case ("json", 1): return try value(arguments[0], as: .json)
    case ("json_valid", 1):
      let inner = try translate(arguments[0])
      // Of NULL, nothing is said.
      if inner.type == .json { return .atom("(\(inner.operand) IS NOT NULL OR NULL)", .boolean) }
      let text = try adapt(inner, to: .text).operand
      return knowsIsJSON
        ? .compound("\(text) IS JSON", .boolean)
        : .atom("(\(text) IS NULL OR \(text)::json IS NOT NULL)", .boolean)
    case ("json_extract", 2):
      let document = try value(arguments[0], as: .json).operand
      return .atom("(\(document) #>> '\(try Self.path(arguments[1]))')", .extracted)
    case ("json_array_length", 1):
      return .atom("jsonb_array_length(\(try jsonb(arguments[0])))::bigint", .integer)
    case ("json_array", _):
      return .atom("jsonb_build_array(\(try list(arguments)))", .json)
    case ("json_object", _):
      guard arguments.count.isMultiple(of: 2) else { return nil }
      return .atom("jsonb_build_object(\(try list(arguments)))", .json)
    case ("json_type", 1):
      depart("json_type() has other words in Postgres")
      return .atom("jsonb_typeof(\(try jsonb(arguments[0])))", .text)
    case ("json_quote", 1): return .atom("to_jsonb(\(try argument(arguments, 0, as: .text)))", .json)
    default: return nil
    }
  }

  /// `->` answers JSON, `->>` a value of SQL.
  mutating func member(_ symbol: String, _ left: SQLExpression, _ right: SQLExpression)
    throws(TranslationRefusal) -> TranslatedSQL
  {
    departIfExact("JSON that is malformed is refused, and true is no 1")
    let document = try value(left, as: .json).operand
    switch right {
    case .string(let path) where path.hasPrefix("$"):
      return .atom(
        "(\(document) \(symbol == "->" ? "#>" : "#>>") '\(try Self.path(right))')",
        symbol == "->" ? .json : .extracted)
    case .string(let name):
      return .atom(
        "(\(document) \(symbol) \(PostgresLiteral.string(name)))", symbol == "->" ? .json : .extracted)
    case .integer(let place):
      return .atom("(\(document) \(symbol) \(place))", symbol == "->" ? .json : .extracted)
    default: throw TranslationRefusal("it takes a member of JSON by a name that is not written out")
    }
  }

  private mutating func jsonb(_ expression: SQLExpression) throws(TranslationRefusal) -> String {
    "\(try value(expression, as: .json).operand)::jsonb"
  }

  private mutating func list(_ arguments: [SQLExpression]) throws(TranslationRefusal) -> String {
    var items: [String] = []
    for argument in arguments {
      let item = try translate(argument)
      // A string as it is written has no type of its own.
      items.append(item.type == .unknown ? "\(item.operand)::text" : item.sql)
    }
    return items.joined(separator: ", ")
  }

  /// A path such as `$.a.b[0]` as the text of an array, quoted as a literal needs it.
  static func path(_ expression: SQLExpression) throws(TranslationRefusal) -> String {
    guard case .string(let path) = expression, path.hasPrefix("$") else {
      throw TranslationRefusal("it takes a member of JSON by a path that is not written out")
    }
    var steps: [String] = []
    var rest = path.dropFirst()
    while let first = rest.first {
      rest = rest.dropFirst()
      if first == "." {
        let isQuoted = rest.first == "\""
        if isQuoted { rest = rest.dropFirst() }
        let name = rest.prefix { isQuoted ? $0 != "\"" : $0 != "." && $0 != "[" }
        rest = rest.dropFirst(name.count + (isQuoted ? 1 : 0))
        steps.append(
          "\"" + name.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\"")
      } else if first == "[" {
        let digits = rest.prefix { $0 != "]" }
        rest = rest.dropFirst(digits.count + 1)
        if digits.allSatisfy(\.isNumber), !digits.isEmpty {
          steps.append(String(digits))
        } else if digits.hasPrefix("#-"), Int(digits.dropFirst(2)) != nil {
          steps.append(String(digits.dropFirst()))
        } else {
          throw TranslationRefusal("it takes a member of JSON by \(path)")
        }
      } else {
        throw TranslationRefusal("it takes a member of JSON by \(path)")
      }
    }
    return "{" + steps.joined(separator: ",").replacing("'", with: "''") + "}"
  }
}
