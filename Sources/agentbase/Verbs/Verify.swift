// agentbase verify: every row of the source compared with Postgres, value for value; nothing is changed.

internal import AgentBase
internal import LegacyImport

extension Verb {
  static let verify = Verb(
    name: "verify",
    summary: "Compares every row of the SQLite files with Postgres, value for value; changes nothing",
    options: [
      Option.agentsPath.declaration, Option.sqlite.declaration, Option.agent.declaration,
      Option.postgresURL.declaration, Option<LegacyTime>.timezone.declaration, Flag.json.declaration,
      Flag.quiet.declaration,
    ]
  ) { arguments in try await VerifyVerb(arguments).run() }
}

/// One verification.
struct VerifyVerb {
  private let arguments: Arguments
  private let source: LegacySource
  private let agent: String?
  private let options: ImportOptions

  init(_ arguments: Arguments) throws(UsageError) {
    self.arguments = arguments
    source = try LegacySource(arguments)
    agent = try arguments.value(.agent)
    var options = ImportOptions(postgresURL: try PostgresTarget(arguments).url)
    if let time = try arguments.value(.timezone) { options.time = time }
    self.options = options
  }

  func run() async throws -> ExitCode {
    let discovery = try source.databases(agent: agent)
    let display = ProgressDisplay(arguments)
    defer { display.end() }
    let report = try await Verifier(discovery, options: options) { display.take($0) }.run()
    display.end()
    if arguments[.json] {
      Output.standard(report.json.text)
    } else if !arguments[.quiet] {
      Output.standard(VerificationSummary(report: report).lines.joined(separator: "\n"))
    }
    if report.exitCode != 0 { Output.error(Self.failure(report).text) }
    if report.exitCode == 0, let unreadable = discovery.unreadable.first {
      throw Failure(
        "\(printable(unreadable.path)) cannot be compared: \(unreadable.reason)",
        advice: "repair it or leave it out; the other files are verified")
    }
    return ExitCode(rawValue: report.exitCode)
  }

  /// Why the exit code is 4: the first row that differs, by name.
  static func failure(_ report: VerificationReport) -> Failure {
    let first = report.differences.first.map { ": " + shortened(printable($0.description), most: 300) } ?? ""
    return Failure(
      "\(report.differenceCount.counted("row")) \(report.differenceCount == 1 ? "differs" : "differ") between the source and Postgres\(first)",
      advice: "look at each row that is named; import --on-conflict update puts the source's values back",
      exitCode: .differs)
  }
}
