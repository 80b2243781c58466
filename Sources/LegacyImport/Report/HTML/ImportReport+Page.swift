// The page of an import: what was moved, how fast, what was not, and the proof.

extension ReportPage {
  /// The page of an import.
  ///
  /// It is bounded, however many agents there are: totals, the first of each kind, and a line that says how many more the JSON
  /// report holds.
  public init(_ report: ImportReport, of run: RunDescription) {
    let content = ImportPage(report: report, run: run)
    self.init(
      title: report.isDryRun ? "Dry run of an import" : "Import from SQLite into Postgres",
      subtitle: content.subtitle, outcome: content.outcome, figures: content.figures,
      sections: content.sections)
  }
}

/// Turns a report into the parts of a page.
struct ImportPage {
  let report: ImportReport
  let run: RunDescription

  /// The most lines of one kind.
  static let mostLines = 50
  /// The most agents, and the most tables under all of them.
  static let mostAgents = 50
  static let mostTables = 200

  var all: TableSum { TableSum(report.tables) }
  var loadedWord: String { report.isDryRun ? "would be loaded" : "loaded" }

  // MARK: - The head

  var subtitle: String {
    let date = report.date.replacing("T", with: " ").replacing("Z", with: " UTC")
    return "\(date), in \(ReportNumber.seconds(report.seconds)). From \(run.source) into \(run.target)."
  }

  var outcome: ReportPage.Outcome {
    let code = " The command's exit code is \(report.exitCode)."
    switch report.exitCode {
    case 1:
      let files = report.unreadable.count + report.agents.reduce(0) { $0 + $1.errors.count }
      return .init(
        .bad, "\(files.of("file")) could not be moved",
        detail:
          "What could be read was \(report.isDryRun ? "converted" : "moved"); the files that failed are named below."
          + troubles + code)
    case 3:
      return .init(
        .caution,
        report.isDryRun
          ? "\(report.rejected.of("row")) would be rejected"
          : "Done, with \(report.rejected.of("row")) rejected",
        detail: report.isDryRun
          ? "Postgres cannot hold them. Nothing was written." + code
          : "Postgres cannot hold them; they are kept in agent_import_rejects with their raw values. All others are in Postgres."
            + code)
    case 4:
      let count = report.verification?.differenceCount ?? 0
      return .init(
        .bad, "\(count.of("difference")) between the source and Postgres",
        detail: "The rows that differ are named below. The source was not changed." + code)
    default: return .init(outcomeOfSuccess.0, outcomeOfSuccess.1, detail: outcomeOfSuccess.2 + code)
    }
  }

  /// What else there is to look at where files have failed.
  private var troubles: String {
    let differences = report.verification?.differenceCount ?? 0
    return (differences > 0 ? " \(differences.of("difference")) between source and Postgres." : "")
      + (report.rejected > 0 ? " \(report.rejected.of("row")) rejected." : "")
  }

  private var outcomeOfSuccess: (ReportPage.Tone, String, String) {
    if report.isDryRun {
      return (.good, "All rows can be moved", "Every row was read and converted. Nothing was written.")
    }
    guard let verification = report.verification else {
      return (
        .neutral, "Done, not verified", "No row was compared: the run was told not to, or ended before."
      )
    }
    guard verification.proved > 0 else {
      return (.neutral, "There was nothing to move", "The files hold no row.")
    }
    return (
      .good, "Nothing was lost",
      "Every row of the source was compared with Postgres, value for value, and none differs."
    )
  }

  var figures: [ReportPage.Figure] {
    var figures: [ReportPage.Figure] = [
      .init("Rows read", all.read.withSeparators),
      .init(report.isDryRun ? "Would be loaded" : "Loaded", all.loaded.withSeparators),
      .init("Already there", all.alreadyThere.withSeparators),
      .init("Rejected", all.rejected.withSeparators, tone: all.rejected > 0 ? .caution : .neutral),
    ]
    if let verification = report.verification {
      let differs = verification.differenceCount > 0
      figures += [
        .init("Proved", verification.proved.withSeparators),
        .init(
          "Differences", verification.differenceCount.withSeparators,
          tone: differs ? .bad : verification.proved > 0 ? .good : .neutral),
      ]
    }
    figures.append(.init("Time", ReportNumber.seconds(report.seconds)))
    if all.read > 0, report.seconds > 0 {
      figures.append(.init("Rows a second", Int(Double(all.read) / report.seconds).withSeparators))
    }
    return figures
  }

  // MARK: - The sections

  var sections: [ReportPage.Section] {
    [movedSection, agentsSection, ratesSection, rejectsSection, leftOutSection, proofSection, runSection]
      .compactMap(\.self)
  }

  private var ratesSection: ReportPage.Section? {
    guard all.read > 0 else { return nil }
    return .init("Rates", [.chart(.init(report.rates, seconds: report.seconds))])
  }

  private var runSection: ReportPage.Section {
    var facts = [
      ("Began", report.date.replacing("T", with: " ").replacing("Z", with: " UTC")),
      ("Took", ReportNumber.seconds(report.seconds)), ("Source", run.source), ("Target", run.target),
    ]
    if let backup = run.backup { facts.append(("Backup", backup)) }
    facts.append(("Exit code", "\(report.exitCode): \(exitWords)"))
    facts.append(("JSON report", run.jsonReport))
    return .init("The run", [.facts(facts.map { (name: $0.0, value: $0.1) })])
  }

  private var exitWords: String {
    switch report.exitCode {
    case 0: "done"
    case 1: "a file or an agent failed"
    case 3: "done, with rows rejected"
    case 4: "the proof found a difference"
    default: "failed"
    }
  }

  /// How many are left out of a list; nil where none are.
  func more(_ count: Int, of noun: String, shown: Int, elsewhere: String? = nil) -> String? {
    guard count > shown else { return nil }
    return "\((count - shown).of("more " + noun)) in \(elsewhere ?? run.jsonReport)."
  }
}

/// The accounts of several tables together.
struct TableSum {
  private(set) var read = 0
  private(set) var loaded = 0
  private(set) var alreadyThere = 0
  private(set) var rejected = 0
  private(set) var seconds = 0.0

  init(_ tables: some Sequence<TableReport>) {
    for table in tables {
      read += table.read
      loaded += table.loaded
      alreadyThere += table.alreadyThere
      rejected += table.rejected
      seconds += table.seconds
    }
  }

  /// What became of the rows, as a bar shows it.
  func parts(loaded word: String) -> [ReportPage.Part] {
    [
      .init(.loaded, word, rows: loaded), .init(.there, "already there", rows: alreadyThere),
      .init(.rejected, "rejected", rows: rejected),
    ]
  }
}
