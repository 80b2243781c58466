// The demo's import: dry run, import, proof, import again.

internal import AgentBase
internal import DemoFleet
internal import LegacyImport
internal import Postgres

extension DemoStory {
  func dryRun() async throws -> DemoFinding {
    let report = try await runImport { $0.isDryRun = true }
    let tables = try await stage.withConnection { connection in
      try await connection.queryOne(
        "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace")?.decode(0, as: Int.self)
        ?? 0
    }
    let wrong = tablesCountedWrong(in: report, rows: \.loaded)
    return DemoFinding(
      holds: report.exitCode == 0 && report.rejected == 0 && tables == 0 && wrong.isEmpty,
      claim: "\(rowCount) rows read and converted, \(report.rejected) rejected, nothing written",
      lines: wrong + problems(of: report),
      facts: [
        "rows": .integer(rowCount), "rejected": .integer(report.rejected),
        "tables_in_postgres": .integer(tables),
      ])
  }

  func importFleet() async throws -> DemoFinding {
    let report = try await runImport { $0.verifies = false }
    let wrong = tablesCountedWrong(in: report, rows: \.loaded)
    let (counts, differing) = (try await countsByTarget(), try differingFiles())
    let expected = LegacyKind.allCases.map { ($0.targetTable, expectedRows(of: $0)) }
    let others = files.flatMap { file in
      file.tables.filter { $0.kind == .ordinary && LegacyKind(tableName: $0.name) == nil }.map { (file, $0) }
    }
    let named = others.count { file, table in
      report.otherTables.contains { $0.file == file.relativePath && $0.table == table.name }
    }
    let holds =
      report.exitCode == 0 && report.rejected == 0 && wrong.isEmpty && differing.isEmpty
      && named == others.count && expected.allSatisfy { counts[$0.0] == $0.1 }
    return DemoFinding(
      holds: holds,
      claim: differing.isEmpty
        ? "\(rowCount) rows, \(report.rejected) rejected; no byte of a source file has changed"
        : "\(rowCount) rows; a source file has changed",
      lines: [
        expected.map { name, _ in "\(name) \(counts[name] ?? 0)" }.joined(separator: ", "),
        "\(named) of \(others.count) other tables named in the report, and kept for the way back",
      ] + wrong + differing.map { "changed: \($0)" } + problems(of: report),
      facts: [
        "rejected": .integer(report.rejected), "other_tables": .integer(named),
        "rows": .object(JSONObject(expected.map { ($0.0, .integer(counts[$0.0] ?? 0)) })),
      ])
  }

  func proof() async throws -> DemoFinding {
    let report = try await verify()
    return DemoFinding(
      holds: report.exitCode == 0 && report.differenceCount == 0 && report.compared >= rowCount,
      claim:
        "all \(rowCount) rows, and \(report.compared - rowCount) of SQLite's own, compared by value: \(report.differenceCount) differ",
      lines: report.differences.prefix(3).map(\.description), facts: ["verification": report.json])
  }

  func importAgain() async throws -> DemoFinding {
    let before = try await countsByTarget()
    let report = try await runImport { $0.verifies = false }
    let after = try await countsByTarget()
    let wrong = tablesCountedWrong(in: report, rows: \.alreadyThere)
    let added = report.tables.reduce(0) { $0 + $1.loaded }
    return DemoFinding(
      holds: report.exitCode == 0 && added == 0 && before == after && wrong.isEmpty,
      claim: "\(added.counted("row")) added; \(rowCount) were there already",
      lines: wrong + problems(of: report), facts: ["added": .integer(added)])
  }

  // MARK: - Running

  /// Compares every row of the fleet with Postgres.
  func verify() async throws -> VerificationReport {
    try await Verifier(
      Discovery(root: stage.agents), options: ImportOptions(postgresURL: stage.url), onEvent: { _ in }
    ).run()
  }

  private func runImport(_ change: (inout ImportOptions) -> Void) async throws -> ImportReport {
    var options = ImportOptions(postgresURL: stage.url)
    change(&options)
    return try await Importer(Discovery(root: stage.agents), options: options, onEvent: { _ in }).run()
  }

  // MARK: - Counting

  /// Rows of the fleet's tables of a kind.
  private func expectedRows(of kind: LegacyKind) -> Int {
    files.flatMap(\.tables).filter { $0.kind == .ordinary && LegacyKind(tableName: $0.name) == kind }
      .reduce(0) { $0 + $1.rows }
  }

  /// The tables of the fleet whose rows the report does not count as the files do, each in one line.
  private func tablesCountedWrong(in report: ImportReport, rows: KeyPath<TableReport, Int>) -> [String] {
    files.flatMap { file in
      file.tables.filter { $0.kind == .ordinary }.compactMap { table in
        let found = report.tables.filter { $0.file == file.relativePath && $0.table == table.name }
        let count = found.reduce(0) { $0 + $1[keyPath: rows] }
        return count == table.rows
          ? nil : "\(file.relativePath) \(table.name): \(count) of \(table.rows) rows"
      }
    }
  }

  private func problems(of report: ImportReport) -> [String] {
    report.unreadable.map { "\($0.path): \($0.reason)" } + report.agents.flatMap(\.errors)
      + report.tables.flatMap { table in
        table.rejects.map { "rejected: \(table.file) \(table.table) \($0.key): \($0.reason)" }
      }
  }

  /// Rows in Postgres, by table.
  private func countsByTarget() async throws -> [String: Int] {
    try await stage.withConnection { connection in
      var counts: [String: Int] = [:]
      for kind in LegacyKind.allCases {
        let row = try await connection.queryOne("SELECT count(*) FROM \(identifier: kind.targetTable)")
        counts[kind.targetTable] = try row?.decode(0, as: Int.self)
      }
      return counts
    }
  }
}
