// Reads SQLite's queries, as views hold them (SQLite: "SELECT").

extension SQLParser {
  /// The query of a CREATE VIEW statement, and the names that it gives the columns.
  static func view(_ sql: String) throws(TranslationRefusal) -> (columns: [String], query: SQLSelect) {
    var parser = try SQLParser(sql)
    try parser.expect(word: "CREATE")
    _ = parser.skip(word: "TEMP") || parser.skip(word: "TEMPORARY")
    try parser.expect(word: "VIEW")
    _ = parser.skip(words: "IF", "NOT", "EXISTS")
    _ = try parser.name()
    if parser.skip(symbol: ".") { _ = try parser.name() }
    var columns: [String] = []
    if parser.skip(symbol: "(") {
      repeat { columns.append(try parser.name()) } while parser.skip(symbol: ",")
      try parser.expect(symbol: ")")
    }
    try parser.expect(word: "AS")
    let query = try parser.select()
    _ = parser.skip(symbol: ";")
    guard parser.peek() == nil else { throw parser.unexpected() }
    return (columns, query)
  }

  mutating func select() throws(TranslationRefusal) -> SQLSelect {
    var select = SQLSelect()
    if skip(word: "WITH") {
      select.isRecursive = skip(word: "RECURSIVE")
      repeat { select.commonTables.append(try commonTable()) } while skip(symbol: ",")
    }
    select.cores = [try core()]
    while let compound = compoundOperator() {
      select.operators.append(compound)
      select.cores.append(try core())
    }
    if skip(words: "ORDER", "BY") { select.order = try orderTerms() }
    if skip(word: "LIMIT") {
      select.limit = try expression()
      if skip(word: "OFFSET") {
        select.offset = try expression()
      } else if skip(symbol: ",") {
        // LIMIT offset, count
        select.offset = select.limit
        select.limit = try expression()
      }
    }
    return select
  }

  private mutating func commonTable() throws(TranslationRefusal) -> SQLSelect.CommonTable {
    let name = try name()
    var columns: [String] = []
    if skip(symbol: "(") {
      repeat { columns.append(try self.name()) } while skip(symbol: ",")
      try expect(symbol: ")")
    }
    try expect(word: "AS")
    if skip(word: "NOT") { try expect(word: "MATERIALIZED") } else { _ = skip(word: "MATERIALIZED") }
    try expect(symbol: "(")
    let query = try select()
    try expect(symbol: ")")
    return SQLSelect.CommonTable(name: name, columns: columns, query: query)
  }

  private mutating func compoundOperator() -> String? {
    if skip(words: "UNION", "ALL") { return "UNION ALL" }
    for word in ["UNION", "INTERSECT", "EXCEPT"] where skip(word: word) { return word }
    return nil
  }

  private mutating func core() throws(TranslationRefusal) -> SQLSelect.Core {
    var core = SQLSelect.Core()
    if skip(word: "VALUES") {
      repeat {
        try expect(symbol: "(")
        core.rows.append(try list())
      } while skip(symbol: ",")
      return core
    }
    try expect(word: "SELECT")
    core.isDistinct = skip(word: "DISTINCT")
    if !core.isDistinct { _ = skip(word: "ALL") }
    repeat { core.results.append(try resultColumn()) } while skip(symbol: ",")
    if skip(word: "FROM") { core.source = try source() }
    if skip(word: "WHERE") { core.condition = try expression() }
    if skip(words: "GROUP", "BY") {
      repeat { core.groups.append(try expression()) } while skip(symbol: ",")
    }
    if skip(word: "HAVING") { core.having = try expression() }
    if peek()?.isWord("WINDOW") == true { throw TranslationRefusal("it names a window") }
    return core
  }

  private mutating func resultColumn() throws(TranslationRefusal) -> SQLSelect.ResultColumn {
    if skip(symbol: "*") { return .all(table: nil) }
    if let name = peek(), name.isName, peek(1)?.isSymbol(".") == true, peek(2)?.isSymbol("*") == true {
      _ = try (next(), next(), next())
      return .all(table: name.text)
    }
    let start = peek()?.range.lowerBound ?? 0
    let expression = try expression()
    let text = text(start..<(peek(-1)?.range.upperBound ?? start))
    if skip(word: "AS") { return .expression(expression, alias: try name(), text: text) }
    if let token = peek(), startsAlias(token) || token.kind == .string {
      return .expression(expression, alias: try name(), text: text)
    }
    return .expression(expression, alias: nil, text: text)
  }

  private static let clauseWords: Set<String> = [
    "FROM", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "UNION", "INTERSECT", "EXCEPT", "WINDOW", "ON",
    "USING", "JOIN", "LEFT", "RIGHT", "FULL", "INNER", "CROSS", "NATURAL", "OUTER", "INDEXED", "NOT", "AS",
    "OFFSET",
  ]

  private func startsAlias(_ token: SQLToken) -> Bool {
    token.isName && !(token.kind == .word && Self.clauseWords.contains(token.text.uppercased()))
  }

  // MARK: Where it reads

  private mutating func source() throws(TranslationRefusal) -> SQLSelect.Source {
    var source = try operand()
    while let kind = try joinKind() {
      let right = try operand()
      var using: [String] = []
      let condition = skip(word: "ON") ? try expression() : nil
      if condition == nil, skip(word: "USING") {
        try expect(symbol: "(")
        repeat { using.append(try name()) } while skip(symbol: ",")
        try expect(symbol: ")")
      }
      source = .join(source, kind: kind, right, on: condition, using: using)
    }
    return source
  }

  private mutating func joinKind() throws(TranslationRefusal) -> String? {
    if skip(symbol: ",") { return "CROSS JOIN" }
    var words: [String] = []
    for word in ["NATURAL", "LEFT", "RIGHT", "FULL", "OUTER", "INNER", "CROSS"] where skip(word: word) {
      words.append(word)
    }
    guard skip(word: "JOIN") else {
      if words.isEmpty { return nil }
      throw unexpected()
    }
    return (words + ["JOIN"]).joined(separator: " ")
  }

  private mutating func operand() throws(TranslationRefusal) -> SQLSelect.Source {
    if skip(symbol: "(") {
      if startsQuery {
        let query = try select()
        try expect(symbol: ")")
        return .query(query, alias: try alias())
      }
      let inner = try source()
      try expect(symbol: ")")
      return inner
    }
    var table = try name()
    if skip(symbol: ".") { table = try name() }
    if peek()?.isSymbol("(") == true { throw TranslationRefusal("it reads the table function \(table)") }
    let alias = try alias()
    if skip(words: "INDEXED", "BY") { _ = try name() }
    _ = skip(words: "NOT", "INDEXED")
    return .table(name: table, alias: alias)
  }

  private mutating func alias() throws(TranslationRefusal) -> String? {
    if skip(word: "AS") { return try name() }
    guard let token = peek(), startsAlias(token) || token.kind == .string else { return nil }
    return try name()
  }
}
