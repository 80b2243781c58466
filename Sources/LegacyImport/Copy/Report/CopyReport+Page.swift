// The page of a copy: what was copied, what does not come along, what was rejected, and the proof.

import AgentBase

extension ReportPage {
  /// The page of a copy. It is bounded, however large the database is: the JSON report has all of it.
  public init(_ report: CopyReport, of run: RunDescription) {
    let content = CopyPage(report: report, run: run)
    self.init(
      title: report.isDryRun ? "Dry run of a copy" : "Copy from SQLite into Postgres",
      subtitle: content.subtitle, outcome: content.outcome, figures: content.figures,
      sections: content.sections)
  }
}

/// Turns the report of a copy into the parts of a page.
private struct CopyPage {
  let report: CopyReport
  let run: RunDescription

  /// The most lines of one kind.
  private static let most = 200

  private var all: TableSum { TableSum(report.tables) }
  private var date: String { report.date.replacing("T", with: " ").replacing("Z", with: " UTC") }
  private var loadedWord: String { report.isDryRun ? "would be loaded" : "loaded" }

  // MARK: - The head

  var subtitle: String {
    "\(date), in \(ReportNumber.seconds(report.seconds)). From \(run.source) into the schema \(report.schema) of \(run.target)."
  }

  var outcome: ReportPage.Outcome {
    let code = " The command's exit code is \(report.exitCode)."
    switch report.exitCode {
    case 1:
      return .init(
        .bad, "\(report.errors.count.of("table")) could not be copied",
        detail: "The others were; those that failed are named below." + code)
    case 3:
      return .init(
        .caution,
        report.isDryRun
          ? "\(report.rejected.of("row")) would be rejected"
          : "Done, with \(report.rejected.of("row")) rejected",
        detail: report.isDryRun
          ? "Postgres cannot hold them. Nothing was written." + code
          : "Postgres cannot hold them; they are kept in agent_import_rejects with their raw values, and --retry-rejects loads them after a fix. All others are in Postgres."
            + code)
    case 4:
      return .init(
        .bad, "\((report.verification?.differenceCount ?? 0).of("difference")) between the file and Postgres",
        detail: "The rows that differ are named below. The file was not changed." + code)
    default:
      if report.isDryRun {
        return .init(.good, "All rows can be copied", detail: "All was done, and taken back." + code)
      }
      guard let proof = report.verification, proof.compared > 0 else {
        return .init(.neutral, "Done, not verified", detail: "No row was compared." + code)
      }
      let columns = report.omissions.filter { $0.kind == .column && $0.effect == .leftOut }.count
      if columns > 0 {
        return .init(
          .caution, "All rows are there, without \(columns.of("column"))",
          detail:
            "The tables of Postgres have no place for what is named below. All else was compared, value for value, and nothing differs."
            + code)
      }
      return .init(
        .good, "Nothing was lost",
        detail: "Every row of the file was compared with Postgres, value for value, and none differs." + code)
    }
  }

  var figures: [ReportPage.Figure] {
    var figures: [ReportPage.Figure] = [
      .init("Rows read", all.read.withSeparators),
      .init(report.isDryRun ? "Would be loaded" : "Loaded", all.loaded.withSeparators),
      .init("Already there", all.alreadyThere.withSeparators),
      .init("Rejected", all.rejected.withSeparators, tone: all.rejected > 0 ? .caution : .neutral),
    ]
    if let proof = report.verification {
      figures += [
        .init("Compared", proof.compared.withSeparators),
        .init(
          "Differences", proof.differenceCount.withSeparators, tone: proof.differenceCount > 0 ? .bad : .good),
      ]
    }
    figures.append(.init("Time", ReportNumber.seconds(report.seconds)))
    return figures
  }

  // MARK: - The sections

  var sections: [ReportPage.Section] {
    [copied, failed, rejects, omissions, sequences, rates, proof].compactMap(\.self) + [facts]
  }

  private var copied: ReportPage.Section {
    guard !report.tables.isEmpty else { return .init("What was copied", [.text("No table.")]) }
    let most = report.tables.map(\.read).max() ?? 0
    let rows = report.tables.prefix(Self.most).map { table in
      row(
        .name(table.table, note: table.target == table.table ? "" : table.target ?? ""), TableSum([table]),
        most)
    }
    let total = row(.text("All \(report.tables.count.withSeparators) tables"), all, nil, rank: .total)
    return .init(
      "What was copied",
      [
        .share(all.parts(loaded: loadedWord)),
        .table(
          .init(
            [
              ("Table", .label), ("Read", .number), ("Loaded", .number), ("Already there", .number),
              ("Rejected", .number), ("Time", .number), ("Rows", .bar),
            ], rows: rows + [total], more: more(report.tables.count, "table"))),
      ])
  }

  private func row(
    _ name: ReportPage.Table.Cell, _ sum: TableSum, _ most: Int?, rank: ReportPage.Table.Row.Rank = .member
  ) -> ReportPage.Table.Row {
    .init(
      [
        name, .number(sum.read), .number(sum.loaded), .number(sum.alreadyThere), .alarming(sum.rejected),
        .seconds(sum.seconds), most.map { .bar(sum.parts(loaded: loadedWord), of: $0) } ?? .none,
      ], rank: rank)
  }

  private var failed: ReportPage.Section? {
    let lines = report.errors + report.warnings
    guard !lines.isEmpty else { return nil }
    return .init(
      "What failed, and warnings",
      [
        .lines(
          lines.prefix(Self.most).map(ReportPage.shortened), more: more(lines.count, "line"))
      ])
  }

  private var rejects: ReportPage.Section? {
    guard report.rejected > 0 else { return nil }
    let rows = report.tables.lazy.flatMap { table in table.rejects.lazy.map { (table, $0) } }.prefix(
      Self.most
    )
    .map { table, reject in
      ReportPage.Table.Row([.text("\(reject.key)"), .text(table.table), .text(reject.reason)])
    }
    return .init(
      "Rejected rows",
      [
        .table(
          .init(
            [("Key", .code), ("Table", .text), ("Reason", .text)], rows: Array(rows),
            more: report.rejected > rows.count
              ? "\((report.rejected - rows.count).of("more row")) in \(report.isDryRun ? run.jsonReport : "agent_import_rejects")."
              : nil))
      ])
  }

  private var omissions: ReportPage.Section? {
    guard !report.omissions.isEmpty else { return nil }
    let rows = report.omissions.prefix(Self.most).map { omission in
      ReportPage.Table.Row([
        .text(omission.kind.rawValue.replacing("_", with: " ")), .text(omission.table ?? ""),
        .text(omission.name), .text(omission.effect == .leftOut ? "left out" : "changed"),
        .text(omission.reason),
      ])
    }
    return .init(
      "What does not come along, or comes along changed",
      [
        .table(
          .init(
            [
              ("What", .label), ("Table", .text), ("Name", .text), ("Effect", .label), ("Reason", .text),
            ], rows: Array(rows), more: more(report.omissions.count, "line")))
      ])
  }

  private var sequences: ReportPage.Section? {
    guard !report.sequences.isEmpty else { return nil }
    let rows = report.sequences.prefix(Self.most).map { sequence in
      ReportPage.Table.Row([
        .text(sequence.name), .text("\(sequence.table).\(sequence.column)"),
        .text(sequence.value.map { $0.formatted } ?? "none"),
        .text(
          sequence.problem ?? (sequence.isSet ? (report.isDryRun ? "would be set" : "set") : "as it was")),
      ])
    }
    return .init(
      "Sequences",
      [
        .table(
          .init(
            [("Sequence", .code), ("Column", .code), ("Last value", .number), ("", .text)], rows: Array(rows),
            more: more(report.sequences.count, "sequence")))
      ])
  }

  private var rates: ReportPage.Section? {
    guard all.read > 0 else { return nil }
    return .init("Rates", [.chart(.init(report.rates, seconds: report.seconds))])
  }

  private var proof: ReportPage.Section? {
    guard let proof = report.verification else { return nil }
    var facts = [
      ("Rows compared", proof.compared.withSeparators), ("Differences", proof.differenceCount.withSeparators),
      ("Rejected rows", proof.rejected.withSeparators), ("Took", ReportNumber.seconds(proof.seconds)),
    ]
    if proof.written > 0 { facts.append(("Rows that the file does not have", proof.written.withSeparators)) }
    var blocks: [ReportPage.Block] = [
      .text(
        "Each row was read from the file again, in the same snapshot, and compared with the row in Postgres."),
      .facts(facts.map { (name: $0.0, value: $0.1) }),
    ]
    if !proof.differences.isEmpty {
      let rows = proof.differences.prefix(Self.most).map { difference in
        ReportPage.Table.Row([
          .text(difference.kind.rawValue), .text(difference.table ?? ""), .text(difference.key),
          .text(difference.columns.joined(separator: ", ")),
        ])
      }
      blocks.append(
        .table(
          .init(
            [("What", .label), ("Table", .text), ("Key", .code), ("Columns", .text)], rows: Array(rows),
            more: more(proof.differenceCount, "difference"))))
    }
    return .init("The proof", blocks)
  }

  private var facts: ReportPage.Section {
    .init(
      "The run",
      [
        .facts([
          ("Began", date), ("Took", ReportNumber.seconds(report.seconds)), ("File", run.source),
          ("Target", run.target), ("Schema", report.schema), ("Exit code", "\(report.exitCode)"),
          ("JSON report", run.jsonReport),
        ])
      ])
  }

  private func more(_ count: Int, _ noun: String) -> String? {
    count > Self.most ? "\((count - Self.most).of("more " + noun)) in \(run.jsonReport)." : nil
  }
}

extension Int64 {
  fileprivate var formatted: String { Int(self).withSeparators }
}
