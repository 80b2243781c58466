// agentbase rollback: SQLite files again, of what was imported and of what agents wrote since.

internal import AgentBase
internal import LegacyImport

extension Verb {
  static let rollback = Verb(
    name: "rollback",
    summary: "Writes SQLite files again: imported rows as they were, and what agents wrote since",
    options: [
      Option.postgresURL.declaration, Option.agentsPath.declaration, Option.sqlite.declaration,
      Option.agent.declaration, Flag.json.declaration, Flag.quiet.declaration,
    ],
    notes: [
      "--agents-path DIR is the folder to write, --sqlite FILE the file for one agent, which --agent ID names.",
      "A file that is there already is never overwritten.",
    ]
  ) { arguments in
    let target = try PostgresTarget(arguments)
    let agent = try arguments.value(.agent)
    let destination: Rollback.Destination
    switch try LegacySource(arguments) {
    case .folder(let folder):
      guard agent == nil else {
        throw UsageError("--agent goes with --sqlite FILE: a folder gets all agents")
      }
      destination = .folder(folder)
    case .file(let file):
      guard let agent else { throw UsageError("--sqlite FILE needs --agent ID: whose rows shall it hold?") }
      destination = .file(file, agent: agent)
    }
    let display = ProgressDisplay(arguments)
    defer { display.end() }
    let report = try await Rollback(postgresURL: target.url, destination: destination) { display.take($0) }
      .run()
    display.end()
    if arguments[.json] {
      Output.standard(report.json.text)
    } else if !arguments[.quiet] {
      Output.standard(lines(of: report).joined(separator: "\n"))
    }
    if let file = report.files.first(where: { !$0.isProved }) {
      throw Failure(
        "\(file.path) is not what was imported: the digests of its rows differ from the ledger's",
        advice: "agentbase verify names the rows that were changed in Postgres", exitCode: .differs)
    }
    return ExitCode(rawValue: report.exitCode)
  }

  private static func lines(of report: RollbackReport) -> [String] {
    var table = TextTable([
      "file", "agent", "restored", "written since", "in legacy tables", "deleted since", "proved",
    ])
    for file in report.files {
      table.add([
        printable(file.path), printable(file.agent), file.restored.grouped, file.written.grouped,
        file.mirrored.grouped, file.deleted.grouped, file.isProved ? "yes" : "NO",
      ])
    }
    let beside = report.files.flatMap { file in
      file.left.map { left in
        "note: \(printable(file.path)): \(left.rows.counted("row")) of \(left.table) old code does not see: \(printable(left.reason))"
      }
    }
    return table.lines + beside + report.warnings.map { "warning: \($0)" }
      + ["next: start the agents on these files (AGENT_MEMORY_BACKEND=sqlite)"]
  }
}
