// Moves one source table: what is left to do, chunk by chunk, reading the next one while the server takes the last.

import AgentBase
import Postgres

/// The import of one source table.
struct TableImport: Sendable {
  let reader: SourceReader
  let source: SourceTable
  let options: ImportOptions
  let embeddingType: EmbeddingType
  /// When the run began, RFC 3339, UTC.
  let migratedAt: String
  let onEvent: @Sendable (ImportEvent) -> Void

  /// Reads and converts every row and counts what would become of it; writes nothing.
  ///
  /// - Parameter ledger: what earlier runs have written; nil where the target knows of none.
  func dryRun(ledger: [LedgerLine], into report: inout TableReport) async throws {
    let plan = try await settle(ledger, into: &report)
    for range in plan.ranges {
      let scan = try await begin(range)
      while let chunk = try await reader.nextChunk(of: scan, most: options.batchSize) {
        report.read += chunk.rowsRead
        report.loaded += chunk.rows.count
        report.add(chunk.rejects)
        onEvent(.advanced(.importing, rows: chunk.rowsRead))
      }
    }
  }

  /// Moves every row that is not there yet.
  ///
  /// - Returns: whether there was anything to do.
  func run(_ ledger: Ledger, into report: inout TableReport) async throws -> Bool {
    let lines = try await ledger.lines(of: source)
    let plan = try await settle(lines, into: &report)
    if report.rejected > 0 {
      report.rejects = try await ledger.rejects(of: source.inLedger, most: TableReport.mostRejects)
    }
    if source.isBookkeeping, plan.hasChanges {
      try await ledger.forget(source)
    } else {
      try await ledger.strike(plan.stale, of: source.inLedger)
    }
    let loader = ChunkLoader(
      ledger: ledger, source: source.inLedger,
      target: AgentRows(connection: ledger.connection, source: source, policy: options.onConflict))
    var number = lines.map(\.chunk).max() ?? 0
    for range in plan.ranges {
      let scan = try await begin(range)
      var next = try await reader.nextChunk(of: scan, most: options.batchSize)
      while let chunk = next {
        number += 1
        async let following = reader.nextChunk(of: scan, most: options.batchSize)
        let outcome = try await loader.load(chunk, number: number, isFresh: range.isFresh)
        report.read += chunk.rowsRead
        report.loaded += outcome.loaded
        report.alreadyThere += outcome.alreadyThere
        report.add(outcome.rejects)
        onEvent(.advanced(.importing, rows: chunk.rowsRead))
        next = try await following
      }
    }
    if options.retriesRejects, !source.isBookkeeping { try await retry(plan.settled, loader, &report) }
    return plan.hasChanges || report.loaded > 0
  }

  /// Tries the rejected rows of lines again that have not changed since.
  private func retry(_ lines: [LedgerLine], _ loader: ChunkLoader, _ report: inout TableReport) async throws {
    let retry = RejectRetry(reader: reader, loader: loader, batchSize: options.batchSize) { range in
      try await begin(range)
    }
    report.settle(try await retry.run(lines))
    report.rejects = try await loader.ledger.rejects(of: source.inLedger, most: TableReport.mostRejects)
  }

  private func begin(_ range: ScanRange) async throws -> SourceScan {
    let encoder = RowEncoder(
      source: source, time: options.time, embeddingType: embeddingType, migratedAt: MigrationTimes(migratedAt)
    )
    return try await reader.begin(source.schema, range, encoder: encoder, takesDigests: !options.isDryRun)
  }

  /// Compares the source with the ledger, and counts the rows that have not changed since.
  private func settle(_ lines: [LedgerLine], into report: inout TableReport) async throws -> SourcePlan {
    var plan = try await reader.plan(source, ledger: lines)
    if source.isBookkeeping {
      if plan.hasChanges { plan.startOver() }
    } else if !plan.settled.isEmpty {
      switch options.onConflict {
      case .skip: break
      // The source has not changed, but the target may have: every row is put in its place again.
      case .update: plan.readAgain()
      case .fail:
        throw ImportError.rowsAreThere(source, plan.settled.reduce(0) { $0 + $1.rowsLoaded + $1.rowsThere })
      }
    }
    for line in plan.settled {
      report.read += line.rowsRead
      report.alreadyThere += line.rowsLoaded + line.rowsThere
      report.rejected += line.rowsRejected
      onEvent(.advanced(.importing, rows: line.rowsRead))
    }
    return plan
  }
}

extension TableReport {
  /// Takes what became of rejects that were tried again.
  mutating func settle(_ retried: ChunkLoader.Outcome) {
    loaded += retried.loaded
    alreadyThere += retried.alreadyThere
    rejected -= retried.loaded + retried.alreadyThere
  }

  /// Counts rejects, and keeps the first reasons.
  mutating func add(_ rejects: [Reject]) {
    rejected += rejects.count
    for reject in rejects.prefix(max(0, Self.mostRejects - self.rejects.count)) {
      self.rejects.append(RejectReport(key: reject.key, reason: reject.reason))
    }
  }
}
