// `agentbase copy`: a whole SQLite database into Postgres, in one snapshot, parents before children, and then the proof.

import AgentBase
import Foundation
import Postgres
import SQLite

/// Copies any SQLite database into a schema of Postgres.
///
/// The file is read at one moment, its write-ahead log included, and never changed. A chunk's rows and its line in the ledger
/// commit together, so that a run that ends in any way is completed by the next one, and a finished one adds nothing.
public struct DatabaseCopy: Sendable {
  private let path: String
  private let options: CopyOptions
  private let rates: RateRecorder
  private let onEvent: @Sendable (ImportEvent) -> Void

  /// A copy of a file.
  ///
  /// - Parameter onEvent: called from any thread while the copy runs; it must not block.
  /// - Throws: `ImportError` where it is no database that can be read.
  public init(
    file path: String, options: CopyOptions, onEvent: @escaping @Sendable (ImportEvent) -> Void = { _ in }
  ) throws(ImportError) {
    if SQLiteFile.kind(path) == .directory {
      throw ImportError(.source, "\(path) is a folder", advice: "give one SQLite file with --sqlite")
    }
    if let reason = Discovery.reasonAgainst(path) { throw reason }
    self.path = path
    self.options = options
    let rates = RateRecorder()
    self.rates = rates
    self.onEvent = { event in
      rates.take(event)
      onEvent(event)
    }
  }

  // MARK: - Running

  /// Copies all that is not there yet. A table that cannot be copied is named in the report, and the others are copied all the
  /// same.
  ///
  /// - Throws: `ImportError`, `SQLiteError`, `AgentBaseError` and `PostgresError` where the run as a whole cannot go on; what was
  ///   committed stays, and the next run goes on from there.
  public func run() async throws -> CopyReport {
    try await TimeLimit(options.timeout, of: "copy").run { try await runToTheEnd() }
  }

  /// Carries the report of a dry run out of the transaction that it ends.
  private struct DryRunEnd: Error {
    let report: CopyReport
  }

  private func runToTheEnd() async throws -> CopyReport {
    let start = ContinuousClock.now
    rates.begin()
    let connection = try await Self.connect(options)
    let reader = SourceReader(
      LegacyFile(path: path, relativePath: URL(filePath: path).lastPathComponent, agent: ""))
    var report: CopyReport
    do {
      if options.isDryRun {
        // All is done as in a real run, and taken back: only so the server says what it would refuse.
        report = try await connection.transaction { connection in
          throw DryRunEnd(report: try await copy(reader, connection))
        }
      } else {
        report = try await copy(reader, connection)
      }
    } catch let end as DryRunEnd {
      report = end.report
    }
    await reader.close()
    await connection.close()
    report.rates = rates.rates
    report.seconds = start.secondsAgo
    return report
  }

  /// Connects, with the settings that a copy wants.
  static func connect(_ options: CopyOptions) async throws -> PostgresConnection {
    var configuration = try PostgresConfiguration(options.postgresURL)
    if configuration["application_name"] == nil { configuration["application_name"] = "agentbase copy" }
    let connection = try await PostgresConnection.connect(configuration)
    // Values that the server reads from text, and writes as text for the proof, are spelled one way.
    let zone = options.time.naiveZone.identifier
    try await connection.executeScript(
      "SET datestyle = 'ISO, YMD'; SET intervalstyle = 'postgres'; SET client_min_messages = warning")
    _ = try await connection.query("SELECT set_config('timezone', \(zone == "GMT" ? "UTC" : zone), false)")
    return connection
  }

  private func copy(_ reader: SourceReader, _ connection: PostgresConnection) async throws -> CopyReport {
    let clock = ImportClock()
    var report = CopyReport(date: clock.text, isDryRun: options.isDryRun, file: path)
    let schema = try await schema(connection)
    report.schema = schema
    try await PostgresSchemaInstaller.books.install(on: connection)
    let runID = try await connection.queryOne("SELECT gen_random_uuid()")?.decode(0, as: PostgresUUID.self)
    let ledger = Ledger(
      connection: connection, runID: runID ?? PostgresUUID(high: 0, low: 0), migratedAt: clock.microseconds)
    let identity = CopyIdentity(schema: schema, fileName: reader.file.relativePath)
    // Two runs at once would each load what the other has not yet entered.
    _ = try await connection.query("SELECT pg_advisory_lock(\(identity.fileID))")
    // Only now the snapshot is taken: another run must not have moved what this one does not see.
    try await reader.checkPages()
    let second = try await second(connection)
    let run = CopyRun(
      reader: reader, ledger: ledger, identity: identity, options: options, second: second,
      onEvent: onEvent)
    do {
      try await run.run(into: &report)
    } catch {
      await second?.close()
      throw error
    }
    await second?.close()
    _ = try await connection.query("SELECT pg_advisory_unlock(\(identity.fileID))")
    return report
  }

  /// Opens the second connection, and lets the first not wait for the disk with each commit: rows and their line in the ledger
  /// are lost together or not at all, and `Ledger.flush` waits once. None in a dry run.
  private func second(_ connection: PostgresConnection) async throws -> PostgresConnection? {
    guard !options.isDryRun else { return nil }
    try await connection.execute("SET synchronous_commit = off")
    guard let second = try? await Self.connect(options) else { return nil }
    // Sorting in memory is what makes an index fast.
    try await second.execute("SET maintenance_work_mem = '256MB'")
    return second
  }

  /// The schema that the tables are in.
  private func schema(_ connection: PostgresConnection) async throws -> String {
    if let schema = options.schema { return schema }
    let row = try await connection.queryOne("SELECT current_schema()::text")
    guard let schema = try row?.decode(0, as: String?.self) else {
      throw ImportError(
        .target, "the connection's search_path names no schema that is there",
        advice: "name one with --schema, or set search_path in the URL")
    }
    return schema
  }
}
