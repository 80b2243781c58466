// Several statements in one text, told apart by SQLite.

internal import CSQLite

/// A text of several statements.
public enum SQLiteScript {
  /// A statement of a script.
  public struct Statement: Sendable, Hashable {
    /// Its text, with the comments before it and the semicolon.
    public let text: String
    /// The line of its first word, from 1.
    public let line: Int
    /// Its first word, in upper case.
    public let keyword: String
  }

  /// The statements; the body of a trigger belongs to its statement (sqlite3_complete).
  public static func statements(in sql: String) -> [Statement] {
    var statements: [Statement] = []
    var line = 1
    var rest = sql.utf8[...]
    var end = rest.startIndex
    while let semicolon = rest[end...].firstIndex(of: UInt8(ascii: ";")) {
      end = rest.index(after: semicolon)
      let text = String(rest[..<end]) ?? ""
      guard unsafe sqlite3_complete(text) != 0 else { continue }
      append(text, &line, &statements)
      rest = rest[end...]
    }
    append(String(rest) ?? "", &line, &statements)
    return statements
  }

  private static func append(_ text: String, _ line: inout Int, _ statements: inout [Statement]) {
    let start = firstWord(of: text)
    let word = text.utf8[start...].prefix { (65...90).contains($0) || (97...122).contains($0) }
    if start < text.utf8.endIndex, text.utf8[start] != UInt8(ascii: ";") {
      statements.append(
        Statement(
          text: text, line: line + text.utf8[..<start].count { $0 == 10 },
          keyword: (String(word) ?? "").uppercased()))
    }
    line += text.utf8.count { $0 == 10 }
  }

  /// Where the text goes on behind spaces and comments.
  private static func firstWord(of text: String) -> String.Index {
    var rest = text.utf8[...]
    while let byte = rest.first {
      if byte == 0x20 || (9...13).contains(byte) {
        rest = rest.dropFirst()
      } else if rest.starts(with: "--".utf8) {
        rest = rest.drop { $0 != 10 }
      } else if rest.starts(with: "/*".utf8) {
        rest = rest.dropFirst(2)
        while !rest.isEmpty, !rest.starts(with: "*/".utf8) { rest = rest.dropFirst() }
        rest = rest.dropFirst(2)
      } else {
        break
      }
    }
    return rest.startIndex
  }
}
