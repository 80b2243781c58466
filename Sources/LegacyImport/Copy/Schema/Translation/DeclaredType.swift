// What the declared type of a SQLite column means, in the words of those who declare it.

/// A declared type, understood.
struct DeclaredType: Sendable, Hashable {
  /// What kind of values it speaks of.
  enum Family: Sendable, Hashable {
    case boolean, integer, real, numeric, text, blob, json, uuid, timestamp, date, time
    /// None is declared, or one that says nothing.
    case none
  }

  let family: Family
  /// The number of characters of VARCHAR(n), or the digits of NUMERIC(p, s).
  let length: Int?
  /// The decimal places of NUMERIC(p, s).
  let scale: Int?

  /// Understands the type as it is written.
  init(_ declared: String) {
    let parts = declared.uppercased().split(separator: "(", maxSplits: 1)
    let name = (parts.first.map(String.init) ?? "").filter { $0 != "\"" && $0 != "[" && $0 != "]" }
    let words = Set(name.split { !$0.isLetter && !$0.isNumber }.map(String.init))
    let numbers =
      parts.count > 1
      ? parts[1].prefix { $0 != ")" }.split(separator: ",")
        .compactMap { Int($0.trimming()) } : []
    length = numbers.first
    scale = numbers.count > 1 ? numbers[1] : nil
    family = Self.family(name, words)
  }

  private static func family(_ name: String, _ words: Set<String>) -> Family {
    if name.contains("BOOL") || words.contains("BIT") { return .boolean }
    if name.contains("JSON") { return .json }
    if name.contains("UUID") || words.contains("GUID") || words.contains("UNIQUEIDENTIFIER") { return .uuid }
    if name.contains("TIMESTAMP") || name.contains("DATETIME") { return .timestamp }
    if words.contains("DATE") { return .date }
    if words.contains("TIME") || words.contains("TIMETZ") { return .time }
    // What follows is SQLite's own order ("Datatypes in SQLite", section 3.1), where the words are whole.
    if name.contains("INT"), !words.contains("POINT"), !words.contains("INTERVAL") { return .integer }
    if ["SERIAL", "BIGSERIAL", "LONG"].contains(where: words.contains) { return .integer }
    if name.contains("CHAR") || name.contains("CLOB") || name.contains("TEXT") || words.contains("STRING") {
      return .text
    }
    if name.contains("BLOB") || name.contains("BINARY") || words.contains("BYTEA") || words.contains("IMAGE")
    {
      return .blob
    }
    if name.contains("REAL") || name.contains("FLOA") || name.contains("DOUB") { return .real }
    if ["NUMERIC", "DECIMAL", "DEC", "NUMBER", "MONEY"].contains(where: words.contains) { return .numeric }
    return .none
  }
}

extension Substring {
  /// Without the spaces at both ends.
  fileprivate func trimming() -> Substring {
    let start = drop { $0 == " " }
    return start.lastIndex { $0 != " " }.map { start[...$0] } ?? ""
  }
}
