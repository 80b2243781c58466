// How the demo is printed: one line a step, what was found below it, on one screen.

internal import AgentBase
internal import Glibc

/// What a step found.
struct DemoFinding: Sendable {
  /// Whether its claim is true.
  let holds: Bool
  /// The claim with its figures, in a line.
  let claim: String
  /// What to look at, each in one line.
  var lines: [String] = []
  /// The figures, for `--json`.
  var facts: JSON = [:]
}

/// The page that the demo's steps are printed on.
struct DemoPage: Sendable {
  /// Whether nothing is printed, as with `--json`.
  let isSilent: Bool
  private let hasColor: Bool
  private var steps: [JSON] = []
  private(set) var failed = 0
  private let start = ContinuousClock.now

  /// The columns that a line has at most.
  static let width = 80

  init(isSilent: Bool) {
    self.isSilent = isSilent
    let isPlain =
      unsafe getenv("NO_COLOR") != nil || getenv("TERM").map { unsafe strcmp($0, "dumb") == 0 } ?? true
    hasColor = isatty(STDOUT_FILENO) == 1 && !isPlain
  }

  /// Whether every step so far held.
  var heldAll: Bool { failed == 0 }

  /// Seconds since the beginning.
  var seconds: Double { Self.seconds(since: start) }

  /// All steps as JSON, and where to look around, if anything is left.
  func json(of stage: DemoStage) -> JSON {
    [
      "held": .bool(heldAll), "steps": .array(steps), "duration_seconds": .real(seconds) ?? .null,
      "folder": stage.keeps ? .string(stage.root) : .null,
      "postgres_url": stage.keeps ? .string(stage.url) : .null,
    ]
  }

  // MARK: - Printing

  /// Prints a heading.
  func title(_ text: String) { write(colored(text, "1")) }

  /// Prints a line as it is.
  func line(_ text: String = "") { write(text) }

  /// Runs a step and prints what it found.
  mutating func step(_ name: String, _ body: () async throws -> DemoFinding) async throws {
    try Task.checkCancellation()
    let began = ContinuousClock.now
    let finding = try await body()
    if !finding.holds { failed += 1 }
    let number = String(steps.count + 1)
    let mark = finding.holds ? colored("✓", "32") : colored("✗", "31")
    let padding = String(repeating: " ", count: max(0, 2 - number.count))
    write("\(mark) \(padding)\(number)  \(colored(name + ":", "1")) \(finding.claim)")
    for line in finding.lines { write("      " + Self.cut(line, to: Self.width - 6)) }
    var facts = JSONObject([
      ("step", .string(name)), ("held", .bool(finding.holds)), ("claim", .string(finding.claim)),
    ])
    if case .object(let object) = finding.facts {
      for (name, value) in object.members { facts[name] = value }
    }
    facts["duration_seconds"] = .real(Self.seconds(since: began))
    steps.append(.object(facts))
  }

  private func write(_ text: String) {
    if !isSilent { Output.standard(text) }
  }

  private func colored(_ text: String, _ code: String) -> String {
    hasColor ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
  }

  private static func seconds(since start: ContinuousClock.Instant) -> Double {
    (ContinuousClock.now - start) / .seconds(1)
  }

  // MARK: - Columns

  /// The text on one line of so many columns at most.
  static func cut(_ text: String, to width: Int) -> String {
    let line = String(text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : Character($0) })
    return line.count <= width ? line : line.prefix(width - 1) + "…"
  }

  /// The text on as many lines of so many columns as it takes, cut between words.
  static func wrapped(_ text: String, to width: Int) -> [String] {
    var lines: [String] = []
    for word in text.split(separator: " ") {
      if let last = lines.last, last.count + 1 + word.count <= width {
        lines[lines.count - 1] = last + " " + word
      } else {
        lines.append((lines.isEmpty ? "" : "  ") + word)
      }
    }
    return lines
  }

  /// Texts in columns of these widths, the last one as it comes.
  static func columns(_ texts: [String], _ widths: [Int]) -> String {
    texts.enumerated().map { place, text in
      guard place < widths.count else { return text }
      let text = cut(text, to: widths[place])
      return text + String(repeating: " ", count: widths[place] - text.count + 1)
    }.joined()
  }
}
