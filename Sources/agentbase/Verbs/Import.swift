// agentbase import: legacy files into Postgres, with proof.

internal import AgentBase
internal import Foundation
internal import LegacyImport
internal import Postgres

extension Verb {
  static let importLegacy = Verb(
    name: "import",
    summary: "Moves the SQLite files of agents into Postgres, and proves that nothing was lost",
    options: ImportVerb.options,
    notes: [
      "Run it again at any time: rows that are there already are not loaded twice.",
      "The source is never changed, and agents may go on writing to it.",
    ]
  ) { arguments in try await ImportVerb(arguments).run() }
}

/// One import.
struct ImportVerb {
  private static let dryRun = Flag(
    "dry-run", help: "read and convert every row, tell what would be rejected, write nothing")
  private static let backup = Option<String>(
    OptionDeclaration(
      name: "backup", argument: .optional("DIR"), variable: "MIGRATION_BACKUP_PATH",
      help: "first back the files up into DIR/sqlite_backup_<time>; ./backups unless given"),
    read: OptionValues.path)
  private static let report = Option.path(
    "report", "FILE",
    help:
      "where the JSON report goes, and beside it a page to look at, FILE with .html; migration_report_<time>.json unless given, none of a dry run"
  )

  static let options = [
    Option.agentsPath.declaration, Option.sqlite.declaration, Option.agent.declaration,
    Option.postgresURL.declaration, dryRun.declaration, backup.declaration,
    Option<Int>.batchSize.declaration, Option<Duration>.timeout.declaration, report.declaration,
    Flag.noVerify.declaration, Option<ConflictPolicy>.onConflict.declaration,
    Flag.retryRejects.declaration, Option<LegacyTime>.timezone.declaration, Flag.json.declaration,
    Flag.quiet.declaration,
  ]

  private let arguments: Arguments
  private let source: LegacySource
  private let target: PostgresConfiguration
  private let agent: String?
  private let backupFolder: String?
  private let reportPath: String?
  private let options: ImportOptions

  /// Reads all options before anything is done.
  init(_ arguments: Arguments) throws(UsageError) {
    self.arguments = arguments
    source = try LegacySource(arguments)
    agent = try arguments.value(.agent)
    let target = try PostgresTarget(arguments)
    self.target = target.configuration
    var options = ImportOptions(postgresURL: target.url)
    options.isDryRun = arguments[Self.dryRun]
    options.verifies = !arguments[.noVerify]
    if let size = try arguments.value(.batchSize) { options.batchSize = size }
    options.timeout = try arguments.value(.timeout)
    if let policy = try arguments.value(.onConflict) { options.onConflict = policy }
    options.retriesRejects = arguments[.retryRejects]
    if let time = try arguments.value(.timezone) { options.time = time }
    self.options = options
    backupFolder = try Self.backupFolder(arguments)
    reportPath =
      try arguments.value(Self.report)
      ?? (options.isDryRun ? nil : ReportFile.standardName())
  }

  /// The folder that backups go to; nil where none is asked for.
  private static func backupFolder(_ arguments: Arguments) throws(UsageError) -> String? {
    if let folder = try arguments.value(backup) { return folder }
    guard arguments.has(backup.declaration) else { return nil }
    // `--backup` without a folder: the variable may name it.
    let fromVariable = Arguments(given: [:], operands: [], environment: arguments.environment)
    return try fromVariable.value(backup) ?? "./backups"
  }

  func run() async throws -> ExitCode {
    let discovery = try source.databases(agent: agent)
    let file = try reportPath.map { path throws(Failure) in try ReportFile(path) }
    let display = ProgressDisplay(arguments)
    defer { display.end() }
    let backup = try await backUp(discovery, display)
    let report = try await Importer(discovery, options: options) { display.take($0) }.run()
    display.end()
    try file?.write(report.json, page: file.map { page(of: report, beside: $0, backup: backup) })
    if arguments[.json] {
      Output.standard(report.json.text)
    } else if !arguments[.quiet] {
      let summary = ImportSummary(report: report, source: source, reportFile: file, backup: backup)
      Output.standard(summary.lines.joined(separator: "\n"))
    }
    tellFailures(report)
    return ExitCode(rawValue: report.exitCode)
  }

  /// The report as a page to look at.
  private func page(of report: ImportReport, beside file: ReportFile, backup: String?) -> ReportPage {
    ReportPage(
      report,
      of: RunDescription(
        source: source.path, target: target, jsonReport: URL(filePath: file.path).lastPathComponent,
        backup: backup))
  }

  /// Backs the files up, unless the run is dry: then nothing at all is written.
  ///
  /// - Returns: the backup's folder.
  private func backUp(_ discovery: Discovery, _ display: ProgressDisplay) async throws -> String? {
    guard let backupFolder, !options.isDryRun else { return nil }
    let folder = SQLiteBackup.newFolder(in: backupFolder)
    let report = try await SQLiteBackup.make(of: discovery, in: folder) { display.take($0) }
    // What discovery could not read is the import's to tell; a database that cannot be backed up is not moved either.
    if let failed = report.failed.first(where: { failed in
      !discovery.unreadable.contains { $0.path == failed.path }
    }) {
      throw Failure(
        "nothing was imported: \(failed.path) cannot be backed up: \(failed.reason)",
        advice: "repair the file or leave it out, or import without --backup")
    }
    return folder
  }

  /// Says on standard error, in one or two lines, why the exit code is not 0.
  private func tellFailures(_ report: ImportReport) {
    let unreadable = report.unreadable.map { "\($0.path): \($0.reason)" }
    let failed = report.agents.flatMap { agent in agent.errors.map { "\(agent.id): \($0)" } }
    let all = unreadable + failed
    if let first = all.first {
      let others = all.count > 1 ? " (and \(all.count - 1) more)" : ""
      Output.error(
        Failure(
          "\(printable(first))\(others)",
          advice: report.tables.isEmpty
            ? "nothing was imported: repair what failed, or leave it out" : "the other files are done"
        ).text)
    } else if let verification = report.verification, verification.exitCode != 0 {
      Output.error(VerifyVerb.failure(verification).text)
    } else if report.rejected > 0 {
      Output.error(
        Failure(
          "Postgres \(report.isDryRun ? "would reject" : "cannot hold") \(report.rejected.counted("row")); all others are \(report.isDryRun ? "fine" : "done")",
          advice: report.isDryRun
            ? "--report FILE names them with the reasons"
            : "agent_import_rejects names each with the reason; after a fix run it again with --retry-rejects"
        ).text)
    }
  }
}
