// What a copy did, on one screen.

internal import AgentBase
internal import LegacyImport

/// The lines that end a copy.
struct CopySummary {
  let report: CopyReport
  /// Where the JSON report is; nil where none was written.
  let reportFile: ReportFile?

  private static let mostTables = 30
  private static let mostOmissions = 15
  private static let mostWarnings = 5

  var lines: [String] {
    var lines = table
    lines += omissions + sequences + report.errors.map { "failed: \(printable($0))" } + proof + rejects
    lines += report.warnings.prefix(Self.mostWarnings).map { "warning: \(printable($0))" }
    if let reportFile { lines += ["report: \(reportFile.path)", "to look at: \(reportFile.pagePath)"] }
    return lines + ["next: \(next)"]
  }

  // MARK: Parts

  private var table: [String] {
    let title = report.isDryRun ? "would load" : "loaded"
    var table = TextTable(["table", "read", title, "already there", "rejected"])
    for one in report.tables.prefix(Self.mostTables) { table.add(Self.row(printable(one.table), [one])) }
    let others = Array(report.tables.dropFirst(Self.mostTables))
    if !others.isEmpty { table.add(Self.row("\(others.count) more", others)) }
    table.add(Self.row("all (\(report.tables.count))", report.tables))
    return table.lines
  }

  private static func row(_ name: String, _ tables: [TableReport]) -> [String] {
    let sum = { (path: KeyPath<TableReport, Int>) in tables.reduce(0) { $0 + $1[keyPath: path] }.grouped }
    return [name, sum(\.read), sum(\.loaded), sum(\.alreadyThere), sum(\.rejected)]
  }

  private var omissions: [String] {
    guard !report.omissions.isEmpty else { return [] }
    let some = report.omissions.prefix(Self.mostOmissions).map { omission in
      let place = omission.table.map { "\(printable($0)) " } ?? ""
      let kind = omission.kind.rawValue.replacing("_", with: " ")
      return
        "  \(kind) \(place)\(printable(omission.name)): \(shortened(printable(omission.reason), most: 200))"
    }
    let others = report.omissions.count - some.count
    return ["does not come along, or changed:"] + some
      + (others > 0 ? ["  \(others.grouped) more (--report)"] : [])
  }

  private var sequences: [String] {
    let set = report.sequences.filter(\.isSet)
    let problems = report.sequences.compactMap { sequence in
      sequence.problem.map { "sequence \(printable(sequence.name)) was not set: \($0)" }
    }
    guard !set.isEmpty else { return problems }
    let some = set.prefix(Self.mostTables).map {
      "\(printable($0.name)) to \($0.value.map { $0.grouped } ?? "0")"
    }
    let more = set.count > some.count ? ", \(set.count - some.count) more" : ""
    return ["sequences \(report.isDryRun ? "would be " : "")set: \(some.joined(separator: ", "))\(more)"]
      + problems
  }

  private var proof: [String] {
    guard let verification = report.verification else {
      return report.isDryRun ? ["dry run: nothing was written"] : ["not verified"]
    }
    var told = verification
    // In a copy these are the application's own.
    told.written = 0
    let beyond = verification.written
    return VerificationSummary(report: told).lines
      + (beyond > 0 ? ["  beside them: \(beyond.counted("row")) that the file does not have"] : [])
  }

  private var rejects: [String] {
    rejectLines(of: report.tables, isDryRun: report.isDryRun) { "\(printable($0.table))" }
  }

  private var next: String {
    if report.exitCode == 1 { return "see to what failed, and run the copy again" }
    if report.tables.isEmpty { return "see whether this is the file that you meant: nothing was copied" }
    if report.isDryRun { return "run it again without --dry-run" }
    if report.exitCode == 4 { return "look at the rows that differ; the file is unchanged" }
    if report.rejected > 0 {
      return
        "mend what the reasons tell, then run it again with --retry-rejects; all other rows are in Postgres"
    }
    if report.verification == nil { return "prove it: run it again without --no-verify" }
    if report.omissions.contains(where: { $0.kind == .column && $0.effect == .leftOut }) {
      return "see whether the columns that do not come along are needed; the file is unchanged"
    }
    return "point the application at Postgres; the file is unchanged"
  }
}
