// Moves one legacy file, in one snapshot: its tables one after the other, and then the proof.

import AgentBase
import Postgres
import SQLite

/// The import of one file.
struct FileImport: Sendable {
  let reader: SourceReader
  let target: ImportTargetServer
  let options: ImportOptions
  let clock: ImportClock
  let onEvent: @Sendable (ImportEvent) -> Void

  /// What became of the file.
  struct Outcome: Sendable {
    var tables: [TableReport] = []
    var verification = VerificationReport()
    /// Why the file could not be read to its end; what was moved before stays.
    var error: String?
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
      if !options.isDryRun { try await register(sources) }
      for (source, rows) in zip(sources, rows) { outcome.tables.append(try await move(source, rows: rows)) }
      if !options.isDryRun, options.verifies { outcome.verification = try await verify(sources) }
      if !options.isDryRun { try await target.unlock(file) }
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

  private func verify(_ sources: [SourceTable]) async throws -> VerificationReport {
    var report = VerificationReport()
    try await FileVerification(
      ledger: ledger, reader: reader, time: options.time, embeddingType: target.embeddingType,
      onEvent: onEvent
    ).run(sources, into: &report)
    return report
  }
}
