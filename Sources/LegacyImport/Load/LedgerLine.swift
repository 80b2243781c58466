// A line of the ledger: rows that committed together.

/// A line of `agent_imports`.
struct LedgerLine: Sendable, Equatable {
  /// The line's number within the source.
  let chunk: Int
  /// The places of the first and the last row: rowids, or ordinals where the table has none.
  let firstRow: Int64
  let lastRow: Int64
  let rowsRead: Int
  let rowsLoaded: Int
  let rowsThere: Int
  let rowsRejected: Int
  /// SHA-256 of the raw values; nil where the target may differ from the source.
  let digest: [UInt8]?
  /// When they were moved, in microseconds since 1970 UTC: it stands in their metadata.
  let migratedAt: Int64
}
