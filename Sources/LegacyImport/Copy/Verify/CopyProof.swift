// The proof of a run's tables, one after the other, on one connection.

import AgentBase
import Postgres

/// Compares copied tables with the file.
actor CopyProof {
  private let connection: PostgresConnection
  private let run: CopyRun
  /// Spells values as the server does; with a connection of its own, which is opened for the first table that needs it.
  private var spelling: TextSpelling?

  /// A proof of what a run has copied.
  init(connection: PostgresConnection, run: CopyRun) {
    self.connection = connection
    self.run = run
  }

  /// Compares every row of a table.
  func compare(_ copy: TableCopy, into report: inout VerificationReport) async throws {
    let start = ContinuousClock.now
    let before = report.compared
    let (name, target) = (copy.route.source.table.name, copy.route.target.displayName)
    let file = copy.reader.file.relativePath
    run.onEvent(
      .began(
        .verifying, file: file, table: name, target: target, rows: try await copy.reader.rowCount(of: name)))
    if copy.route.hasCastColumns, spelling == nil {
      spelling = TextSpelling(connection: try await DatabaseCopy.connect(run.options))
    }
    let ledger = Ledger(connection: connection, runID: run.ledger.runID, migratedAt: run.ledger.migratedAt)
    try await CopyVerification(
      connection: connection, copy: copy, spelling: copy.route.hasCastColumns ? spelling : nil,
      rejected: try await ledger.rejectedRows(of: copy.inLedger), onEvent: run.onEvent
    ).run(into: &report)
    run.onEvent(.finished(.verifying, file: file, table: name, rows: report.compared - before, rejected: 0))
    report.seconds += start.secondsAgo
  }

  /// Ends its connection.
  func close() async { await spelling?.connection.close() }
}
