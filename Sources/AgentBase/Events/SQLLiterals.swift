// SQL text for people to see: a script may hold values as literals.

/// Hides the texts that stand in SQL.
enum SQLLiterals {
  /// The SQL with `'…'` in the place of each text in single quotes or dollar quotes. Names, numbers and comments stay.
  static func hidden(in sql: String) -> String {
    var rest = Array(sql.utf8)[...]
    var shown: [UInt8] = []
    shown.reserveCapacity(rest.count)
    while let byte = rest.first {
      let count: Int
      switch byte {
      case UInt8(ascii: "'"):
        count = length(
          of: rest, endedBy: "'", knowsBackslash: shown.last.map { $0 | 32 == UInt8(ascii: "e") } ?? false)
      case UInt8(ascii: "$"): count = lengthOfDollarQuote(rest)
      case UInt8(ascii: "\""): count = -length(of: rest, endedBy: "\"", knowsBackslash: false)
      case UInt8(ascii: "-") where rest.starts(with: "--".utf8): count = -length(of: rest, upTo: "\n")
      case UInt8(ascii: "/") where rest.starts(with: "/*".utf8): count = -length(of: rest, upTo: "*/")
      default: count = -1
      }
      // What counts below zero is shown as it is.
      shown += count > 0 ? Array("'…'".utf8) : Array(rest.prefix(max(1, -count)))
      rest = rest.dropFirst(max(1, abs(count)))
    }
    return String(decoding: shown, as: UTF8.self)
  }

  /// How long a quoted text is; a doubled quote begins the next.
  private static func length(of text: ArraySlice<UInt8>, endedBy quote: Unicode.Scalar, knowsBackslash: Bool)
    -> Int
  {
    var index = text.startIndex + 1
    while index < text.endIndex {
      if knowsBackslash, text[index] == UInt8(ascii: "\\") {
        index += 2
      } else if text[index] == UInt8(ascii: quote) {
        return index + 1 - text.startIndex
      } else {
        index += 1
      }
    }
    return text.count
  }

  /// How long a text is with its end.
  private static func length(of text: ArraySlice<UInt8>, upTo end: String) -> Int {
    text.firstRange(of: Array(end.utf8)).map { $0.upperBound - text.startIndex } ?? text.count
  }

  /// How long a text in dollar quotes is; 0 for a `$` that begins none, as that of `$1`.
  private static func lengthOfDollarQuote(_ text: ArraySlice<UInt8>) -> Int {
    let isTag = { (byte: UInt8) in
      (65...90).contains(byte) || (97...122).contains(byte) || (48...57).contains(byte) || byte == 95
        || byte > 127
    }
    let tag = text.dropFirst().prefix(while: isTag)
    guard text.dropFirst(1 + tag.count).first == UInt8(ascii: "$"), !(48...57).contains(tag.first ?? 0) else {
      return 0
    }
    let quote = Array(text.prefix(tag.count + 2))
    let body = text.dropFirst(quote.count)
    return body.firstRange(of: quote).map { $0.upperBound - text.startIndex } ?? text.count
  }
}
