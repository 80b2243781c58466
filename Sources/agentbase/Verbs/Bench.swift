// agentbase bench: measures ours beside what users would otherwise take, and guards an earlier measurement.

internal import AgentBase
internal import Foundation

extension Verb {
  static let bench = Verb(
    name: "bench",
    summary: "Measures ours beside the raw database and other programs, on one machine in one run",
    operands: Benchmarks.all.map { ($0.word, $0.help) },
    options: Benchmarks.options,
    notes: [
      "Without --postgres-url a private server is started and removed. On the user's server each measurement gets a",
      "new database, which is dropped: the role must be allowed to create databases; no other is touched.",
      "Ratios are to the reference in the same run. A baseline is the document that --json printed: what is ours and",
      "has become slower by more than --threshold, in its ratio or else in seconds, is told with exit code 1.",
    ]
  ) { arguments in try await BenchVerb(arguments).run() }
}

/// One run of a benchmark.
struct BenchVerb {
  private let arguments: Arguments
  private let benchmark: any Benchmark
  private let rounds: Int
  private let baseline: BenchReport?
  private let threshold: Double

  /// Reads all options, and the baseline, before anything is measured.
  init(_ arguments: Arguments) throws {
    self.arguments = arguments
    benchmark = try Benchmarks.read(arguments)
    rounds = try arguments.value(BenchOption.rounds) ?? 1
    let path = try arguments.value(BenchOption.baseline)
    let threshold = try arguments.value(BenchOption.threshold)
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
    let isSilent = arguments[.json] || arguments[.quiet]
    let tell = { @Sendable (name: String, measurement: BenchMeasurement) in
      if !isSilent { Output.standard("measured \(name): \(measurement.text)") }
    }
    let report = try await BenchStage.with(rounds: rounds, baseline: baseline, onMeasured: tell) { stage in
      try await benchmark.run(on: stage)
    }
    return try self.tell(report)
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
