// Help, made from the declarations of the verbs.

enum Help {
  /// What `agentbase --help` prints.
  static var overview: String {
    var lines = [
      "AgentBase: the memories, tools, metrics and executions of agents, moved from SQLite to Postgres.", "",
      "usage: agentbase VERB [options]", "",
    ]
    lines += columns(Verb.all.map { ($0.name, $0.summary) })
    lines += ["", "agentbase VERB --help tells the options of a verb.", exitCodes]
    return lines.joined(separator: "\n")
  }

  /// What `agentbase VERB --help` prints.
  static func text(of verb: Verb) -> String {
    let words = verb.operands.isEmpty ? "" : " WORDS"
    var lines = ["usage: agentbase \(verb.name)\(words) [options]", "", verb.summary + "."]
    if !verb.operands.isEmpty { lines += ["", "words:"] + columns(verb.operands) }
    lines += ["", "options:"]
    lines += columns(
      verb.options.map { declaration in
        let variable = declaration.variable.map { " (environment: \($0))" } ?? ""
        return (declaration.spelling, declaration.help + variable)
      } + [("--help", "print this")])
    if !verb.notes.isEmpty { lines += [""] + verb.notes }
    return (lines + ["", exitCodes]).joined(separator: "\n")
  }

  private static let exitCodes =
    "exit codes: 0 done, 1 failed, 2 wrong usage, 3 done with rows rejected, 4 verification found a difference"

  /// Two columns; what is longer than the first stands on a line of its own.
  private static func columns(_ rows: [(String, String)]) -> [String] {
    let width = min(rows.map(\.0.count).max() ?? 0, 24)
    return rows.flatMap { left, right in
      let padding = String(repeating: " ", count: max(0, width - left.count))
      guard left.count <= width else {
        return ["  \(left)", "  \(String(repeating: " ", count: width))  \(right)"]
      }
      return ["  \(left)\(padding)  \(right)"]
    }
  }
}
