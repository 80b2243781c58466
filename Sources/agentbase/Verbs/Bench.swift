// agentbase bench: measures ours beside what users would otherwise take, and guards an earlier measurement.

internal import AgentBase
internal import Foundation
internal import PrivateServer

extension Verb {
  static let bench = Verb(
    name: "bench",
    summary: "Measures ours beside the raw database and other programs, on one machine in one run",
    operands: [
      (
        "import",
        "imports of a large file beside psql's \\copy, DuckDB and pgloader, where they are installed"
      )
    ],
    options: BenchVerb.options,
    notes: [
      "Without --postgres-url a private server is started and removed. On the user's server each measurement gets a",
      "new database, which is dropped: the role must be allowed to create databases; no other is touched.",
      "Ratios are to psql's \\copy in the same run. A baseline is the document that --json printed: what is ours and",
      "has become slower by more than --threshold, in its ratio or else in seconds, is told with exit code 1.",
    ]
  ) { arguments in try await BenchVerb(arguments).run() }
}

/// One benchmark.
struct BenchVerb {
  private static let rows = Option(
    "rows", "N", help: "rows of each of the three tables of the file that is made; 100000 unless given",
    read: OptionValues.integer(in: 1...100_000_000))
  private static let rounds = Option(
    "rounds", "R", help: "how often each is measured, the median is told; 1 unless given",
    read: OptionValues.integer(in: 1...99))
  private static let baseline = Option.path(
    "baseline", "FILE", help: "compare with the document that an earlier run printed with --json")
  private static let threshold = Option(
    "threshold", "PERCENT", help: "how much slower than the baseline is too slow; 20 unless given"
  ) { text throws(InvalidValue) in
    guard let number = Double(text), number > 0, number <= 10_000 else {
      throw InvalidValue(expected: "a percentage greater than 0")
    }
    return number
  }
  private static let sqlite = Option.path(
    "sqlite", "FILE", help: "measure with a copy of this file instead of one that is made")
  private static let postgresURL = Option(
    "postgres-url", "URL", help: "a server for scratch databases; a private one unless given")

  static let options = [
    rows.declaration, rounds.declaration, sqlite.declaration, postgresURL.declaration, baseline.declaration,
    threshold.declaration, Flag.json.declaration, Flag.quiet.declaration,
  ]

  private let arguments: Arguments
  private let rows: Int
  private let rounds: Int
  private let file: String?
  private let target: PostgresTarget?
  private let baseline: BenchReport?
  private let threshold: Double

  /// Reads all options, and the baseline, before anything is measured.
  init(_ arguments: Arguments) throws {
    guard let bench = arguments.operands.first else { throw UsageError("bench needs a word: import") }
    guard bench == "import" else {
      throw UsageError("bench knows no \(Arguments.named(bench)): import is what it measures")
    }
    if arguments.operands.count > 1 {
      throw UsageError("bench import takes no \(Arguments.named(arguments.operands[1]))")
    }
    self.arguments = arguments
    file = try arguments.value(Self.sqlite)
    let givenRows = try arguments.value(Self.rows)
    if file != nil, givenRows != nil {
      throw UsageError("--rows and --sqlite contradict each other: give one")
    }
    rows = givenRows ?? 100_000
    rounds = try arguments.value(Self.rounds) ?? 1
    target = try PostgresTarget.optional(arguments, Self.postgresURL)
    let path = try arguments.value(Self.baseline)
    let threshold = try arguments.value(Self.threshold)
    if path == nil, threshold != nil { throw UsageError("--threshold goes with --baseline FILE") }
    self.threshold = threshold ?? 20
    baseline = try path.map { path throws(Failure) in try Self.baseline(path) }
  }

  private static func baseline(_ path: String) throws(Failure) -> BenchReport {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw Failure(
        "the baseline \(path) cannot be read", advice: "give a file that bench --json has printed")
    }
    guard let json = try? JSON(parsing: String(decoding: data, as: UTF8.self)), let report = BenchReport(json)
    else {
      throw Failure(
        "the baseline \(path) is no benchmark's report", advice: "give a file that bench --json has printed")
    }
    return report
  }

  // MARK: - Running

  func run() async throws -> ExitCode {
    // The server's user has to reach its folder, links resolved.
    let folder = FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
      .appending(path: "agentbase-bench-\(UUID().uuidString.prefix(8).lowercased())").path(
        percentEncoded: false)
    let watchdog = try Watchdog()
    watchdog.watch(folder)
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o755])
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let source = try await BlockingWork.run {
      if let file { return try ImportBenchSource.copy(of: file, to: folder + "/source.db") }
      return try ImportBenchSource.make(folder + "/source.db", rows: rows)
    }
    if let baseline, baseline.bench != "import" || baseline.rows != source.rows {
      // Before the minutes that a measurement takes.
      _ = try BenchComparison(
        BenchReport(bench: "import", date: "", rows: source.rows, rounds: 1, server: "", reference: ""),
        before: baseline)
    }
    let server: BenchServer
    if let target {
      server = try await BenchServer(target.configuration)
    } else {
      server = try await BenchServer.start(in: folder + "/server", watchdog: watchdog)
    }
    let report: BenchReport
    do {
      report = try await ImportBench(
        source: source, server: server, folder: folder, rounds: rounds, onMeasured: tell
      ).run()
    } catch {
      // In a task of its own: this one may be cancelled, and what was made has to go all the same.
      await Task { try? await server.remove() }.value
      throw error
    }
    try await server.remove()
    return try tell(report)
  }

  /// Tells a measurement when it is there: the whole takes minutes.
  private func tell(_ name: String, _ measurement: BenchMeasurement) {
    guard !arguments[.json], !arguments[.quiet] else { return }
    let hundredths = Int((measurement.seconds * 100).rounded())
    Output.standard("measured \(name): \(hundredths / 100).\(hundredths % 100 / 10)\(hundredths % 10) s")
  }

  private func tell(_ report: BenchReport) throws -> ExitCode {
    let comparison = try baseline.map { try BenchComparison(report, before: $0) }
    let regressions = comparison?.regressions(threshold: threshold) ?? []
    if arguments[.json] {
      Output.standard(report.json.text)
    } else if !arguments[.quiet] {
      let lines = report.lines + (comparison?.lines(threshold: threshold) ?? [])
      Output.standard(lines.joined(separator: "\n"))
    }
    guard let worst = regressions.max(by: { $0.factor < $1.factor }) else { return .done }
    let others =
      regressions.count > 1 ? ", and \((regressions.count - 1).counted("other")) past the threshold" : ""
    Output.error(
      Failure(
        "\(worst.name) is \(Int(((worst.factor - 1) * 100).rounded())) % slower than in the baseline\(others)",
        advice: "measure again with more --rounds, on a machine that does nothing else"
      ).text)
    return .failed
  }
}
