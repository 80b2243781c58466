// What the user can say about the copy of a whole database.

public import AgentBase

/// How a database is copied.
public struct CopyOptions: Sendable {
  /// The target: a URL or keywords, as libpq takes them.
  public var postgresURL: String
  /// The schema of Postgres; nil for the first of the connection's search path.
  public var schema: String?
  /// The tables of the file to copy; nil for all.
  public var tables: [String]?
  /// Do it all in one transaction and take it back: the report tells what a real run would do.
  public var isDryRun = false
  /// The most rows that commit together, with their line in the ledger.
  public var batchSize = 10_000
  /// The longest that the whole run may take; nil for no limit.
  public var timeout: Duration?
  /// Compare every row of the file with Postgres afterwards.
  public var verifies = true
  /// What to do with rows whose key is there already.
  public var onConflict = ConflictPolicy.skip
  /// Try rows again that earlier runs have rejected.
  public var retriesRejects = false
  /// The time zone of times without one.
  public var time = LegacyTime()

  /// A copy into a server.
  public init(postgresURL: String) { self.postgresURL = postgresURL }
}
