// One run of a copy: which table goes where, in which order, and what became of each.

import AgentBase
import Postgres
import SQLite

/// A run over one file, under its lock.
struct CopyRun: Sendable {
  let reader: SourceReader
  let ledger: Ledger
  let identity: CopyIdentity
  let options: CopyOptions
  let onEvent: @Sendable (ImportEvent) -> Void

  private var connection: PostgresConnection { ledger.connection }
  private var fileName: String { reader.file.relativePath }

  func run(into report: inout CopyReport) async throws {
    let sources = try await sources(&report)
    let catalogue = try await Catalogue(reading: connection, schema: identity.schema)
    let routes = routes(sources, catalogue, &report)
    var rows: [Int] = []
    for route in routes { rows.append(try await reader.rowCount(of: route.source.table.name)) }
    onEvent(.planned(files: 1, tables: routes.count, rows: rows.reduce(0, +)))
    try await identity.enterFile(ledger)
    let lastNumbers = try await lastNumbers()
    var copied: [TableCopy] = []
    for group in LoadOrder(parents: Self.parents(of: routes)).groups {
      var copies: [(copy: TableCopy, report: TableReport)] = []
      for place in group.tables {
        copies.append(try await copy(routes[place], rows: rows[place], &report))
      }
      try await retry(&copies, isCircular: group.isCircular)
      for (copy, table) in copies {
        report.add(table)
        report.sequences += try await SequenceReset(connection: connection, isDryRun: options.isDryRun).run(
          copy.route, lastNumber: lastNumbers[copy.route.source.table.name])
      }
      copied += copies.map(\.copy)
    }
    if options.verifies, !options.isDryRun { report.verification = try await verify(copied) }
  }

  // MARK: - The proof

  /// Compares every row of the file with Postgres.
  private func verify(_ copies: [TableCopy]) async throws -> VerificationReport {
    let start = ContinuousClock.now
    var report = VerificationReport()
    var spelling: TextSpelling?
    if copies.contains(where: \.route.hasCastColumns) {
      spelling = TextSpelling(connection: try await DatabaseCopy.connect(options))
    }
    for copy in copies {
      let before = report.compared
      let (name, target) = (copy.route.source.table.name, copy.route.target.displayName)
      onEvent(
        .began(
          .verifying, file: fileName, table: name, target: target,
          rows: try await reader.rowCount(of: name)))
      try await CopyVerification(
        connection: connection, copy: copy, spelling: copy.route.hasCastColumns ? spelling : nil,
        rejected: try await ledger.rejectedRows(of: copy.inLedger), onEvent: onEvent
      ).run(into: &report)
      onEvent(
        .finished(.verifying, file: fileName, table: name, rows: report.compared - before, rejected: 0))
    }
    await spelling?.connection.close()
    report.seconds = start.secondsAgo
    return report
  }

  // MARK: - What goes where

  /// The tables of the file that are wanted.
  private func sources(_ report: inout CopyReport) async throws -> [LegacySchema.Table] {
    let all = try await reader.read { connection throws(SQLiteError) in
      try LegacySchema.wholeTables(connection)
    }
    guard let wanted = options.tables else { return all }
    var sources: [LegacySchema.Table] = []
    for name in wanted {
      if let source = all.named(name, \.table.name) {
        sources.append(source)
      } else {
        report.notInFile.append(name)
        warn("table \(name) is not in \(fileName) and was left out", &report)
      }
    }
    return sources
  }

  private func routes(
    _ sources: [LegacySchema.Table], _ catalogue: Catalogue, _ report: inout CopyReport
  ) -> [TableRoute] {
    var routes: [TableRoute] = []
    for source in sources {
      let name = source.table.name
      guard let target = catalogue.table(name) else {
        report.omit(.table, name, "the schema \(identity.schema) has no such table: its rows are not copied")
        continue
      }
      guard target.kind.takesRows else {
        report.omit(.table, name, "\(target.displayName) is a \(target.kind.words): its rows are not copied")
        continue
      }
      let route = TableRoute(source, to: target)
      report.omissions += route.omissions
      if route.columns.isEmpty {
        report.omit(
          .table, name, "no column of \(target.displayName) is in the source: its rows are not copied")
      } else {
        routes.append(route)
      }
    }
    return routes
  }

  private static func parents(of routes: [TableRoute]) -> [[Int]] {
    let places = Dictionary(
      routes.enumerated().map { ($0.element.target.oid, $0.offset) }, uniquingKeysWith: { first, _ in first })
    return routes.map { route in route.target.foreignKeys.compactMap { places[$0.parent] } }
  }

  /// What SQLite's counters say, by table.
  private func lastNumbers() async throws -> [String: Int64] {
    try await reader.read { connection throws(SQLiteError) in
      guard
        try connection.queryOne("SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence'") != nil
      else { return [:] }
      var numbers: [String: Int64] = [:]
      for row in try connection.query("SELECT name, seq FROM sqlite_sequence") {
        if let name = row[0].string, let number = row[1].int64 { numbers[name] = number }
      }
      return numbers
    }
  }

  // MARK: - Tables

  private func copy(
    _ route: TableRoute, rows: Int, _ report: inout CopyReport
  ) async throws -> (TableCopy, TableReport) {
    let start = ContinuousClock.now
    let name = route.source.table.name
    var table = TableReport(file: fileName, table: name, target: route.target.displayName)
    onEvent(.began(.copying, file: fileName, table: name, target: route.target.displayName, rows: rows))
    let isEmpty = try await connection.queryOne(
      PostgresStatement(sql: "SELECT NOT EXISTS (SELECT FROM \(route.target.sql))"))?.decode(0, as: Bool.self)
    let copy = TableCopy(
      reader: reader, ledger: ledger, identity: identity, route: route, options: options,
      ownsRows: try await identity.enter(route, isEmpty: isEmpty ?? false, ledger),
      isEmpty: isEmpty ?? false, onEvent: onEvent)
    do {
      try await copy.run(into: &table)
      if table.read != rows {
        report.errors.append("table \(name): \(table.read) of its \(rows) rows were accounted for")
      }
    } catch let error as ImportError where error.code == .conflict {
      report.errors.append(error.description.replacing("\n", with: ": "))
    }
    table.seconds = start.secondsAgo
    onEvent(.finished(.copying, file: fileName, table: name, rows: table.read, rejected: table.rejected))
    return (copy, table)
  }

  /// Tries rejected rows again: each where the user wants it, and those of tables that refer to each other, as their parents
  /// may have come after them.
  private func retry(_ copies: inout [(copy: TableCopy, report: TableReport)], isCircular: Bool) async throws
  {
    if options.retriesRejects { try await retryEach(&copies) }
    let circle = CircleLoad(ledger: ledger, copies: copies.map(\.copy))
    var waiting = isCircular && copies.contains { $0.report.rejected > 0 } ? try await circle.count() : 0
    while waiting > 0 {
      if let loaded = try await circle.run() {
        for (place, count) in loaded.enumerated() where count > 0 {
          var report = copies[place].report
          try await copies[place].copy.settle(ChunkLoader.Outcome(loaded: count), into: &report)
          copies[place].report = report
        }
        return
      }
      // One of them is refused for another reason too: by themselves they tell it, where their parents are there.
      try await retryEach(&copies)
      let before = waiting
      waiting = try await circle.count()
      if waiting == before { return }
    }
  }

  private func retryEach(_ copies: inout [(copy: TableCopy, report: TableReport)]) async throws {
    for place in copies.indices where copies[place].report.rejected > 0 {
      var report = copies[place].report
      try await copies[place].copy.retry(into: &report)
      copies[place].report = report
    }
  }

  private func warn(_ text: String, _ report: inout CopyReport) {
    report.warnings.append(text)
    onEvent(.warning(text))
  }
}

extension CopyReport {
  /// Takes the account of a table, which has to add up.
  fileprivate mutating func add(_ table: TableReport) {
    tables.append(table)
    if table.read != table.loaded + table.alreadyThere + table.rejected {
      errors.append(
        "table \(table.table): \(table.read) rows were read, but \(table.loaded) loaded, \(table.alreadyThere) there and \(table.rejected) rejected"
      )
    }
  }

  fileprivate mutating func omit(_ kind: Omission.Kind, _ name: String, _ reason: String) {
    omissions.append(Omission(kind: kind, effect: .leftOut, name: name, table: nil, reason: reason))
  }
}
