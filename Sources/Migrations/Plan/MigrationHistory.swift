// What a database remembers of its steps.

/// The tables in which a database remembers its steps.
public struct MigrationTables: Sendable, Hashable {
  /// One row a step that the database has: version, name, applied text, when.
  public let versions: String
  /// One line for each time that a step was made or taken back.
  public let audit: String
  /// What a way down has kept aside; the tables with the rows begin with this name.
  public let kept: String

  /// Tables of these names.
  public init(versions: String, audit: String, kept: String) {
    self.versions = versions
    self.audit = audit
    self.kept = kept
  }

  /// Those of an application's own steps.
  public static let application = MigrationTables(
    versions: "agentbase_migrations", audit: "agentbase_migration_audit", kept: "agentbase_migration_kept")
  /// Those of AgentBase's own schema.
  public static let library = MigrationTables(
    versions: "agentbase_schema_versions", audit: "agentbase_schema_audit", kept: "agentbase_schema_kept")

  /// Whether a table is one of them.
  func contains(_ table: String) -> Bool {
    table == versions || table == audit || table == kept || table.hasPrefix(kept + "_")
  }
}

/// A step that a database has.
public struct AppliedMigration: Sendable, Hashable {
  /// Its number.
  public let version: Int
  /// Its name.
  public let name: String
  /// The SQL that made it.
  public let text: String
  /// When, RFC 3339 in UTC; nil where it is not known.
  public var appliedAt: String?
  /// Who: the user of the database, or of the machine; nil where it is not known.
  public var appliedBy: String?
  /// How long it took, in milliseconds; nil where it is not known.
  public var durationMilliseconds: Double?
  /// The SQL that takes it back, as it was when the step was made; nil where it is not known.
  public var downText: String?

  /// A step that a database has.
  public init(
    version: Int, name: String, text: String, appliedAt: String? = nil, appliedBy: String? = nil,
    durationMilliseconds: Double? = nil, downText: String? = nil
  ) {
    self.version = version
    self.name = name
    self.text = text
    self.appliedAt = appliedAt
    self.appliedBy = appliedBy
    self.durationMilliseconds = durationMilliseconds
    self.downText = downText
  }
}

/// A step without a transaction that was begun and has not ended.
public struct UnfinishedMigration: Sendable, Hashable {
  /// Its number.
  public let version: Int
  /// Its name.
  public let name: String
  /// Which way it was gone.
  public let direction: MigrationDirection
  /// When it was begun, RFC 3339 in UTC.
  public let startedAt: String
  /// Why it ended; nil where its runner is still at work, or was killed.
  public let failure: String?
  /// Its line in the audit table.
  let line: Int64
}

/// What a database remembers of its steps.
public struct MigrationHistory: Sendable, Hashable {
  /// The steps that it has, by number.
  public var applied: [AppliedMigration]
  /// The step that is half done, if there is one.
  public var unfinished: UnfinishedMigration?

  /// A history; of a database without one there is nothing in it.
  public init(applied: [AppliedMigration] = [], unfinished: UnfinishedMigration? = nil) {
    self.applied = applied.sorted { $0.version < $1.version }
    self.unfinished = unfinished
  }

  /// The version: the highest number; 0 for none.
  public var version: Int { applied.last?.version ?? 0 }
}
