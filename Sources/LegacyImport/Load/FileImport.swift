// Moves one legacy file, in one snapshot: its tables one after the other, and behind each the proof.

import AgentBase
import Postgres
import SQLite

/// Postgres decides for an agent, and a file follows it: what that has came from Postgres, or was deleted there.
private struct FollowedAgent: Error, CustomStringConvertible {
  let agent: String

  var description: String {
    "Postgres decides for the agent \(agent), and its file follows: nothing is imported (agentbase cutover status)"
  }
}

/// The import of one file.
struct FileImport: Sendable {
  let reader: SourceReader
  let target: ImportTargetServer
  let options: ImportOptions
  let clock: ImportClock
  /// Whether no file comes after this one: then a table is complete when its last rows are loaded.
  let isLast: Bool
  let onEvent: @Sendable (ImportEvent) -> Void

  /// What became of the file.
  struct Outcome: Sendable {
    var tables: [TableReport] = []
    var verification = VerificationReport()
    /// Why the file could not be read to its end; what was moved before stays.
    var error: String?
    var warnings: [String] = []
  }

  private var file: LegacyFile { reader.file }
  private var ledger: Ledger {
    Ledger(connection: target.connection, runID: target.runID, migratedAt: clock.microseconds)
  }

  /// Moves the file.
  ///
  /// - Parameter announce: is told how many tables and rows there are, before the first one.
  /// - Throws: where the run as a whole cannot go on. A file that cannot be read is an outcome.
  func run(announce: (_ tables: Int, _ rows: Int) -> Void) async throws -> Outcome {
    var outcome = Outcome()
    do {
      // Before the snapshot is taken: another run must not have moved what this one does not see.
      if !options.isDryRun { try await target.lock(file) }
      try await reader.checkPages()
      if target.hasSchema { try await RestoredRows(connection: target.connection).leaveOut(of: reader) }
      let sources = try await reader.tables()
      var rows: [Int] = []
      for source in sources { rows.append(try await reader.rowCount(of: source)) }
      announce(sources.count, rows.reduce(0, +))
      if options.isDryRun {
        for (source, rows) in zip(sources, rows) {
          outcome.tables.append(try await move(source, rows: rows).report)
        }
      } else {
        let agents = try await register(sources)
        try await load(sources, rows: rows, into: &outcome)
        try await target.bury(agents)
        try await ledger.flush(file)
        try await target.unlock(file)
      }
    } catch let error as SQLiteError {
      outcome.error = error.description
    } catch let error as FollowedAgent {
      outcome.error = error.description
      try await target.unlock(file)
    }
    await reader.close()
    return outcome
  }

  // MARK: - Steps

  /// - Returns: the agents whose rows the tables hold.
  private func register(_ sources: [SourceTable]) async throws -> [String] {
    var agents: [(source: SourceTable, agents: [String])] = []
    for source in sources { agents.append((source, try await reader.agents(of: source))) }
    if let agent = try await target.decides(for: Set(agents.flatMap(\.agents)).sorted()) {
      throw FollowedAgent(agent: agent)
    }
    try await ledger.register(file, schema: try await reader.schema(), sources: agents)
    return Set(agents.flatMap(\.agents)).sorted()
  }

  /// Loads the tables one after the other. While one is loaded, the one before it is completed and verified, where the server
  /// has a second connection for that.
  private func load(_ sources: [SourceTable], rows: [Int], into outcome: inout Outcome) async throws {
    var tables: [TableReport] = []
    let finished = try await TwoSteps.run(atOnce: target.second != nil) { handOver in
      for (place, source) in sources.enumerated() {
        let (report, hasChanged) = try await move(source, rows: rows[place])
        tables.append(report)
        let isWaitedFor = sources[(place + 1)...].contains { $0.target == source.target }
        try handOver(
          LoadedTable(
            source: source, report: report, hasChanged: hasChanged, completesTarget: isLast && !isWaitedFor))
      }
    } second: { loaded in
      try await finish(loaded, on: target.second ?? target.connection)
    }
    outcome.tables += tables
    outcome.verification.add(finished.verification)
    outcome.warnings += finished.warnings
  }

  private func move(_ source: SourceTable, rows: Int) async throws -> (report: TableReport, hasChanged: Bool)
  {
    let start = ContinuousClock.now
    let (file, name) = (file.relativePath, source.table.name)
    var report = TableReport(
      file: file, table: name, target: source.target == .rows ? nil : source.target.table,
      isInternal: source.isBookkeeping)
    onEvent(.began(.importing, file: file, table: name, target: source.target.table, rows: rows))
    let table = TableImport(
      reader: reader, source: source, options: options, embeddingType: target.embeddingType,
      migratedAt: clock.text, onEvent: onEvent)
    var hasChanged = true
    if options.isDryRun {
      try await table.dryRun(ledger: target.hasSchema ? ledger.lines(of: source) : [], into: &report)
    } else {
      hasChanged = try await table.run(ledger, into: &report)
    }
    report.seconds = start.secondsAgo
    onEvent(.finished(.importing, file: file, table: name, rows: report.read, rejected: report.rejected))
    return (report, hasChanged)
  }

  // MARK: - Behind the load

  /// A table whose rows are there.
  private struct LoadedTable: Sendable {
    let source: SourceTable
    let report: TableReport
    /// Whether this run had anything to do.
    let hasChanged: Bool
    /// Whether no more rows come into the same table of Postgres.
    let completesTarget: Bool
  }

  /// What became of tables after their load.
  private struct Finished: Sendable {
    var verification = VerificationReport()
    var warnings: [String] = []
  }

  /// Completes and verifies tables, as they come.
  private func finish(
    _ tables: AsyncStream<LoadedTable>, on connection: PostgresConnection
  ) async throws -> Finished {
    var finished = Finished()
    let twin = try await reader.twin()
    if twin !== reader { try await RestoredRows(connection: connection).leaveOut(of: twin) }
    for await table in tables {
      try Task.checkCancellation()
      if table.completesTarget {
        finished.warnings += try await DeferredIndexes(connection: connection).complete(table.source.target)
      }
      if options.verifies { try await verify(table, twin, on: connection, into: &finished.verification) }
    }
    if twin !== reader { await twin.close() }
    return finished
  }

  /// Compares a table, unless it was compared by an earlier run and has changed on neither side since.
  private func verify(
    _ table: LoadedTable, _ reader: SourceReader, on connection: PostgresConnection,
    into report: inout VerificationReport
  ) async throws {
    let source = table.source
    let ledger = Ledger(connection: connection, runID: target.runID, migratedAt: clock.microseconds)
    let known = try await ledger.proof(of: source)
    if let known, !table.hasChanged {
      let present = try await ledger.presentProof(of: source)
      if known == present.text(time: options.time, embeddingType: target.embeddingType) {
        report.unchanged += present.rows
        report.rejected += table.report.rejected
        report.deleted += table.report.alreadyThere - present.rows
        return
      }
    }
    let proof = try await FileVerification(
      ledger: ledger, reader: reader, time: options.time, embeddingType: target.embeddingType,
      onEvent: onEvent
    ).run(source, into: &report)
    try await ledger.enter(
      proof: proof?.text(time: options.time, embeddingType: target.embeddingType), of: source)
  }
}
