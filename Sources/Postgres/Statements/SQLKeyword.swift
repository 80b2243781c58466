// What the first word of a statement tells.

extension SQLText {
  /// The first word in upper case, behind spaces, comments and opening brackets.
  static func firstWord(_ sql: String) -> String {
    var rest = sql.utf8[...]
    while let byte = rest.first {
      if byte == 0x20 || (9...13).contains(byte) || byte == UInt8(ascii: "(") {
        rest = rest.dropFirst()
      } else if rest.starts(with: "--".utf8) {
        rest = rest.drop { $0 != 10 }
      } else if rest.starts(with: "/*".utf8) {
        guard let end = String(rest)?.firstRange(of: "*/") else { return "" }
        rest = rest.dropFirst(String(rest)?[..<end.upperBound].utf8.count ?? 0)
      } else {
        break
      }
    }
    return String(rest.prefix { (65...90).contains($0) || (97...122).contains($0) })?.uppercased() ?? ""
  }

  /// Whether the server plans the statement, so that preparing it pays.
  static func isWorthPreparing(_ sql: String) -> Bool {
    ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "MERGE", "VALUES", "TABLE"].contains(firstWord(sql))
  }

  /// Whether the statement may commit, so that a link that breaks meanwhile leaves the outcome unknown.
  static func endsTransaction(_ sql: String) -> Bool {
    ["COMMIT", "END", "PREPARE"].contains(firstWord(sql)) || sql.contains(";")
  }
}
