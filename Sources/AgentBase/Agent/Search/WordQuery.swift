// What is looked for in words: the syntax of a query, and the tree that it becomes.

/// A query by words.
///
/// All words are needed; `"in this order"` is a phrase; `OR` (or `|`) stands between alternatives; `-word` must not be there;
/// `word*` begins a word. Everything else is punctuation: there is no text that is no query.
struct WordQuery: Sendable, Hashable {
  /// Words in a row, of which the last may be the beginning of one.
  struct Term: Sendable, Hashable {
    var words: [String]
    var isPrefix = false
  }

  /// What has to be there, and what must not.
  struct Alternative: Sendable, Hashable {
    var wanted: [Term] = []
    var unwanted: [Term] = []
  }

  /// One of them has to hold. Each has a wanted term: one without would find nearly everything, and finds nothing.
  private(set) var alternatives: [Alternative] = []

  /// The most words of a query.
  static let wordLimit = 256

  /// Whether nothing can be found.
  var isEmpty: Bool { alternatives.isEmpty }

  /// Reads a query.
  ///
  /// - Throws: `AgentBaseError` of the code `invalidValue` where it has too many words.
  init(_ text: String) throws(AgentBaseError) {
    var wordCount = 0
    var current = Alternative()
    var alternatives: [Alternative] = []
    for token in Self.tokens(of: text) {
      if token.isOr {
        alternatives.append(current)
        current = Alternative()
        continue
      }
      let words = MemoryWords(text: token.text).words.compactMap {
        $0.map { String(decoding: $0, as: UTF8.self) }
      }
      guard !words.isEmpty else { continue }
      wordCount += words.count
      let term = Term(words: words, isPrefix: token.isPrefix)
      if token.isUnwanted { current.unwanted.append(term) } else { current.wanted.append(term) }
    }
    alternatives.append(current)
    guard wordCount <= Self.wordLimit else {
      throw AgentBaseError(
        .invalidValue, "the query has \(wordCount) words", advice: "It may have \(Self.wordLimit).")
    }
    self.alternatives = alternatives.filter { !$0.wanted.isEmpty }
  }

  // MARK: - Syntax

  private struct Token {
    var text: String
    var isUnwanted = false
    var isPrefix = false
    var isOr = false
  }

  private static func tokens(of text: String) -> [Token] {
    var tokens: [Token] = []
    var rest = text.unicodeScalars[...]
    while let first = rest.first {
      if first.properties.isWhitespace {
        rest = rest.dropFirst()
        continue
      }
      var token = Token(text: "")
      if first == "-" {
        token.isUnwanted = true
        rest = rest.dropFirst()
      }
      if rest.first == "\"" {
        let phrase = rest.dropFirst().prefix { $0 != "\"" }
        token.text = String(phrase)
        rest = rest[phrase.endIndex...].dropFirst()
        if rest.first == "*" {
          token.isPrefix = true
          rest = rest.dropFirst()
        }
      } else {
        let word = rest.prefix { !$0.properties.isWhitespace && $0 != "\"" }
        rest = rest[word.endIndex...]
        token.isPrefix = word.last == "*"
        token.text = String(word)
        token.isOr = !token.isUnwanted && (token.text == "OR" || token.text == "|")
      }
      tokens.append(token)
    }
    return tokens
  }

  // MARK: - Spelling

  /// The query as Postgres' `tsquery` reads it. Words hold neither quotes nor backslashes.
  ///
  /// - Parameter owner: the word that marks an agent's memories, by which the index leaves out those of others.
  func tsquery(of owner: String) -> String {
    let alternatives = alternatives.map { alternative in
      let wanted = alternative.wanted.map(Self.tsquery)
      let unwanted = alternative.unwanted.map { "!" + Self.tsquery($0) }
      return "(" + (wanted + unwanted).joined(separator: "&") + ")"
    }
    return "'\(owner)'&(" + alternatives.joined(separator: "|") + ")"
  }

  private static func tsquery(_ term: Term) -> String {
    let words = term.words.map { "'\($0)'" }
    return "(" + words.joined(separator: "<->") + (term.isPrefix ? ":*" : "") + ")"
  }

  /// The query as SQLite's FTS5 reads it.
  var matchText: String {
    alternatives.map { alternative in
      let wanted = "(" + alternative.wanted.map(Self.matchText).joined(separator: " AND ") + ")"
      guard !alternative.unwanted.isEmpty else { return wanted }
      return "(" + wanted + " NOT (" + alternative.unwanted.map(Self.matchText).joined(separator: " OR ")
        + "))"
    }.joined(separator: " OR ")
  }

  private static func matchText(_ term: Term) -> String {
    "\"" + term.words.joined(separator: " ") + "\"" + (term.isPrefix ? "*" : "")
  }
}
