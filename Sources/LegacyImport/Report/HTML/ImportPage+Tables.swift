// The page of an import: what was moved, by table of Postgres, and by agent and legacy table.

extension ImportPage {
  /// All rows in one bar, and by the table that they went to.
  var movedSection: ReportPage.Section {
    guard all.read > 0 else {
      return .init(movedTitle, [.text("No row: the files hold none, or none could be read.")])
    }
    var blocks: [ReportPage.Block] = [.share(all.parts(loaded: loadedWord))]
    var byTarget: [String: [TableReport]] = [:]
    for table in report.tables { byTarget[table.target ?? "", default: []].append(table) }
    let most = byTarget.values.map { TableSum($0).read }.max() ?? 0
    let rows = byTarget.sorted { ($0.key.isEmpty ? 1 : 0, $0.key) < ($1.key.isEmpty ? 1 : 0, $1.key) }.map {
      target, tables in
      ReportPage.Table.Row(
        [.text(target.isEmpty ? "kept for the way back only" : target), .number(tables.count)]
          + account(TableSum(tables), of: most))
    }
    blocks.append(.table(.init(columns("Table of Postgres", "Legacy tables"), rows: rows)))
    return .init(movedTitle, blocks)
  }

  private var movedTitle: String { report.isDryRun ? "What would be moved" : "What was moved" }

  /// Every agent with its tables; where there are many, those with something to look at first.
  var agentsSection: ReportPage.Section? {
    guard !report.agents.isEmpty else { return nil }
    let isTroubled = { (agent: ImportReport.Agent) in
      !agent.errors.isEmpty || agent.tables.contains { $0.rejected > 0 }
    }
    let agents =
      report.agents.count > Self.mostAgents
      ? report.agents.filter(isTroubled) + report.agents.filter { !isTroubled($0) } : report.agents
    let shown = agents.prefix(Self.mostAgents)
    let most = shown.flatMap(\.tables).map(\.read).max() ?? 0
    var rows: [ReportPage.Table.Row] = []
    var tablesLeft = Self.mostTables
    var tablesLeftOut = 0
    for agent in shown {
      let sum = TableSum(agent.tables)
      let files = Set(agent.tables.map(\.file))
      let note = files.count == 1 ? files.first ?? "" : files.count.of("file")
      rows.append(.init([.name(agent.id, note: note), .none] + account(sum, of: nil), rank: .group))
      let tables = agent.tables.filter { !$0.isInternal }
      for table in tables.prefix(tablesLeft) {
        rows.append(row(table, note: files.count == 1 ? "" : table.file, most: most))
      }
      tablesLeftOut += max(0, tables.count - tablesLeft)
      tablesLeft -= min(tables.count, tablesLeft)
      let own = agent.tables.filter(\.isInternal)
      if !own.isEmpty {
        rows.append(
          .init(
            [.text("\(own.count.of("table")) of SQLite's own"), .none] + account(TableSum(own), of: most)))
      }
    }
    if report.agents.count > 1 {
      rows.append(
        .init(
          [.text("All \(report.agents.count.withSeparators) agents"), .none] + account(all, of: nil),
          rank: .total))
    }
    let more = [
      more(agents.count, of: "agent", shown: shown.count),
      tablesLeftOut > 0 ? "\(tablesLeftOut.of("more table")) of these agents in \(run.jsonReport)." : nil,
    ].compactMap(\.self)
    return .init(
      "Agents and their tables",
      [
        .table(
          .init(
            columns("Agent and table", "Goes to", .label), rows: rows,
            more: more.isEmpty ? nil : more.joined(separator: " ")))
      ])
  }

  private func row(_ table: TableReport, note: String, most: Int) -> ReportPage.Table.Row {
    .init(
      [.name(table.table, note: note), .text(table.target ?? "the way back")]
        + account(TableSum([table]), of: most))
  }

  // MARK: - Columns

  private func columns(
    _ first: String, _ second: String, _ alignment: ReportPage.Table.Alignment = .number
  ) -> [(title: String, alignment: ReportPage.Table.Alignment)] {
    [
      (first, alignment == .label ? .text : .label), (second, alignment), ("Read", .number),
      (report.isDryRun ? "To load" : "Loaded", .number), ("Already there", .number),
      ("Rejected", .number), ("Time", .number), ("Rows", .bar),
    ]
  }

  /// The cells of an account; `most` is how many rows a whole bar stands for, nil for no bar.
  private func account(_ sum: TableSum, of most: Int?) -> [ReportPage.Table.Cell] {
    [
      .number(sum.read), .number(sum.loaded), .number(sum.alreadyThere), .alarming(sum.rejected),
      .seconds(sum.seconds), most.map { .bar(sum.parts(loaded: loadedWord), of: $0) } ?? .none,
    ]
  }
}
