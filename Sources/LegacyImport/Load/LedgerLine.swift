// A line of the ledger: rows that committed together; and what the ledger knows their source by.

/// A source table, as the ledger names it.
struct LedgerSource: Sendable, Hashable {
  /// The agent whose file it is in; empty for a whole database that is copied.
  let agent: String
  /// The table's own number.
  let id: Int64
}

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
