// Several statements in one text, told apart as psql tells them.

/// A text of several statements.
public enum PostgresScript {
  /// A statement of a script.
  public struct Statement: Sendable, Hashable {
    /// Its text, with the comments before it, without the semicolon.
    public let text: String
    /// The line of its first word, from 1.
    public let line: Int
    /// Its first word, in upper case.
    public let keyword: String
  }

  /// The statements, separated by semicolons outside of quotes, comments, brackets and the bodies of SQL functions.
  public static func statements(in sql: String) -> [Statement] {
    let bytes = Array(sql.utf8)
    var statements: [Statement] = []
    var scan = Scan()
    var index = 0
    while index < bytes.count {
      let end = SQLText.endOfQuoted(bytes, index)
      if end > index {
        if !SQLText.isComment(bytes, index) { scan.first = scan.first ?? index }
        index = end
      } else if bytes[index] == UInt8(ascii: ";"), scan.isOutermost {
        append(bytes, scan, to: index, &statements)
        index += 1
        scan = Scan(start: index)
      } else if SQLText.isNameByte(bytes[index]) {
        let end = bytes[index...].firstIndex { !SQLText.isNameByte($0) } ?? bytes.count
        scan.first = scan.first ?? index
        scan.note(word: String(decoding: bytes[index..<end], as: UTF8.self).uppercased())
        index = end
      } else {
        scan.note(bytes[index], at: index)
        index += 1
      }
    }
    append(bytes, scan, to: bytes.count, &statements)
    return statements
  }

  private static func append(_ bytes: [UInt8], _ scan: Scan, to end: Int, _ statements: inout [Statement]) {
    guard let first = scan.first else { return }
    statements.append(
      Statement(
        text: String(decoding: bytes[scan.start..<end], as: UTF8.self),
        line: 1 + bytes[..<first].count { $0 == 10 }, keyword: scan.words.first ?? ""))
  }

  /// How far a statement has been read.
  private struct Scan {
    var start = 0
    /// Where its first word, or what else it begins with, is.
    var first: Int?
    var words: [String] = []
    private var brackets = 0
    private var blocks = 0

    init(start: Int = 0) { self.start = start }

    var isOutermost: Bool { brackets == 0 && blocks == 0 }

    /// BEGIN ATOMIC … END of a function: CASE has an END too.
    private var isRoutine: Bool {
      words.first == "CREATE" && words.contains { $0 == "FUNCTION" || $0 == "PROCEDURE" }
    }

    mutating func note(word: String) {
      if words.count < 4 { words.append(word) }
      guard isRoutine else { return }
      switch word {
      case "BEGIN": blocks += 1
      case "CASE" where blocks > 0: blocks += 1
      case "END" where blocks > 0: blocks -= 1
      default: break
      }
    }

    mutating func note(_ byte: UInt8, at index: Int) {
      switch byte {
      case UInt8(ascii: "("): brackets += 1
      case UInt8(ascii: ")"): brackets = max(0, brackets - 1)
      case 0x20, 9...13: return
      default: break
      }
      first = first ?? index
    }
  }
}

extension SQLText {
  /// Whether a comment begins here.
  static func isComment(_ bytes: [UInt8], _ index: Int) -> Bool {
    let next = index + 1 < bytes.count ? bytes[index + 1] : 0
    return bytes[index] == UInt8(ascii: "-") && next == UInt8(ascii: "-")
      || bytes[index] == UInt8(ascii: "/") && next == UInt8(ascii: "*")
  }
}
