// The operands of expressions: literals, columns, calls, CASE, CAST, brackets.

extension SQLParser {
  mutating func primary() throws(TranslationRefusal) -> SQLExpression {
    let token = try next()
    switch token.kind {
    case .number: return Self.number(token.text)
    case .string: return .string(token.text)
    case .blob: return .blob(token.text)
    case .parameter: throw TranslationRefusal("it has a parameter")
    case .quoted, .doubleQuoted: return try column(token)
    case .word: return try word(token)
    case .symbol:
      guard token.text == "(" else {
        throw TranslationRefusal("its SQL has \"\(token.text)\" where this program expects an operand")
      }
      if startsQuery {
        let query = try select()
        try expect(symbol: ")")
        return .query(query)
      }
      let expressions = try list()
      guard let first = expressions.first else { throw TranslationRefusal("it has empty brackets") }
      return expressions.count == 1 ? first : .row(expressions)
    }
  }

  private static func number(_ text: String) -> SQLExpression {
    if text.lowercased().hasPrefix("0x") {
      // SQLite reads hexadecimal as the bits of a 64-bit integer.
      guard let bits = UInt64(text.dropFirst(2), radix: 16) else { return .real(text) }
      return .integer(String(Int64(bitPattern: bits)))
    }
    // Digits beyond 64 bits are a real, but for the lowest integer, whose sign comes before it.
    if text.allSatisfy(\.isNumber) {
      return UInt64(text).map { $0 <= 1 << 63 } == true ? .integer(text) : .real(text)
    }
    return .real(text)
  }

  private mutating func column(_ token: SQLToken) throws(TranslationRefusal) -> SQLExpression {
    guard skip(symbol: ".") else {
      return .column(
        SQLColumnName(table: nil, name: token.text, isDoubleQuoted: token.kind == .doubleQuoted))
    }
    let second = try name()
    // schema.table.column
    let third = skip(symbol: ".") ? try name() : nil
    return .column(SQLColumnName(table: third == nil ? token.text : second, name: third ?? second))
  }

  private mutating func word(_ token: SQLToken) throws(TranslationRefusal) -> SQLExpression {
    let word = token.text.uppercased()
    if peek()?.isSymbol("(") == true, !["CASE", "EXISTS", "CAST", "RAISE"].contains(word) {
      return try call(token.text.asciiLowercased)
    }
    if peek()?.isSymbol(".") == true { return try column(token) }
    switch word {
    case "NULL": return .null
    case "TRUE", "FALSE": return .boolean(word == "TRUE")
    case "CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_TIME": return .current(word)
    case "CASE": return try choice()
    case "CAST": return try cast()
    case "EXISTS":
      try expect(symbol: "(")
      let query = try select()
      try expect(symbol: ")")
      return .exists(query)
    case "RAISE": throw TranslationRefusal("it calls RAISE, which only a trigger of SQLite can")
    case "SELECT", "FROM", "WHERE", "WHEN", "THEN", "ELSE", "END", "AND", "OR", "AS":
      throw TranslationRefusal("its SQL has \"\(token.text)\" where this program expects an operand")
    default: return try column(token)
    }
  }

  private mutating func choice() throws(TranslationRefusal) -> SQLExpression {
    let base = peek()?.isWord("WHEN") == true ? nil : try expression()
    var cases: [SQLCase] = []
    while skip(word: "WHEN") {
      let condition = try expression()
      try expect(word: "THEN")
      cases.append(SQLCase(condition: condition, result: try expression()))
    }
    let otherwise = skip(word: "ELSE") ? try expression() : nil
    try expect(word: "END")
    return .choice(base: base, cases: cases, otherwise: otherwise)
  }

  private mutating func cast() throws(TranslationRefusal) -> SQLExpression {
    try expect(symbol: "(")
    let value = try expression()
    try expect(word: "AS")
    var words: [String] = []
    var depth = 0
    while let token = peek(), depth > 0 || !token.isSymbol(")") {
      if token.isSymbol("(") { depth += 1 }
      if token.isSymbol(")") { depth -= 1 }
      words.append(try next().text)
    }
    try expect(symbol: ")")
    return .cast(value, type: words.joined(separator: " "))
  }

  private mutating func call(_ name: String) throws(TranslationRefusal) -> SQLExpression {
    try expect(symbol: "(")
    var call = SQLCall(name: name)
    if skip(symbol: "*") {
      call.isStar = true
      try expect(symbol: ")")
    } else {
      call.isDistinct = skip(word: "DISTINCT")
      call.arguments = try list()
    }
    if skip(words: "FILTER") {
      try expect(symbol: "(")
      try expect(word: "WHERE")
      call.filter = try expression()
      try expect(symbol: ")")
    }
    if skip(word: "OVER") { call.window = try window() }
    return .call(call)
  }

  private mutating func window() throws(TranslationRefusal) -> SQLWindow {
    guard skip(symbol: "(") else { throw TranslationRefusal("it names a window") }
    var window = SQLWindow()
    if skip(words: "PARTITION", "BY") {
      repeat { window.partition.append(try expression()) } while skip(symbol: ",")
    }
    if skip(words: "ORDER", "BY") { window.order = try orderTerms() }
    guard skip(symbol: ")") else { throw TranslationRefusal("it has a window with a frame of its own") }
    return window
  }

  mutating func orderTerms() throws(TranslationRefusal) -> [SQLOrderTerm] {
    var terms: [SQLOrderTerm] = []
    repeat {
      var term = SQLOrderTerm(expression: try expression())
      if skip(word: "DESC") { term.isDescending = true } else { _ = skip(word: "ASC") }
      if skip(words: "NULLS", "FIRST") { term.nullsFirst = true }
      if skip(words: "NULLS", "LAST") { term.nullsFirst = false }
      terms.append(term)
    } while skip(symbol: ",")
    return terms
  }
}
