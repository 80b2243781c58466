// Our own tables in a SQLite file: made at the first write that needs them.

import Migrations
package import SQLite

/// The steps of our own tables in a file.
package enum SQLiteOwnSchema {
  static let versionTable = MigrationTables.library.versions

  private static let migrator = SQLiteMigrator(
    MigrationPlan(OwnSchema.migrations(.sqlite)), tables: .library, options: OwnSchema.options(.sqlite))

  /// Makes the tables that are not there, within the connection's transaction.
  package static func install(on connection: SQLiteConnection) throws {
    do {
      try migrator.run(.up(to: nil), on: connection)
    } catch {
      throw thrown(error, connection)
    }
  }

  /// Checks that this version of the library knows the tables that are there.
  static func check(_ connection: SQLiteConnection, _ catalog: SQLiteCatalog) throws {
    guard catalog.tables.contains(where: \.isOwn) else { return }
    guard catalog.ownVersion > 0 else {
      throw AgentBaseError(
        .schema, "\(connection.path): the tables of the library are there, but not their versions")
    }
    do {
      try migrator.plan.check(try migrator.history(on: connection))
    } catch {
      throw thrown(error, connection)
    }
  }

  /// The driver's own error where there is one: its reader knows what a full disk is.
  private static func thrown(_ error: MigrationError, _ connection: SQLiteConnection) -> any Error {
    if let below = error.underlying as? SQLiteError { return below }
    var error = AgentBaseError(error)
    if !error.message.hasPrefix(connection.path) { error.message = "\(connection.path): \(error.message)" }
    return error
  }
}
