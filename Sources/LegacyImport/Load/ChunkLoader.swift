// Moves a chunk into Postgres: its rows, its rejects and its line in the ledger commit together.

import AgentBase
import Postgres

/// Loads the chunks of one source table.
struct ChunkLoader: Sendable {
  let ledger: Ledger
  let source: LedgerSource
  let target: any ChunkTarget

  /// What became of a chunk.
  struct Outcome: Sendable {
    var loaded = 0
    var alreadyThere = 0
    var rejects: [Reject] = []
    /// Whether a row that was there has other values than the source.
    var mayDiffer = false
  }

  private var connection: PostgresConnection { ledger.connection }

  // MARK: - Loading

  /// Loads a chunk and writes its line.
  ///
  /// Rows that are expected to be new are copied straight into the table. Where one is there already, the chunk goes through
  /// a staging table and the target decides.
  ///
  /// - Throws: `ImportError` of code `conflict` under the policy `fail`; `PostgresError` where the server fails as a whole.
  func load(_ chunk: EncodedChunk, number: Int, isFresh: Bool) async throws -> Outcome {
    if isFresh, !target.alwaysMerges {
      do {
        return try await commit(chunk, number: number, merges: false)
      } catch let error as PostgresError where target.isSettledByMerging(error) {
        // One of them is there.
      }
    }
    return try await commit(chunk, number: number, merges: true)
  }

  private func commit(_ chunk: EncodedChunk, number: Int, merges: Bool) async throws -> Outcome {
    try await connection.transaction { connection in
      var outcome = Outcome(rejects: chunk.rejects)
      try await target.begin(merges: merges)
      if merges { try await ledger.forgetRejects(chunk.rows.map(\.uuid), of: source) }
      try await add(chunk, chunk.rows.indices, merges: merges, to: &outcome)
      outcome.rejects = try await target.complete(outcome.rejects, of: chunk)
      if !outcome.rejects.isEmpty { try await target.removeOutdated(outcome.rejects) }
      try await ledger.write(outcome.rejects, of: source)
      try await ledger.write(
        LedgerLine(
          chunk: number, firstRow: chunk.firstRow, lastRow: chunk.lastRow, rowsRead: chunk.rowsRead,
          rowsLoaded: outcome.loaded, rowsThere: outcome.alreadyThere, rowsRejected: outcome.rejects.count,
          digest: outcome.mayDiffer ? nil : chunk.digest, migratedAt: ledger.migratedAt), of: source)
      return outcome
    }
  }

  /// Tries rows again that were rejected, and enters into their line what became of them.
  ///
  /// - Parameters:
  ///   - chunk: the rejected rows of a line alone, those that Postgres cannot hold among its rejects.
  ///   - line: the line's number.
  func retry(_ chunk: EncodedChunk, line: Int) async throws -> Outcome {
    try await connection.transaction { _ in
      var outcome = Outcome(rejects: chunk.rejects)
      try await target.begin(merges: true)
      try await add(chunk, chunk.rows.indices, merges: true, to: &outcome)
      outcome.rejects = try await target.complete(outcome.rejects, of: chunk)
      try await ledger.forgetRejects(chunk.rows.map(\.uuid) + chunk.rejects.map(\.uuid), of: source)
      try await ledger.write(outcome.rejects, of: source)
      try await ledger.add(loaded: outcome.loaded, there: outcome.alreadyThere, toLine: line, of: source)
      return outcome
    }
  }

  /// Adds the rows at these places. Where the server refuses them, each half is tried by itself; a single row that it refuses
  /// is put aside. So of two rows that exclude each other the first goes in.
  private func add(
    _ chunk: EncodedChunk, _ places: Range<Int>, merges: Bool, to outcome: inout Outcome
  ) async throws {
    guard !places.isEmpty else { return }
    do {
      let some = try await connection.transaction { _ in
        let some =
          merges
          ? try await target.merge(chunk, places)
          : Outcome(loaded: try await target.copy(chunk, places))
        // A trigger or a rule of the table may take a row and store nothing.
        guard some.loaded + some.alreadyThere + some.rejects.count == places.count else {
          throw SuppressedRows()
        }
        return some
      }
      outcome.loaded += some.loaded
      outcome.alreadyThere += some.alreadyThere
      outcome.rejects += some.rejects
      outcome.mayDiffer = outcome.mayDiffer || some.mayDiffer
    } catch let error as PostgresError
      where error.isAboutARow && (merges || !target.isSettledByMerging(error))
    {
      try await addHalves(chunk, places, merges: merges, reason: error.serverMessage, to: &outcome)
    } catch is SuppressedRows {
      try await addHalves(
        chunk, places, merges: merges,
        reason: "the server stored nothing for the row: a trigger or a rule of the table suppresses it",
        to: &outcome)
    }
  }

  /// Rows were taken and not stored.
  private struct SuppressedRows: Error {}

  private func addHalves(
    _ chunk: EncodedChunk, _ places: Range<Int>, merges: Bool, reason: String, to outcome: inout Outcome
  ) async throws {
    if places.count == 1 {
      outcome.rejects.append(try target.reject(chunk, places.lowerBound, reason: reason))
      return
    }
    let middle = places.lowerBound + places.count / 2
    try await add(chunk, places.lowerBound..<middle, merges: merges, to: &outcome)
    try await add(chunk, middle..<places.upperBound, merges: merges, to: &outcome)
  }
}

extension PostgresError {
  /// Whether the server refused what a row holds: data exceptions, broken constraints, what is too large, what a view's check
  /// does not let through, and what a trigger or a function of the user's refuses.
  var isAboutARow: Bool {
    guard let sqlState else { return false }
    return ["22", "23", "44", "54", "P0"].contains(sqlState.conditionClass)
  }

  /// The server's message, with its detail.
  var serverMessage: String {
    guard let server else { return message }
    return [server.message, server.detail].compactMap { $0 }.joined(separator: ": ")
  }
}
