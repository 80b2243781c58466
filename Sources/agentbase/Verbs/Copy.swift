// agentbase copy: a whole SQLite database into Postgres, with proof.

internal import AgentBase
internal import Foundation
internal import LegacyImport
internal import Postgres

extension Verb {
  static let copy = Verb(
    name: "copy",
    summary: "Copies any SQLite database into Postgres: tables, rows, keys, and proves that nothing was lost",
    options: CopyVerb.options,
    notes: [
      "Tables that are there are filled, each value in the type of its column; those that are not are made.",
      "Run it again at any time: rows that are there already are not loaded twice.",
      "The file is never changed, and may be written to meanwhile.",
    ]
  ) { arguments in try await CopyVerb(arguments).run() }
}

/// One copy.
struct CopyVerb {
  private static let dryRun = Flag(
    "dry-run",
    help: "do it all in one transaction and take it back: tells what would be rejected, writes nothing")
  private static let schema = Option(
    "schema", "NAME", help: "the schema of Postgres; the first of the search path unless given")
  private static let tables = Option<[String]>(
    "tables", "A,B", help: "these tables of the file alone, by their names"
  ) { text throws(InvalidValue) in
    let names = text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter {
      !$0.isEmpty
    }
    guard !names.isEmpty else {
      throw InvalidValue(expected: "names of tables with commas between")
    }
    return names
  }
  private static let report = Option.path(
    "report", "FILE",
    help: "where the JSON report goes, and beside it a page to look at, FILE with .html; none unless given")

  static let options = [
    Option.sqlite.declaration, Option.postgresURL.declaration, schema.declaration, tables.declaration,
    dryRun.declaration, Option<Int>.batchSize.declaration, Option<Duration>.timeout.declaration,
    report.declaration, Flag.noVerify.declaration, Option<ConflictPolicy>.onConflict.declaration,
    Flag.retryRejects.declaration, Option<LegacyTime>.timezone.declaration, Flag.json.declaration,
    Flag.quiet.declaration,
  ]

  private let arguments: Arguments
  private let path: String
  private let target: PostgresConfiguration
  private let reportPath: String?
  private let options: CopyOptions

  /// Reads all options before anything is done.
  init(_ arguments: Arguments) throws(UsageError) {
    self.arguments = arguments
    path = try arguments.required(.sqlite)
    let target = try PostgresTarget(arguments)
    self.target = target.configuration
    var options = CopyOptions(postgresURL: target.url)
    options.schema = try arguments.value(Self.schema)
    options.tables = try arguments.value(Self.tables)
    options.isDryRun = arguments[Self.dryRun]
    options.verifies = !arguments[.noVerify]
    if let size = try arguments.value(.batchSize) { options.batchSize = size }
    options.timeout = try arguments.value(.timeout)
    if let policy = try arguments.value(.onConflict) { options.onConflict = policy }
    options.retriesRejects = arguments[.retryRejects]
    if let time = try arguments.value(.timezone) { options.time = time }
    self.options = options
    reportPath = try arguments.value(Self.report)
  }

  func run() async throws -> ExitCode {
    let file = try reportPath.map { path throws(Failure) in try ReportFile(path) }
    let display = ProgressDisplay(arguments)
    defer { display.end() }
    let report = try await DatabaseCopy(file: path, options: options) { display.take($0) }.run()
    display.end()
    try file?.write(report.json, page: file.map { page(of: report, beside: $0) })
    if arguments[.json] {
      Output.standard(report.json.text)
    } else if !arguments[.quiet] {
      let summary = CopySummary(report: report, reportFile: file)
      Output.standard(summary.lines.joined(separator: "\n"))
    }
    if let failure = failure(report) { Output.error(failure.text) }
    return ExitCode(rawValue: report.exitCode)
  }

  /// The report as a page to look at.
  private func page(of report: CopyReport, beside file: ReportFile) -> ReportPage {
    ReportPage(
      report,
      of: RunDescription(
        source: path, target: target, jsonReport: URL(filePath: file.path).lastPathComponent))
  }

  /// Why the exit code is not 0.
  private func failure(_ report: CopyReport) -> Failure? {
    if let first = report.errors.first {
      let others = report.errors.count > 1 ? " (and \(report.errors.count - 1) more)" : ""
      return Failure("\(printable(first))\(others)", advice: "the other tables are done")
    }
    if let verification = report.verification, verification.exitCode != 0 {
      return Failure(
        VerifyVerb.failure(verification).message,
        advice: "look at each row that is named; copy --on-conflict update puts the source's values back")
    }
    guard report.rejected > 0 else { return nil }
    return Failure(
      "Postgres \(report.isDryRun ? "would reject" : "cannot hold") \(report.rejected.counted("row")); all others are \(report.isDryRun ? "fine" : "done")",
      advice: report.isDryRun
        ? "--report FILE names them with the reasons"
        : "agent_import_rejects names each with the reason; after a fix run it again with --retry-rejects")
  }
}
