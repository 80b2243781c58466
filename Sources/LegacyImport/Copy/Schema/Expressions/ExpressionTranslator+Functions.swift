// Functions of SQLite ("Built-In Scalar SQL Functions", "Built-in Aggregate Functions") in Postgres.

extension ExpressionTranslator {
  mutating func call(_ call: SQLCall) throws(TranslationRefusal) -> TranslatedSQL {
    if let aggregate = try aggregate(call) { return try windowed(aggregate, call) }
    guard call.filter == nil, call.window == nil, !call.isStar, !call.isDistinct else {
      throw TranslationRefusal("it calls the function \(call.name) over rows")
    }
    if let result = try textFunction(call.name, call.arguments) { return result }
    if let result = try numberFunction(call.name, call.arguments) { return result }
    if let result = try timeFunction(call.name, call.arguments) { return result }
    if let result = try jsonFunction(call.name, call.arguments) { return result }
    throw TranslationRefusal("it calls \(call.name)(), which has no translation")
  }

  /// One argument, translated as a type.
  mutating func argument(_ arguments: [SQLExpression], _ place: Int, as type: ValueType)
    throws(TranslationRefusal) -> String
  {
    guard place < arguments.count else { throw TranslationRefusal("a function lacks an argument") }
    return try value(arguments[place], as: type).sql
  }

  // MARK: Text

  private mutating func textFunction(_ name: String, _ arguments: [SQLExpression])
    throws(TranslationRefusal) -> TranslatedSQL?
  {
    switch (name, arguments.count) {
    case ("lower", 1), ("upper", 1):
      let text = try value(arguments[0], as: .text)
      if isExact { return .atom("\(name)(\(text.operand) COLLATE \"C\")", .text) }
      return .atom("\(name)(\(text.sql))", .text)
    case ("length", 1):
      let inner = try translate(arguments[0])
      if inner.type == .bytes { return .atom("length(\(inner.sql))::bigint", .integer) }
      return .atom("length(\(try adapt(inner, to: .text).sql))::bigint", .integer)
    case ("trim", 1...2), ("ltrim", 1...2), ("rtrim", 1...2):
      let text = try argument(arguments, 0, as: .text)
      let set = arguments.count == 2 ? try argument(arguments, 1, as: .text) : "' '"
      return .atom("\(name == "trim" ? "btrim" : name)(\(text), \(set))", .text)
    case ("replace", 3):
      let parts = try [0, 1, 2].map { (place) throws(TranslationRefusal) in
        try argument(arguments, place, as: .text)
      }
      return .atom("replace(\(parts.joined(separator: ", ")))", .text)
    case ("instr", 2):
      let (text, part) = (try argument(arguments, 0, as: .text), try argument(arguments, 1, as: .text))
      return .atom("strpos(\(text), \(part))::bigint", .integer)
    case ("substr", 2...3), ("substring", 2...3): return try substring(arguments)
    case ("hex", 1):
      let bytes = try value(arguments[0], as: .bytes).sql
      // Of NULL, SQLite answers an empty text.
      return .atom("COALESCE(upper(encode(\(bytes), 'hex')), '')", .text)
    case ("char", 1):
      departIfExact("chr() refuses what is no character")
      return .atom("chr((\(try argument(arguments, 0, as: .integer)))::integer)", .text)
    case ("unicode", 1):
      departIfExact("ascii() of an empty text is 0")
      return .atom("ascii(\(try argument(arguments, 0, as: .text)))::bigint", .integer)
    case ("quote", 1):
      depart("quote() is spelled as Postgres does")
      return .atom("quote_nullable(\(try argument(arguments, 0, as: .text)))", .text)
    case ("printf", 1...), ("format", 1...): return try formatted(arguments)
    case ("typeof", 1): return try typeName(arguments[0])
    default: return nil
    }
  }

  private mutating func substring(_ arguments: [SQLExpression]) throws(TranslationRefusal) -> TranslatedSQL {
    let inner = try translate(arguments[0])
    let text = inner.type == .bytes ? inner : try adapt(inner, to: .text)
    if inner.type == .bytes { departIfExact("substr() of an empty blob is NULL in SQLite") }
    let length =
      arguments.count == 3 ? "(" + (try argument(arguments, 2, as: .integer)) + ")::integer" : nil
    if arguments.count == 3 {
      if case .integer = arguments[2] {} else { departIfExact("substr() may have a negative length") }
    }
    // A negative start counts from the end.
    if case .unary("-", .integer(let digits)) = arguments[1], text.type == .text {
      let right = "right(\(text.sql), \(digits))"
      if length != nil { departIfExact("substr() of a text that is shorter") }
      return .atom(length.map { "left(\(right), \($0))" } ?? right, .text)
    }
    let start = try translate(arguments[1])
    if start.literal == nil { depart("substr() with a negative start counts from the end") }
    let parts =
      [text.sql, start.literal == nil ? "(\(start.sql))::integer" : start.sql] + (length.map { [$0] } ?? [])
    return .atom("substr(\(parts.joined(separator: ", ")))", text.type)
  }

  /// printf of texts and whole numbers alone.
  private mutating func formatted(_ arguments: [SQLExpression]) throws(TranslationRefusal) -> TranslatedSQL {
    guard case .string(let format) = arguments[0] else {
      throw TranslationRefusal("it calls printf with a format that is not written out")
    }
    let stripped = format.replacing("%%", with: "").replacing("%s", with: "").replacing("%d", with: "")
    guard !stripped.contains("%") else {
      throw TranslationRefusal("it calls printf with a format that Postgres does not know")
    }
    var parts = [PostgresLiteral.string(format.replacing("%d", with: "%s"))]
    for argument in arguments.dropFirst() { parts.append(try value(argument, as: .text).sql) }
    return .atom("format(\(parts.joined(separator: ", ")))", .text)
  }

  private mutating func typeName(_ argument: SQLExpression) throws(TranslationRefusal) -> TranslatedSQL {
    let inner = try translate(argument)
    if case .column = argument {} else { departIfExact("what SQLite stores it as is not known") }
    let name: String
    switch inner.type {
    case .boolean, .integer: name = "integer"
    case .double, .numeric:
      depart("a column of numbers does not tell INTEGER from REAL")
      name = "real"
    case .bytes: name = "blob"
    case .text: name = "text"
    default:
      depart("what SQLite stores it as is not known")
      name = "text"
    }
    return .atom("(CASE WHEN \(inner.operand) IS NULL THEN 'null' ELSE '\(name)' END)", .text)
  }

  // MARK: Numbers and choices

  private mutating func numberFunction(_ name: String, _ arguments: [SQLExpression])
    throws(TranslationRefusal) -> TranslatedSQL?
  {
    switch (name, arguments.count) {
    case ("abs", 1):
      let inner = try translate(arguments[0])
      let number = inner.type.isNumber ? inner : try adapt(inner, to: .numeric)
      return .atom("abs(\(number.sql))", number.type)
    case ("round", 1...2):
      depart("round() goes by the decimal digits of a number")
      let digits =
        arguments.count == 2 ? "(" + (try argument(arguments, 1, as: .integer)) + ")::integer" : "0"
      let number = try value(arguments[0], as: .numeric).operand
      return .atom("round(\(number)::numeric, \(digits))::double precision", .double)
    case ("sign", 1):
      return .atom("sign(\(try argument(arguments, 0, as: .double)))::integer::bigint", .integer)
    case ("ceil", 1), ("ceiling", 1), ("floor", 1), ("sqrt", 1), ("exp", 1), ("ln", 1), ("trunc", 1):
      depart("\(name)() answers the nearest number that Postgres calculates")
      return .atom("\(name)(\(try argument(arguments, 0, as: .double)))", .double)
    case ("coalesce", 2...), ("ifnull", 2):
      let (values, type) = try alike(arguments)
      return .atom("COALESCE(\(values.joined(separator: ", ")))", type)
    case ("nullif", 2):
      let (values, type) = try alike(arguments)
      return .atom("NULLIF(\(values.joined(separator: ", ")))", type)
    case ("iif", 3), ("iif", 2):
      return try choice(
        nil, [SQLCase(condition: arguments[0], result: arguments[1])],
        arguments.count == 3 ? arguments[2] : nil)
    case ("min", 2...), ("max", 2...):
      depart("\(name)() of several values passes over NULL")
      let (values, type) = try alike(arguments)
      return .atom("\(name == "min" ? "LEAST" : "GREATEST")(\(values.joined(separator: ", ")))", type)
    case ("likely", 1), ("unlikely", 1), ("likelihood", 2): return try translate(arguments[0])
    case ("random", 0):
      depart("random() is another number")
      return .atom("floor((random() - 0.5) * 18446744073709549568)::numeric::bigint", .integer)
    case ("randomblob", 1):
      depart("randomblob() is another blob")
      guard case .integer(let digits) = arguments[0], let count = Int(digits), (1...64).contains(count) else {
        throw TranslationRefusal("it calls randomblob() with another length than 1 to 64")
      }
      // Of a random UUID, six bytes at its start are nothing but random.
      var pieces = [String](
        repeating: "substring(uuid_send(gen_random_uuid()) FROM 1 FOR 6)", count: count / 6)
      if count % 6 > 0 {
        pieces.append("substring(uuid_send(gen_random_uuid()) FROM 1 FOR \(count % 6))")
      }
      return .atom("(\(pieces.joined(separator: " || ")))", .bytes)
    case ("zeroblob", 1):
      return .atom(
        "decode(repeat('00', (\(try argument(arguments, 0, as: .integer)))::integer), 'hex')", .bytes)
    default: return nil
    }
  }

  // MARK: Aggregates

  /// The call of an aggregate or window function; nil where it is none.
  private mutating func aggregate(_ call: SQLCall) throws(TranslationRefusal) -> TranslatedSQL? {
    let distinct = call.isDistinct ? "DISTINCT " : ""
    switch (call.name, call.arguments.count) {
    case ("count", 0): return .atom("count(*)", .integer)
    case ("count", 1): return .atom("count(\(distinct)\(try translate(call.arguments[0]).sql))", .integer)
    case ("sum", 1), ("total", 1), ("avg", 1):
      let inner = try translate(call.arguments[0])
      let number =
        inner.type == .boolean
        ? try adapt(inner, to: .integer)
        : inner.type.isNumber || inner.type == .unknown ? inner : try adapt(inner, to: .numeric)
      let name = call.name == "avg" ? "avg" : "sum"
      return TranslatedSQL(
        sql: "\(name)(\(distinct)\(number.sql))",
        type: call.name == "sum" && number.type == .integer ? .integer : .double, isAtom: true)
    case ("min", 1), ("max", 1):
      let inner = try translate(call.arguments[0])
      if inner.type == .boolean {
        return .atom("\(call.name == "min" ? "bool_and" : "bool_or")(\(inner.sql))", .boolean)
      }
      return .atom("\(call.name)(\(inner.sql))", inner.type)
    case ("group_concat", 1...2), ("string_agg", 2):
      let separator = call.arguments.count == 2 ? try argument(call.arguments, 1, as: .text) : "','"
      return .atom(
        "string_agg(\(distinct)\(try argument(call.arguments, 0, as: .text)), \(separator))", .text)
    case ("json_group_array", 1):
      return .atom("jsonb_agg(\(distinct)\(try translate(call.arguments[0]).sql))", .json)
    case ("json_group_object", 2):
      let name = try argument(call.arguments, 0, as: .text)
      return .atom("jsonb_object_agg(\(name), \(try translate(call.arguments[1]).sql))", .json)
    case ("row_number", 0), ("rank", 0), ("dense_rank", 0), ("percent_rank", 0), ("cume_dist", 0):
      guard call.window != nil else { return nil }
      return .atom(
        "\(call.name)()", call.name.hasPrefix("p") || call.name.hasPrefix("c") ? .double : .integer)
    case ("lag", 1), ("lead", 1), ("first_value", 1), ("last_value", 1):
      guard call.window != nil else { return nil }
      let inner = try translate(call.arguments[0])
      return .atom("\(call.name)(\(inner.sql))", inner.type)
    default: return nil
    }
  }

  private mutating func windowed(_ aggregate: TranslatedSQL, _ call: SQLCall) throws(TranslationRefusal)
    -> TranslatedSQL
  {
    var sql = aggregate.sql
    if let filter = call.filter { sql += " FILTER (WHERE \(try condition(filter).sql))" }
    if let window = call.window {
      var parts: [String] = []
      if !window.partition.isEmpty {
        let list = try window.partition.map { (item) throws(TranslationRefusal) in try translate(item).sql }
        parts.append("PARTITION BY " + list.joined(separator: ", "))
      }
      if !window.order.isEmpty { parts.append("ORDER BY " + (try order(window.order))) }
      sql += " OVER (\(parts.joined(separator: " ")))"
    }
    // Postgres adds whole numbers up to numeric, and SQLite answers a real for an average.
    switch (call.name, aggregate.type) {
    case ("sum", .integer): sql = "(\(sql))::bigint"
    case ("avg", _): sql = "(\(sql))::double precision"
    case ("total", _): sql = "COALESCE(\(sql), 0)::double precision"
    default: break
    }
    return .atom(sql, aggregate.type)
  }
}
