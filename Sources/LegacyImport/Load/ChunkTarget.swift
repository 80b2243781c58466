// Where chunks go: the agents' tables, or a table of any database.

import Postgres

/// A table of Postgres that the chunks of one source are loaded into.
protocol ChunkTarget: Sendable {
  /// Whether rows go through a staging table even where none of them can be there.
  var alwaysMerges: Bool { get }

  /// Whether an error of a straight copy is one that `merge` tells row by row.
  func isSettledByMerging(_ error: PostgresError) -> Bool

  /// Makes ready what a chunk needs; within its transaction.
  func begin(merges: Bool) async throws

  /// Copies the rows at these places straight into the table.
  ///
  /// - Returns: how many rows the server stored.
  func copy(_ chunk: EncodedChunk, _ places: Range<Int>) async throws -> Int

  /// Copies the rows at these places into the staging table, and from there into the table as the policy says.
  func merge(_ chunk: EncodedChunk, _ places: Range<Int>) async throws -> ChunkLoader.Outcome

  /// The row at a place, which the server refuses, as a reject.
  func reject(_ chunk: EncodedChunk, _ place: Int, reason: String) throws -> Reject

  /// Fills in what `reject` could not tell without asking.
  func complete(_ rejects: [Reject], of chunk: EncodedChunk) async throws -> [Reject]

  /// Removes what the table holds of rows that are rejects now, where the policy brings rows up to date: what is there is no
  /// longer what the source says.
  func removeOutdated(_ rejects: [Reject]) async throws
}

extension ChunkTarget {
  func removeOutdated(_ rejects: [Reject]) async throws {}
}

extension PostgresConnection {
  /// Copies the rows at these places of a chunk into a table.
  ///
  /// - Parameters:
  ///   - table: the table as SQL text.
  ///   - columns: its columns as SQL text.
  /// - Returns: how many rows the server stored.
  @discardableResult
  func copy(
    _ chunk: EncodedChunk, _ places: Range<Int>, into table: String, columns: String
  ) async throws -> Int {
    let statement = PostgresStatement(sql: "COPY \(table) (\(columns)) FROM STDIN (FORMAT binary)")
    return try await copyIn(statement) { writer in
      try await writer.write(PostgresCopyEncoder.frame.header)
      if places.count == chunk.rows.count {
        try await writer.write(chunk.bytes)
      } else {
        try await writer.write(Array(chunk.bytes(of: places)))
      }
      try await writer.write(PostgresCopyEncoder.frame.trailer)
    }
  }
}
