// What a CREATE INDEX statement says that no pragma tells: its expressions and its condition.

/// The clauses of a CREATE INDEX statement that SQLite's pragmas do not tell.
struct IndexClauses: Sendable, Hashable {
  /// The text of each indexed column or expression, its COLLATE included, without ASC and DESC.
  var parts: [String] = []
  /// The condition of a partial index.
  var condition: String?

  /// Reads a statement as SQLite stores it.
  ///
  /// - Throws: `TranslationRefusal` where it is none that this program understands.
  init(_ sql: String) throws(TranslationRefusal) {
    var parser = try SQLParser(sql)
    try parser.expect(word: "CREATE")
    _ = parser.skip(word: "UNIQUE")
    try parser.expect(word: "INDEX")
    _ = parser.skip(words: "IF", "NOT", "EXISTS")
    _ = try parser.name()
    if parser.skip(symbol: ".") { _ = try parser.name() }
    try parser.expect(word: "ON")
    _ = try parser.name()
    try parser.expect(symbol: "(")
    repeat {
      let start = parser.peek()?.range.lowerBound ?? 0
      _ = try parser.expression()
      let end = parser.peek(-1)?.range.upperBound ?? start
      parts.append(parser.text(start..<end))
      _ = parser.skip(word: "ASC") || parser.skip(word: "DESC")
    } while parser.skip(symbol: ",")
    try parser.expect(symbol: ")")
    if parser.skip(word: "WHERE") {
      let start = parser.peek()?.range.lowerBound ?? 0
      _ = try parser.expression()
      condition = parser.text(start..<(parser.peek(-1)?.range.upperBound ?? start))
    }
  }
}
