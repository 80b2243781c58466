// One numbered step of a schema: a value.

/// A numbered step of a schema: the SQL that makes it, the SQL that takes it back, and what must hold before and after.
public struct Migration: Sendable, Hashable {
  /// Where it stands, from 1 on.
  public let version: Int
  /// What it is called, in one word: `add_timeout`.
  public let name: String
  /// What makes the step.
  public let up: String
  /// What takes it back; nil where there is no way back.
  public let down: String?
  /// Queries that are asked before it; nil where nothing is checked. See ``MigrationFolder``.
  public let checkBefore: String?
  /// Queries that are asked after it; nil where nothing is checked.
  public let checkAfter: String?

  /// Takes each part as it is.
  public init(
    version: Int, name: String, up: String, down: String?, checkBefore: String? = nil,
    checkAfter: String? = nil
  ) {
    self.version = version
    self.name = name
    self.up = up
    self.down = down
    self.checkBefore = checkBefore
    self.checkAfter = checkAfter
  }

  /// The step as errors name it: `3 (add_timeout)`.
  var label: String { "\(version) (\(name))" }
}

/// Which way a step is gone.
public enum MigrationDirection: String, Sendable, Hashable {
  /// The step is made.
  case up
  /// The step is taken back.
  case down
}

/// The kinds of databases that steps are for.
public enum MigrationDialect: String, Sendable, Hashable {
  /// PostgreSQL, 15 or later.
  case postgres
  /// SQLite 3.
  case sqlite
}
