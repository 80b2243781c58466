// The library's own schema as steps that the migrator goes.

package import Migrations
package import Schema

extension Migration {
  /// A step of the library's own schema.
  package init(_ step: SchemaStep) {
    self.init(
      version: step.version, name: step.name, up: step.up, down: step.down, checkBefore: step.checkBefore,
      checkAfter: step.checkAfter)
  }
}

/// The library's own schema.
package enum OwnSchema {
  /// All steps for a kind of database.
  package static func migrations(_ dialect: MigrationDialect) -> [Migration] {
    switch dialect {
    case .postgres: postgres
    case .sqlite: sqlite
    }
  }

  private static let postgres = Schema.postgres.map(Migration.init)
  private static let sqlite = Schema.sqlite.map(Migration.init)

  /// What is the library's own of how its steps are gone: what was said of a value holds only while that is the same.
  package static func options(_ dialect: MigrationDialect) -> MigrationOptions {
    let table = dialect == .postgres ? "agent_memories" : "agentbase_memories"
    var options = MigrationOptions()
    options.derivedColumns = [
      .init(table, "words", from: ["content"]), .init(table, "version", from: ["updated_at"]),
      .init(table, "time_to_live", from: ["updated_at"]), .init(table, "history_limit", from: ["updated_at"]),
    ]
    return options
  }

  /// What brings a database's own schema to a version.
  package static func migrator(_ database: MigrationDatabase) -> Migrator {
    var migrator = Migrator(database, migrations(database.dialect), tables: .library)
    migrator.options = options(database.dialect)
    migrator.precondition = PostgresSchemaInstaller.checkForOtherTables
    return migrator
  }

  /// A comparison of the library's own schema without what differs from database to database: embeddings are vectors where the
  /// server has pgvector, agents make indexes of them, and an import that is under way does without some others.
  package static func withoutWhatMayDiffer(_ verification: MigrationVerification) -> MigrationVerification {
    let differences = verification.differences.filter { difference in
      switch difference.object {
      case "table agent_memories column embedding":
        Set([difference.expected, difference.found]) != ["real[]", "vector"]
      case let name where name.hasPrefix("table agent_memories index agent_memories_hnsw_"):
        difference.expected != nil
      default: true
      }
    }
    return MigrationVerification(status: verification.status, differences: differences)
  }
}

extension AgentBaseError {
  /// What the migrator could not do to the library's own schema.
  init(_ error: MigrationError) {
    self.init(.schema, error.message, advice: error.advice, underlying: error.underlying ?? error)
  }
}
