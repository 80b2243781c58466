// Tries rows again that were rejected: after a fix in Postgres, or once the rows are there that they refer to.

import Postgres

/// The retry of one source's rejects, line by line of its ledger.
struct RejectRetry: Sendable {
  let reader: SourceReader
  let loader: ChunkLoader
  /// The most rows that commit together.
  let batchSize: Int
  /// Begins to read a range of the source.
  let begin: @Sendable (ScanRange) async throws -> SourceScan

  /// Reads the rejected rows of these lines again; what can be loaded now is loaded, its line is put right, and its reject goes.
  /// What is still refused stays, with the reason of now.
  ///
  /// - Returns: what became of the rejects, all lines together.
  func run(_ lines: [LedgerLine]) async throws -> ChunkLoader.Outcome {
    var sum = ChunkLoader.Outcome()
    let lines = lines.filter { $0.rowsRejected > 0 }
    guard !lines.isEmpty else { return sum }
    let rejected = try await loader.ledger.rejectedRows(of: loader.source)
    for line in lines.sorted(by: { $0.firstRow < $1.firstRow }) {
      let after = line.firstRow == .min ? nil : line.firstRow - 1
      let scan = try await begin(ScanRange(after: after, through: line.lastRow, isFresh: false))
      while let chunk = try await reader.nextChunk(of: scan, most: batchSize) {
        let some = chunk.only(rejected)
        guard some.rowsRead > 0 else { continue }
        let outcome = try await loader.retry(some, line: line.chunk)
        sum.loaded += outcome.loaded
        sum.alreadyThere += outcome.alreadyThere
        sum.rejects += outcome.rejects.prefix(max(0, TableReport.mostRejects - sum.rejects.count))
      }
    }
    return sum
  }
}
