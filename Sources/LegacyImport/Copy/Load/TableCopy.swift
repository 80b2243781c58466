// Copies one table: what is left to do, chunk by chunk, reading the next one while the server takes the last.

import AgentBase
import Postgres

/// The copy of one table.
struct TableCopy: Sendable {
  let reader: SourceReader
  let ledger: Ledger
  let identity: CopyIdentity
  let route: TableRoute
  let options: CopyOptions
  /// Whether the target had no row before the first of this source.
  let ownsRows: Bool
  /// Whether the target has no row now.
  let isEmpty: Bool
  let onEvent: @Sendable (ImportEvent) -> Void

  private var name: String { route.source.table.name }
  private var source: LedgerSource { inLedger }
  /// What the ledger knows the table by.
  var inLedger: LedgerSource { identity.source(name) }
  /// Encodes its rows.
  var encoder: TableRowEncoder {
    TableRowEncoder(route, identity: identity.rows(of: name), time: options.time)
  }

  /// The same copy by another route, or by another reader of the file.
  func with(route: TableRoute? = nil, reader: SourceReader? = nil) -> TableCopy {
    TableCopy(
      reader: reader ?? self.reader, ledger: ledger, identity: identity, route: route ?? self.route,
      options: options, ownsRows: ownsRows, isEmpty: isEmpty, onEvent: onEvent)
  }

  /// Copies every row that is not there yet.
  ///
  /// - Throws: `ImportError` of code `conflict` where rows that have changed since cannot be found again, because nothing tells
  ///   the target's rows from each other, or where the policy `fail` finds rows; the rows before stay.
  func run(into report: inout TableReport) async throws {
    let lines = try await ledger.lines(of: source)
    var plan = try await reader.plan(route.source, ledger: lines)
    if isEmpty, lines.contains(where: { $0.rowsLoaded + $0.rowsThere > 0 }) {
      // Somebody has emptied the table, or made it anew: what the ledger tells of it is over.
      plan.startOver()
    } else if !plan.settled.isEmpty {
      switch options.onConflict {
      case .skip: break
      case .update: if route.key != nil { plan.readAgain() }
      case .fail: throw conflict(plan.settled.reduce(0) { $0 + $1.rowsLoaded + $1.rowsThere })
      }
    }
    count(plan.settled, into: &report)
    if route.key == nil, !isEmpty, !plan.stale.isEmpty { throw changedWithoutKey(plan.stale.count) }
    if report.rejected > 0 {
      report.rejects = try await ledger.rejects(of: source, most: TableReport.mostRejects)
    }
    // A run that ends before it has read them again leaves rows that the ledger does not know.
    let forgetsRows = ownsRows && !isEmpty && !plan.stale.isEmpty
    try await ledger.connection.transaction { _ in
      try await ledger.forgetRejects(within: plan.stale, of: source)
      try await ledger.strike(plan.stale, of: source)
      if forgetsRows { try await identity.note(ownsRows: false, of: name, ledger) }
    }
    var number = lines.map(\.chunk).max() ?? 0
    for range in plan.ranges { try await load(range, after: &number, into: &report) }
    if forgetsRows { try await identity.note(ownsRows: true, of: name, ledger) }
  }

  private func load(_ range: ScanRange, after number: inout Int, into report: inout TableReport) async throws
  {
    let loader = loader(ownsRows: ownsRows && range.isFresh)
    let scan = try await reader.begin(route.source, range, encoder: encoder, takesDigests: true)
    var next = try await reader.nextChunk(of: scan, most: options.batchSize)
    while let chunk = next {
      number += 1
      async let following = reader.nextChunk(of: scan, most: options.batchSize)
      let outcome = try await loader.load(chunk, number: number, isFresh: range.isFresh)
      report.read += chunk.rowsRead
      report.loaded += outcome.loaded
      report.alreadyThere += outcome.alreadyThere
      report.add(outcome.rejects)
      onEvent(.advanced(.copying, rows: chunk.rowsRead))
      next = try await following
    }
  }

  // MARK: - Rows that were rejected

  /// Tries rejected rows again, each chunk by itself.
  func retry(into report: inout TableReport) async throws {
    let retry = RejectRetry(
      reader: reader, loader: loader(ownsRows: ownsRows), batchSize: options.batchSize
    ) { range in
      try await reader.begin(route.source, range, encoder: encoder, takesDigests: false)
    }
    let outcome = try await retry.run(try await ledger.lines(of: source))
    try await settle(outcome, into: &report)
  }

  /// Begins to read the rows of a line again.
  func begin(_ line: LedgerLine) async throws -> SourceScan {
    let after = line.firstRow == .min ? nil : line.firstRow - 1
    return try await reader.begin(
      route.source, ScanRange(after: after, through: line.lastRow, isFresh: false), encoder: encoder,
      takesDigests: false)
  }

  /// The next rows of a scan; nil after the last.
  func nextChunk(of scan: SourceScan) async throws -> EncodedChunk? {
    try await reader.nextChunk(of: scan, most: options.batchSize)
  }

  /// Takes what became of rejected rows.
  func settle(_ outcome: ChunkLoader.Outcome, into report: inout TableReport) async throws {
    report.settle(outcome)
    report.rejects = try await ledger.rejects(of: source, most: TableReport.mostRejects)
  }

  private func loader(ownsRows: Bool) -> ChunkLoader {
    ChunkLoader(
      ledger: ledger, source: source,
      target: CopiedRows(
        connection: ledger.connection, route: route, policy: options.onConflict, reader: reader,
        ownsRows: ownsRows))
  }

  private func count(_ lines: [LedgerLine], into report: inout TableReport) {
    for line in lines {
      report.read += line.rowsRead
      report.alreadyThere += line.rowsLoaded + line.rowsThere
      report.rejected += line.rowsRejected
      onEvent(.advanced(.copying, rows: line.rowsRead))
    }
  }

  // MARK: - Conflicts

  private func conflict(_ rows: Int) -> ImportError {
    ImportError(
      .conflict, "table \(name): \(rows) rows are in \(route.target.displayName) already",
      advice: "none of them was touched; use --on-conflict skip or --on-conflict update")
  }

  private func changedWithoutKey(_ lines: Int) -> ImportError {
    ImportError(
      .conflict,
      "table \(name): rows that were copied have changed in the file since (\(lines) chunks), and \(route.target.displayName) has no key by which they could be found",
      advice:
        "nothing was loaded twice: empty \(route.target.displayName) and copy it again, or give it a primary key"
    )
  }
}
