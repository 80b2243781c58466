// Conditions written as text, for those who have no Swift at hand: a command line, or a client of a server.

extension MemoryFilter {
  /// Reads a condition such as `metadata.tier = "gold" and visits >= 10`.
  ///
  /// A field is `metadata` or `value` with the members below it (`metadata.tier`, `tags[0]`, `value."odd name"`); a name alone is a
  /// member of the value. Behind it stands `=`, `!=`, `<`, `<=`, `>`, `>=` or `contains` with a JSON value, `in` with a JSON array,
  /// or `exists`. `not`, `and` and `or` bind in this order, and parentheses group. The words are read in either case.
  ///
  /// - Throws: `MemoryFilterError`, which says what was expected and where.
  public init(parsing text: String) throws(MemoryFilterError) {
    var parser = MemoryFilterParser(text)
    self = try parser.filter()
  }
}

/// Why a text is no condition: what was expected, and where.
public struct MemoryFilterError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What was expected.
  public let expected: String
  /// The place, counted in characters from 0.
  public let offset: Int
  /// What stands there; empty at the end.
  public let rest: String

  /// What was expected and where, the place counted from 1.
  public var description: String {
    guard !rest.isEmpty else { return "\(expected) at the end" }
    let shown = rest.count > 24 ? rest.prefix(24) + "…" : rest[...]
    return "\(expected) at character \(offset + 1), before '\(shown)'"
  }
}

/// Reads a condition, left to right.
private struct MemoryFilterParser {
  private let text: String
  private var rest: Substring
  /// How many parentheses and `not` the place is in.
  private var depth = 0

  private static let deepest = 100
  private static let conjunctions: Set<String> = ["and", "or", "not", "in", "contains", "exists"]

  init(_ text: String) {
    self.text = text
    rest = text[...]
  }

  mutating func filter() throws(MemoryFilterError) -> MemoryFilter {
    let filter = try alternatives()
    guard rest.isEmpty else { throw expected("and, or, or the end") }
    return filter
  }

  // MARK: - Conditions

  private mutating func alternatives() throws(MemoryFilterError) -> MemoryFilter {
    var filters = [try conjunction()]
    while skip(word: "or") { filters.append(try conjunction()) }
    return filters.count == 1 ? filters[0] : .or(filters)
  }

  private mutating func conjunction() throws(MemoryFilterError) -> MemoryFilter {
    var filters = [try negation()]
    while skip(word: "and") { filters.append(try negation()) }
    return filters.count == 1 ? filters[0] : .and(filters)
  }

  private mutating func negation() throws(MemoryFilterError) -> MemoryFilter {
    guard depth < Self.deepest else {
      throw expected("at most \(Self.deepest) parentheses and nots")
    }
    depth += 1
    defer { depth -= 1 }
    if skip(word: "not") { return .not(try negation()) }
    guard skip("(") else { return try condition() }
    let filter = try alternatives()
    guard skip(")") else { throw expected("and, or, or a closing parenthesis") }
    return filter
  }

  private mutating func condition() throws(MemoryFilterError) -> MemoryFilter {
    let field = try field()
    if skip(word: "exists") { return field.exists }
    if skip(word: "contains") { return field.contains(try value()) }
    if skip(word: "in") {
      let start = rest
      guard case .array(let values) = try value() else {
        rest = start
        throw expected("a list such as [\"a\", \"b\"]")
      }
      return field.isIn(values)
    }
    // The longer ones first.
    if skip("==") || skip("=") { return field == (try value()) }
    if skip("!=") || skip("<>") { return field != (try value()) }
    if skip("<=") { return field <= (try value()) }
    if skip(">=") { return field >= (try value()) }
    if skip("<") { return field < (try value()) }
    if skip(">") { return field > (try value()) }
    throw expected("=, !=, <, <=, >, >=, in, contains or exists")
  }

  // MARK: - Fields

  private mutating func field() throws(MemoryFilterError) -> MemoryField {
    skipSpace()
    let isQuoted = rest.first == "\""
    let start = rest
    let name = try step("a field such as metadata.tier or visits")
    if !isQuoted, Self.conjunctions.contains(name.lowercased()) {
      rest = start
      throw expected("a field such as metadata.tier or visits")
    }
    var path: [String] = []
    while let next = rest.first, next == "." || next == "[" {
      rest.removeFirst()
      if next == "." {
        path.append(try step("the name of a member"))
      } else {
        path.append(try index())
      }
    }
    if !isQuoted, name == "metadata" { return MemoryField(root: .metadata, path: path) }
    if !isQuoted, name == "value" { return MemoryField(root: .value, path: path) }
    return MemoryField(root: .value, path: [name] + path)
  }

  private mutating func step(_ what: String) throws(MemoryFilterError) -> String {
    if rest.first == "\"" {
      guard case .string(let name) = try value() else { throw expected(what) }
      return name
    }
    let name = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "-" }
    guard !name.isEmpty else { throw expected(what) }
    rest = rest[name.endIndex...]
    return String(name)
  }

  private mutating func index() throws(MemoryFilterError) -> String {
    let digits = rest.prefix { $0 != "]" }
    guard let index = Int32(digits), digits.endIndex < rest.endIndex else {
      throw expected("the index of an element, such as 0 or -1 for the last, and ]")
    }
    rest = rest[digits.endIndex...].dropFirst()
    return String(index)
  }

  // MARK: - Values

  /// A JSON value, which ends where its brackets and quotes do.
  private mutating func value() throws(MemoryFilterError) -> JSON {
    skipSpace()
    let what = "a JSON value such as \"gold\", 10, true or null"
    var end = rest.startIndex
    var brackets = 0
    var isInString = false
    scan: while end < rest.endIndex {
      let character = rest[end]
      if isInString {
        // What is escaped ends no string.
        if character == "\\" { end = rest.index(after: end) }
        if character == "\"" { isInString = false }
      } else {
        switch character {
        case "\"": isInString = true
        case "[", "{": brackets += 1
        case "]", "}": brackets -= 1
        case _
        where brackets == 0
          && !(character.isLetter || character.isNumber || "+-.".contains(character)):
          break scan
        default: break
        }
      }
      if end < rest.endIndex { end = rest.index(after: end) }
      if brackets == 0, !isInString, "\"]}".contains(character) { break }
      if brackets < 0 { break }
    }
    guard let value = try? JSON(parsing: String(rest[..<end])) else { throw expected(what) }
    rest = rest[end...]
    return value
  }

  // MARK: - Words and signs

  private mutating func skipSpace() { rest = rest.drop { $0.isWhitespace } }

  private mutating func skip(_ sign: String) -> Bool {
    skipSpace()
    guard rest.hasPrefix(sign) else { return false }
    rest = rest.dropFirst(sign.count)
    return true
  }

  private mutating func skip(word: String) -> Bool {
    skipSpace()
    let found = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "-" || $0 == "." }
    guard found.lowercased() == word else { return false }
    rest = rest[found.endIndex...]
    return true
  }

  /// The error of this place.
  private func expected(_ what: String) -> MemoryFilterError {
    let rest = rest.drop { $0.isWhitespace }
    return MemoryFilterError(
      expected: what, offset: text.distance(from: text.startIndex, to: rest.startIndex),
      rest: String(rest))
  }
}
