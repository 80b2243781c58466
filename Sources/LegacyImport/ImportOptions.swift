// What the user can say about an import.

public import AgentBase

/// What to do with a row that Postgres has already, under the same identity.
public enum ConflictPolicy: String, Sendable, CaseIterable {
  /// Leave what is there as it is.
  case skip
  /// Put the source's values in its place.
  case update
  /// Stop, with nothing of the chunk written.
  case fail
}

/// How an import is run.
public struct ImportOptions: Sendable {
  /// The target: a URL or keywords, as libpq takes them.
  public var postgresURL: String
  /// Read and convert every row, report what would be rejected, write nothing.
  public var isDryRun = false
  /// The most rows that commit together, with their line in the ledger.
  public var batchSize = 10_000
  /// The longest that the whole run may take; nil for no limit.
  public var timeout: Duration?
  /// Compare every row of the source with the target afterwards.
  public var verifies = true
  /// What to do with rows that are there already.
  public var onConflict = ConflictPolicy.skip
  /// Try rows again that earlier runs have rejected.
  public var retriesRejects = false
  /// The time zone of times without one.
  public var time = LegacyTime()

  /// An import into a server.
  public init(postgresURL: String) { self.postgresURL = postgresURL }
}
