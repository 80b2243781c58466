// Verifies the tables of one file, within the snapshot that it is read in.

import AgentBase
import Postgres

/// The verification of one legacy file.
struct FileVerification: Sendable {
  let ledger: Ledger
  let reader: SourceReader
  let time: LegacyTime
  let embeddingType: EmbeddingType
  let onEvent: @Sendable (ImportEvent) -> Void

  /// Compares every row of these tables.
  func run(_ sources: [SourceTable], into report: inout VerificationReport) async throws {
    for source in sources { _ = try await run(source, into: &report) }
  }

  /// Compares every row of a table.
  ///
  /// - Returns: what was seen, where there was no difference.
  func run(_ source: SourceTable, into report: inout VerificationReport) async throws -> Proof? {
    let start = ContinuousClock.now
    defer { report.seconds += start.secondsAgo }
    let lines = try await ledger.lines(of: source)
    let times = MigrationTimes(lines, otherwise: lines.map(\.migratedAt).max() ?? ledger.migratedAt)
    let before = report.compared
    onEvent(
      .began(
        .verifying, file: source.file.relativePath, table: source.table.name, target: source.target.table,
        rows: try await reader.rowCount(of: source)))
    let proof = try await TableVerification(
      connection: ledger.connection, reader: reader, source: source,
      encoder: RowEncoder(source: source, time: time, embeddingType: embeddingType, migratedAt: times),
      agents: try await ledger.agents(of: source), onEvent: onEvent
    ).run(into: &report)
    onEvent(
      .finished(
        .verifying, file: source.file.relativePath, table: source.table.name,
        rows: report.compared - before,
        rejected: 0))
    return proof
  }
}
