// `agentbase verify`: the proof by itself, of files as they are now against Postgres as it is now.

import AgentBase
import Postgres
import SQLite

/// Compares every row of legacy files with the row in Postgres, value for value; changes nothing.
public struct Verifier: Sendable {
  private let discovery: Discovery
  private let options: ImportOptions
  private let onEvent: @Sendable (ImportEvent) -> Void

  /// A verification of what was found.
  public init(
    _ discovery: Discovery, options: ImportOptions,
    onEvent: @escaping @Sendable (ImportEvent) -> Void = { _ in }
  ) {
    self.discovery = discovery
    self.options = options
    self.onEvent = onEvent
  }

  /// Compares all that was found.
  ///
  /// - Throws: `ImportError` where a file cannot be read, or the target holds no import; `PostgresError` where the server fails.
  public func run() async throws -> VerificationReport {
    if let (path, reason) = discovery.unreadable.first {
      throw ImportError(
        .source, "\(path): \(reason)", advice: "nothing was compared; leave the file out, or mend it")
    }
    let target = try await ImportTargetServer(postgresURL: options.postgresURL, for: .reading)
    guard target.hasSchema else {
      throw ImportError(
        .target, "the database holds nothing that agentbase import has moved",
        advice: "run agentbase import first; what agentbase copy has copied, agentbase copy compares again")
    }
    var report = VerificationReport()
    var (tables, rows) = (0, 0)
    onEvent(.planned(files: discovery.files.count, tables: tables, rows: rows))
    for file in discovery.files {
      let reader = SourceReader(file)
      let ledger = Ledger(connection: target.connection, runID: target.runID, migratedAt: 0)
      do {
        try await RestoredRows(connection: target.connection).leaveOut(of: reader)
        let sources = try await reader.tables()
        tables += sources.count
        for source in sources { rows += try await reader.rowCount(of: source) }
        onEvent(.planned(files: discovery.files.count, tables: tables, rows: rows))
        try await FileVerification(
          ledger: ledger, reader: reader, time: options.time, embeddingType: target.embeddingType,
          onEvent: onEvent
        ).run(sources, into: &report)
      } catch let error as SQLiteError {
        throw ImportError(.source, error.description)
      }
      await reader.close()
    }
    try await StrayRows(connection: target.connection).find(
      agents: Set(discovery.files.map(\.agent)).sorted(), into: &report)
    await target.connection.close()
    return report
  }
}
