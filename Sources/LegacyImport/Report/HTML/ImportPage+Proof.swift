// The page of an import: rows that were rejected, what did not come along, and the proof.

import AgentBase

extension ImportPage {
  /// The rejects with their reasons: what is the same for many rows once, and then the rows.
  var rejectsSection: ReportPage.Section? {
    guard report.rejected > 0 else { return nil }
    let listed = report.tables.lazy.flatMap { table in table.rejects.lazy.map { (table, $0) } }
    let rows = listed.prefix(Self.mostTables).map { table, reject in
      ReportPage.Table.Row([
        .text(reject.key.stringValue ?? "\(reject.key)"), .text("\(table.file) · \(table.table)"),
        .text(reject.reason),
      ])
    }
    let place =
      report.isDryRun
      ? "Postgres cannot hold these rows; the import would keep them in agent_import_rejects."
      : "Postgres cannot hold these rows. They are in agent_import_rejects with their raw values."
    return .init(
      "Rejected rows",
      [
        .text(place),
        .table(
          .init(
            [("Key", .code), ("Table", .text), ("Reason", .text)], rows: Array(rows),
            more: more(
              report.rejected, of: "row", shown: rows.count,
              elsewhere: report.isDryRun ? nil : "agent_import_rejects"))),
      ])
  }

  /// What is not in the four tables of Postgres, and why.
  var leftOutSection: ReportPage.Section? {
    var blocks: [ReportPage.Block] = []
    let failed =
      report.unreadable.map { "\($0.path): \($0.reason)" }
      + report.agents.flatMap { agent in agent.errors.map { "\(agent.id): \($0)" } }
    if !failed.isEmpty {
      blocks += [.text("Could not be read, or not to the end:"), lines(failed, "file")]
    }
    if !report.warnings.isEmpty {
      blocks += [.text("Warnings:"), lines(report.warnings, "warning")]
    }
    let others = report.otherTables
    if !others.isEmpty {
      let rows = others.prefix(Self.mostLines).map { table in
        ReportPage.Table.Row([.text(table.table), .text(table.file), .number(table.read)])
      }
      blocks += [
        .text(
          "These tables are none of memories, tools, metrics and executions. Their rows are kept so that a rollback makes them again; agentbase copy moves them as tables of their own."
        ),
        .table(
          .init(
            [("Table", .text), ("File", .code), ("Rows", .number)], rows: Array(rows),
            more: more(others.count, of: "table", shown: rows.count))),
      ]
    }
    return blocks.isEmpty ? nil : .init("What did not come along", blocks)
  }

  private func lines(_ all: [String], _ noun: String) -> ReportPage.Block {
    .lines(
      all.prefix(Self.mostLines).map(ReportPage.shortened),
      more: more(all.count, of: noun, shown: Self.mostLines))
  }

  // MARK: - The proof

  var proofSection: ReportPage.Section? {
    guard !report.isDryRun else { return nil }
    guard let proof = report.verification else {
      return .init("The proof", [.text("No row was compared. agentbase verify does it at any time.")])
    }
    var facts = [
      ("Rows compared", proof.compared.withSeparators), ("Differences", proof.differenceCount.withSeparators),
      ("Rejected rows", proof.rejected.withSeparators), ("Took", ReportNumber.seconds(proof.seconds)),
    ]
    if proof.unchanged > 0 {
      facts.append(("Compared before, unchanged since", proof.unchanged.withSeparators))
    }
    if proof.written > 0 { facts.append(("Written by agents since", proof.written.withSeparators)) }
    if proof.deleted > 0 { facts.append(("Deleted by agents since", proof.deleted.withSeparators)) }
    var blocks: [ReportPage.Block] = [
      .text(
        proof.compared > 0 || proof.unchanged == 0
          ? "Each row was read from the source again, in the same snapshot, and compared with the row in Postgres, value for value."
          : "Nothing has changed on either side since every row was compared, value for value: in the source by the digests in the ledger, in Postgres by the numbers of the transactions that wrote the rows."
      ), .facts(facts.map { (name: $0.0, value: $0.1) }),
    ]
    if !proof.differences.isEmpty { blocks.append(.table(differences(proof))) }
    return .init("The proof", blocks)
  }

  private func differences(_ proof: VerificationReport) -> ReportPage.Table {
    let rows = proof.differences.prefix(Self.mostTables).map { difference in
      ReportPage.Table.Row([
        .text(difference.kind.rawValue), .text(difference.columns.joined(separator: ", ")),
        .text(difference.key),
        .text([difference.file, difference.table].compactMap(\.self).joined(separator: " · ")),
        .text("\(difference.target) \(difference.id)"),
      ])
    }
    return .init(
      [
        ("What", .text), ("Columns", .text), ("Key", .code), ("Legacy table", .text), ("In Postgres", .code),
      ], rows: Array(rows),
      more: more(
        proof.differenceCount, of: "difference", shown: rows.count,
        elsewhere: "the database: agentbase verify counts them"))
  }
}
