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
  /// A second connection, on which a table gets its keys and is verified while the next is loaded; nil in a dry run, which is one
  /// transaction, and where the server has none to spare.
  let second: PostgresConnection?
  let onEvent: @Sendable (ImportEvent) -> Void

  private var connection: PostgresConnection { ledger.connection }
  private var fileName: String { reader.file.relativePath }

  func run(into report: inout CopyReport) async throws {
    let plan = try await CopyPlan(
      reading: reader, schema: identity.schema, chosen: options.tables, connection: connection)
    report.notInFile = plan.notInFile
    try refuseStrangeNames(plan)
    if plan.sources.isEmpty { warn("\(fileName) holds no table: nothing is copied", &report) }
    for name in plan.notInFile { warn("table \(name) is not in \(fileName) and was left out", &report) }
    report.omissions = plan.translation.omissions + (try await plan.build.before())
    let (routes, omissions) = plan.routes(try await catalogue(plan))
    report.omissions += omissions
    for omission in omissions where omission.kind == .table {
      let rows = try await reader.rowCount(of: omission.name)
      if rows > 0 { report.errors.append("table \(omission.name), \(rows) rows: \(omission.reason)") }
    }
    let finished = try await TwoSteps.run(atOnce: second != nil) { handOver in
      try await copyAll(routes, &report, handOver)
    } second: { copied in
      try await finish(copied, plan, on: second ?? connection)
    }
    report.omissions += finished.omissions
    report.omissions += try await plan.build.after(without: finished.made)
    if options.verifies, !options.isDryRun { report.verification = finished.verification }
    if !options.isDryRun { try await ledger.flush(agent: "", fileID: identity.fileID) }
  }

  /// Names of which the file has none are not its own: it is another file that is meant, or the names are wrong.
  private func refuseStrangeNames(_ plan: CopyPlan) throws(ImportError) {
    guard let chosen = options.tables, !chosen.isEmpty, plan.notInFile.count == chosen.count else { return }
    let names = plan.sources.prefix(20).map(\.table.name).joined(separator: ", ")
    throw ImportError(
      .source, "\(fileName) has no table \(chosen.joined(separator: ", "))",
      advice: names.isEmpty ? "it has none at all: check the path" : "it has \(names)")
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
  private func copyAll(
    _ routes: [TableRoute], _ report: inout CopyReport, _ handOver: (TableCopy) throws -> Void
  ) async throws {
    var rows: [Int] = []
    for route in routes { rows.append(try await reader.rowCount(of: route.source.table.name)) }
    onEvent(.planned(files: 1, tables: routes.count, rows: rows.reduce(0, +)))
    try await identity.enterFile(ledger)
    let lastNumbers = try await lastNumbers()
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
        try handOver(copy)
      }
    }
  }

  // MARK: - Behind the load

  /// What became of tables whose rows are there.
  private struct Finished: Sendable {
    var verification = VerificationReport()
    /// The places of the steps that were done, and what there is to say of them.
    var made: Set<Int> = []
    var omissions: [Omission] = []
  }

  /// Makes the keys and indexes of tables and compares their rows, as they come.
  private func finish(
    _ copies: AsyncStream<TableCopy>, _ plan: CopyPlan, on connection: PostgresConnection
  ) async throws -> Finished {
    var finished = Finished()
    let twin = try await reader.twin()
    let proof = CopyProof(connection: connection, run: self)
    for await copy in copies {
      try Task.checkCancellation()
      let places = plan.steps(of: copy.route)
      let build = SchemaBuild(translation: plan.translation, connection: connection)
      for place in places {
        finished.made.insert(place)
        if let omission = try await build.perform(plan.translation.after[place]) {
          finished.omissions.append(omission)
        }
      }
      guard options.verifies, !options.isDryRun else { continue }
      // The keys by which rows are told from each other may be new.
      let known = places.isEmpty ? copy : try await plan.keyed(copy, on: connection)
      if let known { try await proof.compare(known.with(reader: twin), into: &finished.verification) }
    }
    await proof.close()
    if twin !== reader { await twin.close() }
    return finished
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
