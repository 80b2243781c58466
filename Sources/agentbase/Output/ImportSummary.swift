// What an import did, on one screen.

internal import AgentBase
internal import LegacyImport

/// The lines that end an import.
struct ImportSummary {
  let report: ImportReport
  let source: LegacySource
  /// Where the report is; nil where none was written.
  let reportFile: ReportFile?
  /// Where the files were backed up; nil where they were not.
  let backup: String?

  private static let mostAgents = 20
  private static let mostTables = 10
  private static let mostWarnings = 5

  var lines: [String] {
    var lines = table
    lines += otherTables + failures + proof + rejects
    lines += report.warnings.prefix(Self.mostWarnings).map { "warning: \($0)" }
    if let backup { lines.append("backup: \(backup)") }
    if let reportFile { lines += ["report: \(reportFile.path)", "to look at: \(reportFile.pagePath)"] }
    return lines + ["next: \(next)"]
  }

  // MARK: Parts

  private var table: [String] {
    let title = report.isDryRun ? "would load" : "loaded"
    var table = TextTable(["agent", "tables", "read", title, "already there", "rejected"])
    for agent in report.agents.prefix(Self.mostAgents) { table.add(Self.row(agent.id, agent.tables)) }
    let others = report.agents.dropFirst(Self.mostAgents)
    if !others.isEmpty { table.add(Self.row("\(others.count) more", others.flatMap(\.tables))) }
    table.add(Self.row("all (\(report.agents.count))", report.tables))
    return table.lines
  }

  private static func row(_ name: String, _ tables: [TableReport]) -> [String] {
    let sum = { (path: KeyPath<TableReport, Int>) in tables.reduce(0) { $0 + $1[keyPath: path] }.grouped }
    return [
      printable(name), tables.count.grouped, sum(\.read), sum(\.loaded), sum(\.alreadyThere), sum(\.rejected),
    ]
  }

  private var otherTables: [String] {
    let others = report.otherTables
    guard !others.isEmpty else { return [] }
    let names = others.prefix(Self.mostTables).map {
      "\(printable($0.file)) \(printable($0.table)) (\($0.read.counted("row")))"
    }
    let more = others.count > Self.mostTables ? ", \(others.count - Self.mostTables) more" : ""
    return [
      "no memories, tools, metrics or executions, kept for the way back only: "
        + names.joined(separator: ", ") + more
    ]
  }

  private var failures: [String] {
    let files = report.unreadable.map { "not read: \(printable($0.path)): \($0.reason)" }
    let agents = report.agents.flatMap { agent in
      agent.errors.map { "failed: \(printable(agent.id)): \($0)" }
    }
    return files + agents
  }

  private var proof: [String] {
    guard let verification = report.verification else {
      return report.isDryRun ? ["dry run: nothing was written"] : ["not verified"]
    }
    return VerificationSummary(report: verification).lines
  }

  private var rejects: [String] {
    rejectLines(of: report.tables, isDryRun: report.isDryRun) {
      "\(printable($0.file)) \(printable($0.table))"
    }
  }

  private var next: String {
    if report.exitCode == 1 { return "repair or leave out the files that failed, and run the import again" }
    if report.isDryRun { return "run it again without --dry-run" }
    if report.exitCode == 4 { return "look at the rows that differ; the source is unchanged" }
    if report.verification == nil { return "prove it: agentbase verify with the same options" }
    if report.rejected > 0 {
      return
        "mend what the reasons tell, then run it again with --retry-rejects; all other rows are in Postgres"
    }
    return "point the agents at Postgres (AGENT_MEMORY_BACKEND=postgres); agentbase rollback is the way back"
  }
}

/// What a verification found, in lines.
struct VerificationSummary {
  let report: VerificationReport

  var lines: [String] {
    var lines: [String] = []
    if report.differenceCount == 0, report.compared == 0, report.unchanged > 0 {
      lines.append(
        "verified: \(report.unchanged.counted("row")) unchanged on both sides since they were compared (agentbase verify compares again)"
      )
    } else if report.differenceCount == 0, report.compared == 0 {
      lines.append("not verified: there was no row to compare")
    } else if report.differenceCount == 0 {
      lines.append("verified: \(report.compared.counted("row")) compared, value for value; no difference")
    } else {
      lines.append(
        "NOT verified: \(report.differenceCount.counted("difference")) in \(report.compared.counted("row")) compared"
      )
      lines += report.differences.map { "  \(shortened(printable($0.description), most: 300))" }
      let others = report.differenceCount - report.differences.count
      if others > 0 { lines.append("  \(others.grouped) more") }
    }
    let since = [
      report.compared > 0 && report.unchanged > 0
        ? "\(report.unchanged.counted("row")) unchanged on both sides since they were compared" : nil,
      report.written > 0 ? "\(report.written.grouped) written since by agents" : nil,
      report.deleted > 0 ? "\(report.deleted.grouped) deleted since by agents" : nil,
      report.rejected > 0 ? "\(report.rejected.counted("row")) rejected" : nil,
    ].compactMap(\.self)
    if !since.isEmpty { lines.append("  beside them: " + since.joined(separator: ", ")) }
    return lines
  }
}

/// The first rejects of tables with their reasons, and how many more there are; none where there is none.
func rejectLines(
  of tables: [TableReport], isDryRun: Bool, most: Int = 5, name: (TableReport) -> String
) -> [String] {
  let count = tables.reduce(0) { $0 + $1.rejected }
  guard count > 0 else { return [] }
  let first = tables.flatMap { table in table.rejects.map { (name(table), $0) } }.prefix(most).map {
    "  \($0) key \(shortened("\($1.key)")): \(shortened(printable($1.reason), most: 200))"
  }
  let title =
    isDryRun ? "would be rejected:" : "rejected, as Postgres cannot hold them (agent_import_rejects has all):"
  return [title] + first + (count > first.count ? ["  \((count - first.count).grouped) more"] : [])
}

/// The beginning of a text from a file: a key may have megabytes, and the report has all of it.
func shortened(_ text: String, most: Int = 100) -> String {
  text.count > most ? text.prefix(most - 1) + "…" : text
}

/// A name from a file as one line of a terminal: control characters are shown, not obeyed.
func printable(_ text: String) -> String {
  var shown = ""
  for scalar in text.unicodeScalars {
    if scalar.properties.generalCategory == .control {
      shown += "\\u{\(String(scalar.value, radix: 16))}"
    } else {
      shown.unicodeScalars.append(scalar)
    }
  }
  return shown
}
