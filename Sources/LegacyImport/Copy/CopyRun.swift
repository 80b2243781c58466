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
    let plan = try await CopyPlan(
      reading: reader, schema: identity.schema, chosen: options.tables, connection: connection)
    report.notInFile = plan.notInFile
    for name in plan.notInFile { warn("table \(name) is not in \(fileName) and was left out", &report) }
    report.omissions = plan.translation.omissions + (try await plan.build.before())
    let (routes, omissions) = plan.routes(try await catalogue(plan))
    report.omissions += omissions
    let copied = try await copyAll(routes, &report)
    report.omissions += try await plan.build.after()
    if options.verifies, !options.isDryRun {
      // The keys by which rows are told from each other may be new.
      let keyed = plan.routes(try await Catalogue(reading: connection, schema: identity.schema)).routes
      report.verification = try await verify(
        copied.compactMap { copy in
          keyed.named(copy.route.source.table.name, \.source.table.name).map(copy.along)
        })
    }
  }

  /// The tables of Postgres. Those that an interrupted run has made and begun to fill are given their keys first.
  private func catalogue(_ plan: CopyPlan) async throws -> Catalogue {
    let catalogue = try await Catalogue(reading: connection, schema: identity.schema)
    var begun: Set<String> = []
    for route in plan.routes(catalogue).routes
    where plan.makes(route.source.table.name) && !route.target.keys.contains(where: \.isPrimary) {
      if try await !isEmpty(route.target) { begun.insert(route.target.name) }
    }
    guard try await plan.makeKeys(of: begun) else { return catalogue }
    return try await Catalogue(reading: connection, schema: identity.schema)
  }

  private func isEmpty(_ table: TargetTable) async throws -> Bool {
    let row = try await connection.queryOne(
      PostgresStatement(sql: "SELECT NOT EXISTS (SELECT FROM \(table.sql))"))
    return try row?.decode(0) ?? true
  }

  // MARK: - Rows

  /// Copies all tables, parents before children.
  private func copyAll(_ routes: [TableRoute], _ report: inout CopyReport) async throws -> [TableCopy] {
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
          copy.route, lastNumber: lastNumbers[copy.route.source.table.name.asciiLowercased])
      }
      copied += copies.map(\.copy)
    }
    return copied
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
        if let name = row[0].string, let number = row[1].int64 { numbers[name.asciiLowercased] = number }
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
    let isEmpty = try await isEmpty(route.target)
    let copy = TableCopy(
      reader: reader, ledger: ledger, identity: identity, route: route, options: options,
      ownsRows: try await identity.enter(route, isEmpty: isEmpty, ledger),
      isEmpty: isEmpty, onEvent: onEvent)
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
}
