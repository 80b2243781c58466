// Reads SQLite's expressions, by the strength of their operators (SQLite: "SQL Language Expressions").

/// A parser over tokens.
struct SQLParser {
  private let tokens: [SQLToken]
  private var index = 0
  private var depth = 0
  let sql: String

  /// - Throws: `TranslationRefusal` where the SQL has no tokens.
  init(_ sql: String) throws(TranslationRefusal) {
    self.sql = sql
    tokens = try SQLToken.tokens(of: sql)
  }

  /// The expression that the SQL is, and nothing after it.
  static func expression(_ sql: String) throws(TranslationRefusal) -> SQLExpression {
    var parser = try SQLParser(sql)
    let expression = try parser.expression()
    guard parser.peek() == nil else { throw parser.unexpected() }
    return expression
  }

  // MARK: Tokens

  func peek(_ distance: Int = 0) -> SQLToken? {
    tokens.indices.contains(index + distance) ? tokens[index + distance] : nil
  }

  mutating func next() throws(TranslationRefusal) -> SQLToken {
    guard let token = peek() else { throw TranslationRefusal("its SQL ends too early") }
    index += 1
    return token
  }

  mutating func skip(word: String) -> Bool {
    guard peek()?.isWord(word) == true else { return false }
    index += 1
    return true
  }

  mutating func skip(symbol: String) -> Bool {
    guard peek()?.isSymbol(symbol) == true else { return false }
    index += 1
    return true
  }

  /// Goes over several keywords, all of them or none.
  mutating func skip(words: String...) -> Bool {
    for (distance, word) in words.enumerated() where peek(distance)?.isWord(word) != true { return false }
    index += words.count
    return true
  }

  mutating func expect(symbol: String) throws(TranslationRefusal) {
    guard skip(symbol: symbol) else { throw unexpected() }
  }

  mutating func expect(word: String) throws(TranslationRefusal) {
    guard skip(word: word) else { throw unexpected() }
  }

  mutating func name() throws(TranslationRefusal) -> String {
    let token = try next()
    // SQLite takes strings for names as well.
    guard token.isName || token.kind == .string else { throw TranslationRefusal("\(token.text) is no name") }
    return token.text
  }

  func unexpected() -> TranslationRefusal {
    TranslationRefusal(
      peek().map { "its SQL has \"\($0.text)\" where this program expects something else" }
        ?? "its SQL ends too early")
  }

  /// The text between two tokens' places, as it is written.
  func text(_ range: Range<Int>) -> String {
    String(decoding: Array(sql.utf8)[range], as: UTF8.self)
  }

  // MARK: Expressions

  /// An expression of operators that bind at least as strongly as `strength`.
  mutating func expression(_ strength: Int = 1) throws(TranslationRefusal) -> SQLExpression {
    // A hostile file may nest without end; SQLite's own limit is 1000.
    depth += 1
    defer { depth -= 1 }
    guard depth < 200 else { throw TranslationRefusal("its SQL is nested too deeply") }
    var left = try prefix()
    while let longer = try infix(left, strength) { left = longer }
    return left
  }

  private mutating func prefix() throws(TranslationRefusal) -> SQLExpression {
    if skip(word: "NOT") { return .unary("NOT", try expression(3)) }
    for symbol in ["-", "+", "~"] where skip(symbol: symbol) {
      return .unary(symbol, try expression(12))
    }
    return try primary()
  }

  private static let binaries: [(symbol: String, strength: Int)] = [
    ("=", 4), ("==", 4), ("<>", 4), ("!=", 4), ("<", 5), ("<=", 5), (">", 5), (">=", 5), ("&", 7), ("|", 7),
    ("<<", 7), (">>", 7), ("+", 8), ("-", 8), ("*", 9), ("/", 9), ("%", 9), ("||", 10), ("->", 10),
    ("->>", 10),
  ]

  /// What follows an operand; nil where nothing does that binds so strongly.
  private mutating func infix(_ left: SQLExpression, _ strength: Int) throws(TranslationRefusal)
    -> SQLExpression?
  {
    guard let token = peek() else { return nil }
    if token.kind == .symbol, let found = Self.binaries.first(where: { $0.symbol == token.text }) {
      guard found.strength >= strength else { return nil }
      index += 1
      return .binary(found.symbol, left, try expression(found.strength + 1))
    }
    guard token.kind == .word else { return nil }
    switch token.text.uppercased() {
    case "OR" where strength <= 1:
      index += 1
      return .binary("OR", left, try expression(2))
    case "AND" where strength <= 2:
      index += 1
      return .binary("AND", left, try expression(3))
    case "COLLATE" where strength <= 11:
      index += 1
      return .collate(left, try name().uppercased())
    case "IS", "ISNULL", "NOTNULL", "NOT", "BETWEEN", "IN", "LIKE", "GLOB", "REGEXP", "MATCH":
      return strength <= 4 ? try test(left) : nil
    default: return nil
    }
  }

  /// A test of the strength of `=`, written as words.
  private mutating func test(_ left: SQLExpression) throws(TranslationRefusal) -> SQLExpression? {
    if skip(word: "ISNULL") { return .same(left, .null, isNegated: false) }
    if skip(word: "NOTNULL") || skip(words: "NOT", "NULL") { return .same(left, .null, isNegated: true) }
    if skip(words: "IS", "NOT", "DISTINCT", "FROM") {
      return .same(left, try expression(5), isNegated: false)
    }
    if skip(words: "IS", "DISTINCT", "FROM") { return .same(left, try expression(5), isNegated: true) }
    if skip(words: "IS", "NOT") { return .same(left, try expression(5), isNegated: true) }
    if skip(word: "IS") { return .same(left, try expression(5), isNegated: false) }
    let isNegated = skip(word: "NOT")
    if skip(word: "BETWEEN") {
      let low = try expression(5)
      try expect(word: "AND")
      return .between(left, low, try expression(5), isNegated: isNegated)
    }
    if skip(word: "IN") { return try membership(left, isNegated: isNegated) }
    for word in ["LIKE", "GLOB", "REGEXP", "MATCH"] where skip(word: word) {
      let pattern = try expression(5)
      let escape = skip(word: "ESCAPE") ? try expression(5) : nil
      return .like(word, left, pattern: pattern, escape: escape, isNegated: isNegated)
    }
    throw unexpected()
  }

  private mutating func membership(_ left: SQLExpression, isNegated: Bool) throws(TranslationRefusal)
    -> SQLExpression
  {
    guard skip(symbol: "(") else {
      // IN table, which is IN (SELECT * FROM table).
      let core = SQLSelect.Core(
        results: [.all(table: nil)], source: .table(name: try name(), alias: nil))
      return .inQuery(left, SQLSelect(cores: [core]), isNegated: isNegated)
    }
    if startsQuery {
      let query = try select()
      try expect(symbol: ")")
      return .inQuery(left, query, isNegated: isNegated)
    }
    return .inList(left, try list(), isNegated: isNegated)
  }

  /// Expressions up to the closing bracket, which is taken too.
  mutating func list() throws(TranslationRefusal) -> [SQLExpression] {
    var list: [SQLExpression] = []
    if skip(symbol: ")") { return list }
    repeat { list.append(try expression()) } while skip(symbol: ",")
    try expect(symbol: ")")
    return list
  }

  /// Whether a query begins here.
  var startsQuery: Bool {
    guard let token = peek() else { return false }
    return token.isWord("SELECT") || token.isWord("WITH") || token.isWord("VALUES")
  }
}
