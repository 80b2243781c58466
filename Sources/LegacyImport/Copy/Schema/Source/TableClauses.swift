// What a CREATE TABLE statement says that no pragma tells: CHECK, generated columns, COLLATE, AUTOINCREMENT, names.

/// The clauses of a CREATE TABLE statement that SQLite's pragmas do not tell.
struct TableClauses: Sendable, Hashable {
  /// A PRIMARY KEY or UNIQUE constraint with its name.
  struct Key: Sendable, Hashable {
    var name: String?
    /// In lower case.
    var columns: [String]
  }

  /// What a foreign key says beyond `pragma_foreign_key_list`, in the order of declaration.
  struct ForeignKey: Sendable, Hashable {
    var name: String?
    var isDeferred = false
  }

  var checks: [SourceDatabase.Check] = []
  /// The expressions of generated columns, by the column's name in lower case.
  var generated: [String: String] = [:]
  /// The collations of columns in upper case, by the column's name in lower case.
  var collations: [String: String] = [:]
  var isAutoIncrement = false
  var primaryKeyName: String?
  var uniqueKeys: [Key] = []
  var foreignKeys: [ForeignKey] = []

  init() {}

  /// Reads a statement as SQLite stores it.
  ///
  /// - Throws: `TranslationRefusal` where it is none that this program understands.
  init(_ sql: String) throws(TranslationRefusal) {
    var parser = try SQLParser(sql)
    try parser.expect(word: "CREATE")
    _ = parser.skip(word: "TEMP") || parser.skip(word: "TEMPORARY")
    try parser.expect(word: "TABLE")
    _ = parser.skip(words: "IF", "NOT", "EXISTS")
    _ = try parser.name()
    if parser.skip(symbol: ".") { _ = try parser.name() }
    try parser.expect(symbol: "(")
    repeat {
      if Self.startsTableConstraint(parser) {
        while !Self.ends(parser) { try tableConstraint(&parser) }
      } else {
        try column(&parser)
      }
      // SQLite takes constraints of the table without a comma between them.
    } while parser.skip(symbol: ",")
  }

  private static func startsTableConstraint(_ parser: SQLParser) -> Bool {
    guard let token = parser.peek(), token.kind == .word else { return false }
    switch token.text.uppercased() {
    case "CONSTRAINT": return true
    case "PRIMARY", "FOREIGN": return parser.peek(1)?.isWord("KEY") == true
    case "UNIQUE", "CHECK": return parser.peek(1)?.isSymbol("(") == true
    default: return false
    }
  }

  private static func ends(_ parser: SQLParser) -> Bool {
    guard let token = parser.peek() else { return true }
    return token.isSymbol(",") || token.isSymbol(")")
  }

  // MARK: Columns

  private static let constraintWords: Set<String> = [
    "CONSTRAINT", "PRIMARY", "NOT", "NULL", "UNIQUE", "CHECK", "DEFAULT", "COLLATE", "REFERENCES",
    "GENERATED", "AS",
  ]

  private mutating func column(_ parser: inout SQLParser) throws(TranslationRefusal) {
    let column = try parser.name().asciiLowercased
    // The type: words and perhaps numbers in brackets.
    while let token = parser.peek(), !Self.ends(parser) {
      if token.kind == .word, Self.constraintWords.contains(token.text.uppercased()) { break }
      if token.isSymbol("(") { try Self.skipBrackets(&parser) } else { _ = try parser.next() }
    }
    var name: String?
    while !Self.ends(parser) {
      let token = try parser.next()
      switch token.text.uppercased() {
      case "CONSTRAINT":
        name = try parser.name()
        continue
      case "PRIMARY":
        primaryKeyName = name
      case "AUTOINCREMENT": isAutoIncrement = true
      case "UNIQUE": uniqueKeys.append(Key(name: name, columns: [column]))
      case "CHECK":
        checks.append(SourceDatabase.Check(name: name, expressionSQL: try Self.bracketed(&parser)))
      case "AS": generated[column] = try Self.bracketed(&parser)
      case "COLLATE": collations[column] = try parser.name().uppercased()
      case "DEFAULT": try Self.skipDefault(&parser)
      case "REFERENCES": foreignKeys.append(try Self.reference(&parser, name: name))
      default:
        // NOT NULL, KEY, ASC, ON CONFLICT and their like.
        if token.isSymbol("(") { throw parser.unexpected() }
        continue
      }
      name = nil
    }
  }

  private static func skipDefault(_ parser: inout SQLParser) throws(TranslationRefusal) {
    if parser.peek()?.isSymbol("(") == true { return try skipBrackets(&parser) }
    _ = parser.skip(symbol: "-") || parser.skip(symbol: "+")
    _ = try parser.next()
  }

  // MARK: Constraints of the table

  private mutating func tableConstraint(_ parser: inout SQLParser) throws(TranslationRefusal) {
    let name = parser.skip(word: "CONSTRAINT") ? try parser.name() : nil
    if Self.ends(parser) { return }
    let token = try parser.next()
    switch token.text.uppercased() {
    case "PRIMARY":
      try parser.expect(word: "KEY")
      primaryKeyName = name
      _ = try keyColumns(&parser)
    case "UNIQUE": uniqueKeys.append(Key(name: name, columns: try keyColumns(&parser)))
    case "CHECK":
      checks.append(SourceDatabase.Check(name: name, expressionSQL: try Self.bracketed(&parser)))
    case "FOREIGN":
      try parser.expect(word: "KEY")
      try Self.skipBrackets(&parser)
      try parser.expect(word: "REFERENCES")
      foreignKeys.append(try Self.reference(&parser, name: name))
    case "CONSTRAINT": throw parser.unexpected()
    default: break
    }
    // ON CONFLICT and what else may follow.
    while !Self.ends(parser), !Self.startsTableConstraint(parser) { _ = try parser.next() }
  }

  /// The columns in brackets, in lower case; the key of AUTOINCREMENT may stand there too.
  private mutating func keyColumns(_ parser: inout SQLParser) throws(TranslationRefusal) -> [String] {
    try parser.expect(symbol: "(")
    var columns: [String] = []
    repeat {
      columns.append(try parser.name().asciiLowercased)
      while !Self.ends(parser) {
        if try parser.next().isWord("AUTOINCREMENT") { isAutoIncrement = true }
      }
    } while parser.skip(symbol: ",")
    try parser.expect(symbol: ")")
    return columns
  }

  /// What follows REFERENCES.
  private static func reference(_ parser: inout SQLParser, name: String?) throws(TranslationRefusal)
    -> ForeignKey
  {
    var key = ForeignKey(name: name)
    _ = try parser.name()
    if parser.peek()?.isSymbol("(") == true { try skipBrackets(&parser) }
    while true {
      if parser.skip(word: "ON") {
        _ = try parser.next()
        if parser.skip(word: "SET") || parser.skip(word: "NO") {}
        _ = try parser.next()
      } else if parser.skip(word: "MATCH") {
        _ = try parser.next()
      } else if parser.skip(words: "NOT", "DEFERRABLE") {
        _ = parser.skip(words: "INITIALLY", "DEFERRED") || parser.skip(words: "INITIALLY", "IMMEDIATE")
      } else if parser.skip(word: "DEFERRABLE") {
        key.isDeferred = parser.skip(words: "INITIALLY", "DEFERRED")
        if !key.isDeferred { _ = parser.skip(words: "INITIALLY", "IMMEDIATE") }
      } else {
        return key
      }
    }
  }

  // MARK: Brackets

  private static func skipBrackets(_ parser: inout SQLParser) throws(TranslationRefusal) {
    _ = try bracketed(&parser)
  }

  /// The text inside the brackets that begin here.
  private static func bracketed(_ parser: inout SQLParser) throws(TranslationRefusal) -> String {
    let open = try parser.next()
    guard open.isSymbol("(") else { throw parser.unexpected() }
    var depth = 1
    while true {
      let token = try parser.next()
      if token.isSymbol("(") { depth += 1 }
      if token.isSymbol(")") { depth -= 1 }
      if depth == 0 { return parser.text(open.range.upperBound..<token.range.lowerBound) }
    }
  }
}
