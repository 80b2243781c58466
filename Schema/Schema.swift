// The numbered SQL of both schemas, compiled in, so that a binary works wherever it is.
//
// The SQL is in postgres/ and sqlite/; the plugin EmbedSchema writes the two lists in `EmbeddedSchema` at each build.

/// One numbered step of a schema: its SQL, the SQL that takes it back, and what must hold before and after.
public struct SchemaStep: Sendable, Hashable {
  /// Where it stands, from 1 on.
  public let version: Int
  /// What it is called: the part of the file's name between the number and `.up.sql`.
  public let name: String
  /// What makes the step.
  public let up: String
  /// What takes it back.
  public let down: String
  /// What must hold before it; nil where nothing is checked.
  public let checkBefore: String?
  /// What must hold after it; nil where nothing is checked.
  public let checkAfter: String?

  /// Takes each part as it is.
  public init(
    version: Int, name: String, up: String, down: String, checkBefore: String? = nil,
    checkAfter: String? = nil
  ) {
    self.version = version
    self.name = name
    self.up = up
    self.down = down
    self.checkBefore = checkBefore
    self.checkAfter = checkAfter
  }
}

/// The schemas that this program knows, step by step, numbered from 1 without a gap.
public enum Schema {
  /// The steps for PostgreSQL.
  public static let postgres: [SchemaStep] = EmbeddedSchema.postgres
  /// The steps for SQLite.
  public static let sqlite: [SchemaStep] = EmbeddedSchema.sqlite
}
