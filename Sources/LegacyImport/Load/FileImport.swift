// Moves one legacy file, in one snapshot: its tables one after the other, and behind each the proof.

import AgentBase
import Postgres
import SQLite

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
      let sources = try await reader.tables()
      var rows: [Int] = []
      for source in sources { rows.append(try await reader.rowCount(of: source)) }
      announce(sources.count, rows.reduce(0, +))
      if options.isDryRun {
        for (source, rows) in zip(sources, rows) { outcome.tables.append(try await move(source, rows: rows)) }
      } else {
        try await register(sources)
        try await load(sources, rows: rows, into: &outcome)
        try await ledger.flush(file)
        try await target.unlock(file)
      }
    } catch let error as SQLiteError {
      outcome.error = error.description
    }
    await reader.close()
    return outcome
  }

  // MARK: - Steps

  private func register(_ sources: [SourceTable]) async throws {
    var agents: [(source: SourceTable, agents: [String])] = []
    for source in sources { agents.append((source, try await reader.agents(of: source))) }
    try await ledger.register(file, schema: try await reader.schema(), sources: agents)
  }

  /// Loads the tables one after the other. While one is loaded, the one before it is completed and verified, where the server
  /// has a second connection for that.
  private func load(_ sources: [SourceTable], rows: [Int], into outcome: inout Outcome) async throws {
    guard let second = target.second else {
      for (source, rows) in zip(sources, rows) { outcome.tables.append(try await move(source, rows: rows)) }
      let (loaded, queue) = AsyncStream.makeStream(of: Int.self)
      for place in sources.indices { queue.yield(place) }
      queue.finish()
      return outcome.add(try await finish(loaded, of: sources, on: target.connection))
    }
    var tables: [TableReport] = []
    let finished = try await withThrowingTaskGroup(of: Finished.self) { group in
      let (loaded, queue) = AsyncStream.makeStream(of: Int.self)
      defer { queue.finish() }
      group.addTask { try await finish(loaded, of: sources, on: second) }
      for place in sources.indices {
        tables.append(try await move(sources[place], rows: rows[place]))
        queue.yield(place)
      }
      queue.finish()
      return try await group.next() ?? Finished()
    }
    outcome.tables += tables
    outcome.add(finished)
  }

  /// What became of tables after their load.
  fileprivate struct Finished: Sendable {
    var verification = VerificationReport()
    var warnings: [String] = []
  }

  /// Completes and verifies the tables at these places, as they come.
  private func finish(
    _ places: some AsyncSequence<Int, Never> & Sendable, of sources: [SourceTable],
    on connection: PostgresConnection
  ) async throws -> Finished {
    var finished = Finished()
    for await place in places {
      try Task.checkCancellation()
      let source = sources[place]
      if isLast, !sources[(place + 1)...].contains(where: { $0.target == source.target }) {
        finished.warnings += try await DeferredIndexes(connection: connection).complete(source.target)
      }
      if options.verifies { try await verify(source, on: connection, into: &finished.verification) }
    }
    return finished
  }

  private func move(_ source: SourceTable, rows: Int) async throws -> TableReport {
    let start = ContinuousClock.now
    let (file, name) = (file.relativePath, source.table.name)
    var report = TableReport(
      file: file, table: name, target: source.target == .rows ? nil : source.target.table,
      isInternal: source.isBookkeeping)
    onEvent(.began(.importing, file: file, table: name, target: source.target.table, rows: rows))
    let table = TableImport(
      reader: reader, source: source, options: options, embeddingType: target.embeddingType,
      migratedAt: clock.text, onEvent: onEvent)
    if options.isDryRun {
      try await table.dryRun(ledger: target.hasSchema ? ledger.lines(of: source) : [], into: &report)
    } else {
      try await table.run(ledger, into: &report)
    }
    report.seconds = start.secondsAgo
    onEvent(.finished(.importing, file: file, table: name, rows: report.read, rejected: report.rejected))
    return report
  }

  private func verify(
    _ source: SourceTable, on connection: PostgresConnection, into report: inout VerificationReport
  ) async throws {
    let ledger = Ledger(connection: connection, runID: target.runID, migratedAt: clock.microseconds)
    try await FileVerification(
      ledger: ledger, reader: reader, time: options.time, embeddingType: target.embeddingType,
      onEvent: onEvent
    ).run([source], into: &report)
  }
}

extension FileImport.Outcome {
  fileprivate mutating func add(_ finished: FileImport.Finished) {
    verification.add(finished.verification)
    warnings += finished.warnings
  }
}
