// Takes out of texts what may be a secret or a user's value, before they reach a log.

/// Pure functions over the texts of libpq and the server.
enum Redaction {
  /// The server's message; in class 22 (data exceptions) what it quotes is the value itself.
  static func message(of fields: PostgresServerFields) -> String {
    let line = fields.message.replacing("\n", with: " ")
    return fields.sqlState.conditionClass == "22" ? withoutQuoted(line) : line
  }

  /// The server's detail, but not of violated constraints and data exceptions, where it quotes the row.
  static func detail(of fields: PostgresServerFields) -> String? {
    switch fields.sqlState.conditionClass {
    case "22", "23": nil
    default: fields.detail
    }
  }

  /// The text with `"…"` for all from the first double quote to the last: a secret may hold quotes itself.
  static func withoutQuoted(_ text: String) -> String {
    guard let open = text.firstIndex(of: "\""), let close = text.lastIndex(of: "\"") else { return text }
    return "\(text[..<open])\"…\"\(open < close ? text[text.index(after: close)...] : "")"
  }

  /// libpq's words for a failed connection in one line a host, and the server's code where it sent one.
  ///
  /// Expects the text of verbose errors, in which the code follows the severity.
  static func connectionFailure(_ text: String) -> (message: String, sqlState: SQLState?) {
    var lines: [String] = []
    var sqlState: SQLState?
    for line in text.split(separator: "\n") where !line.hasPrefix("\t") && !line.hasPrefix("LOCATION:") {
      var line = String(line)
      for severity in ["FATAL:  ", "ERROR:  ", "PANIC:  "] {
        guard let found = line.firstRange(of: severity) else { continue }
        let code = line[found.upperBound...].prefix(5)
        let end = line.index(found.upperBound, offsetBy: 5, limitedBy: line.endIndex) ?? line.endIndex
        guard code.utf8.count == 5, line[end...].hasPrefix(": "),
          code.utf8.allSatisfy({ (48...57).contains($0) || (65...90).contains($0) })
        else { continue }
        sqlState = SQLState(rawValue: String(code))
        line = "\(line[..<found.lowerBound])\(line[end...].dropFirst(2)) (\(code))"
      }
      if !lines.contains(line) { lines.append(line) }
    }
    return (
      lines.isEmpty ? "the connection failed without a reason" : lines.joined(separator: "; "), sqlState
    )
  }
}
