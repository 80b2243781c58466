// The words of SQLite's SQL (SQLite: "SQL As Understood By SQLite", and its tokenize.c for what that leaves open).

/// A word, a literal or an operator.
struct SQLToken: Sendable, Hashable {
  /// What it is.
  enum Kind: Sendable, Hashable {
    /// A keyword or a name without quotes.
    case word
    /// A name in double quotes, which SQLite takes for a string where no such column is.
    case doubleQuoted
    /// A name in brackets or backticks.
    case quoted
    case string
    case blob
    case number
    case symbol
    /// `?`, `:name`, `@name` or `$name`.
    case parameter
  }

  var kind: Kind
  /// The text without its quotes, in which doubled quotes are single; of a blob, its hexadecimal digits.
  var text: String
  /// Where it stands in the SQL, in bytes.
  var range: Range<Int>

  /// Whether this is a keyword, given in upper case.
  func isWord(_ keyword: String) -> Bool { kind == .word && text.uppercased() == keyword }

  /// Whether this is an operator or a bracket.
  func isSymbol(_ symbol: String) -> Bool { kind == .symbol && text == symbol }

  /// Whether it can name something.
  var isName: Bool { kind == .word || kind == .quoted || kind == .doubleQuoted }
}

/// Why a piece of SQLite's SQL has no translation, in plain words.
struct TranslationRefusal: Error, Sendable, Hashable {
  var reason: String

  init(_ reason: String) { self.reason = reason }
}

extension SQLToken {
  /// Cuts SQL into its tokens; spaces and comments are left out.
  ///
  /// - Throws: `TranslationRefusal` where a quote or a comment has no end, or a character belongs to no token.
  static func tokens(of sql: String) throws(TranslationRefusal) -> [SQLToken] {
    var tokenizer = SQLTokenizer(sql)
    var tokens: [SQLToken] = []
    while let token = try tokenizer.next() { tokens.append(token) }
    return tokens
  }
}

/// Reads tokens from bytes, left to right.
private struct SQLTokenizer {
  private let bytes: [UInt8]
  private var offset = 0

  init(_ sql: String) { bytes = Array(sql.utf8) }

  mutating func next() throws(TranslationRefusal) -> SQLToken? {
    skipSpaceAndComments()
    guard let first = byte(0) else { return nil }
    let start = offset
    switch first {
    case UInt8(ascii: "'"): return try quoted(.string, until: first)
    case UInt8(ascii: "\""): return try quoted(.doubleQuoted, until: first)
    case UInt8(ascii: "`"): return try quoted(.quoted, until: first)
    case UInt8(ascii: "["): return try quoted(.quoted, until: UInt8(ascii: "]"))
    case UInt8(ascii: "x") where byte(1) == UInt8(ascii: "'"),
      UInt8(ascii: "X") where byte(1) == UInt8(ascii: "'"):
      offset += 1
      let token = try quoted(.blob, until: UInt8(ascii: "'"))
      return SQLToken(kind: .blob, text: token.text, range: start..<offset)
    case UInt8(ascii: "0")...UInt8(ascii: "9"): return number()
    case UInt8(ascii: ".") where byte(1).map(Self.isDigit) == true: return number()
    case UInt8(ascii: "?"), UInt8(ascii: ":"), UInt8(ascii: "@"), UInt8(ascii: "$"):
      offset += 1
      while let next = byte(0), Self.isWordByte(next) { offset += 1 }
      return token(.parameter, from: start)
    case _ where Self.isWordByte(first):
      while let next = byte(0), Self.isWordByte(next) { offset += 1 }
      return token(.word, from: start)
    default: return try symbol()
    }
  }

  // MARK: Parts

  private func byte(_ distance: Int) -> UInt8? {
    offset + distance < bytes.count ? bytes[offset + distance] : nil
  }

  private func token(_ kind: SQLToken.Kind, from start: Int) -> SQLToken {
    SQLToken(
      kind: kind, text: String(decoding: bytes[start..<offset], as: UTF8.self), range: start..<offset)
  }

  private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

  private static func isWordByte(_ byte: UInt8) -> Bool {
    isDigit(byte) || byte >= 0x80 || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "$")
      || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A)
  }

  private mutating func skipSpaceAndComments() {
    while let first = byte(0) {
      if first == 0x20 || (9...13).contains(first) {
        offset += 1
      } else if first == UInt8(ascii: "-"), byte(1) == first {
        while let next = byte(0), next != 10 { offset += 1 }
      } else if first == UInt8(ascii: "/"), byte(1) == UInt8(ascii: "*") {
        offset += 2
        while byte(0) != nil, !(byte(0) == UInt8(ascii: "*") && byte(1) == UInt8(ascii: "/")) { offset += 1 }
        offset = min(offset + 2, bytes.count)
      } else {
        return
      }
    }
  }

  private mutating func quoted(_ kind: SQLToken.Kind, until end: UInt8) throws(TranslationRefusal) -> SQLToken
  {
    let start = offset
    offset += 1
    var text: [UInt8] = []
    while let next = byte(0) {
      offset += 1
      guard next == end else {
        text.append(next)
        continue
      }
      // A doubled quote is one; brackets have no such rule.
      guard end != UInt8(ascii: "]"), byte(0) == end else {
        return SQLToken(
          kind: kind, text: String(decoding: text, as: UTF8.self), range: start..<offset)
      }
      offset += 1
      text.append(next)
    }
    throw TranslationRefusal("a quote in its SQL has no end")
  }

  private mutating func number() -> SQLToken {
    let start = offset
    if byte(0) == UInt8(ascii: "0"), byte(1).map({ $0 | 0x20 }) == UInt8(ascii: "x") {
      offset += 2
      while let next = byte(0), Self.isWordByte(next) { offset += 1 }
      return token(.number, from: start)
    }
    while let next = byte(0), Self.isDigit(next) || next == UInt8(ascii: ".") { offset += 1 }
    if byte(0).map({ $0 | 0x20 }) == UInt8(ascii: "e") {
      let sign = byte(1) == UInt8(ascii: "+") || byte(1) == UInt8(ascii: "-") ? 1 : 0
      if byte(1 + sign).map(Self.isDigit) == true {
        offset += 1 + sign
        while let next = byte(0), Self.isDigit(next) { offset += 1 }
      }
    }
    return token(.number, from: start)
  }

  private static let symbols: [String] = [
    "->>", "->", "||", "<<", ">>", "<=", ">=", "<>", "!=", "==", "(", ")", ",", ".", ";", "+", "-", "*",
    "/", "%", "<", ">", "=", "&", "|", "~",
  ]

  private mutating func symbol() throws(TranslationRefusal) -> SQLToken {
    let rest = bytes[offset...]
    guard let symbol = Self.symbols.first(where: { rest.starts(with: $0.utf8) }) else {
      throw TranslationRefusal("its SQL holds a character that is no SQL")
    }
    let start = offset
    offset += symbol.utf8.count
    return SQLToken(kind: .symbol, text: symbol, range: start..<offset)
  }
}
