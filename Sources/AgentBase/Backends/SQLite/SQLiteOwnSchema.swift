// Our own tables in a SQLite file: made at the first write that needs them.

package import SQLite
import Schema

/// The steps of our own tables in a file.
package enum SQLiteOwnSchema {
  static let versionTable = "agentbase_schema_versions"

  /// Makes the tables that are not there, within the connection's transaction.
  package static func install(on connection: SQLiteConnection) throws {
    try connection.execute(
      """
      CREATE TABLE IF NOT EXISTS \(versionTable) (
        version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_text TEXT NOT NULL, applied_at TEXT NOT NULL)
      """)
    for step in try SchemaPlan.pending(steps: Schema.sqlite, applied: try applied(on: connection)) {
      try connection.executeScript(step.up)
      try connection.execute(
        "INSERT INTO \(versionTable) (version, name, applied_text, applied_at) VALUES (?, ?, ?, ?)",
        [.integer(Int64(step.version)), .text(step.name), .text(step.up), .text(Timestamp.now.text)])
    }
  }

  /// Checks that this version of the library knows the tables that are there.
  static func check(_ connection: SQLiteConnection, _ catalog: SQLiteCatalog) throws {
    guard catalog.tables.contains(where: \.isOwn) else { return }
    do throws(AgentBaseError) {
      _ = try SchemaPlan.pending(steps: Schema.sqlite, applied: try applied(on: connection))
    } catch {
      var error = error
      error.message = "\(connection.path): \(error.message)"
      throw error
    }
  }

  private static func applied(on connection: SQLiteConnection) throws(AgentBaseError) -> [AppliedStep] {
    do throws(SQLiteError) {
      return try connection.query("SELECT version, name, applied_text FROM \(versionTable) ORDER BY version")
        .map { row in
          AppliedStep(
            version: Int(row[0].int64 ?? 0), name: row[1].string ?? "", text: row[2].string ?? "")
        }
    } catch {
      throw AgentBaseError(
        .schema, "the tables of the library are there, but not their versions", underlying: error)
    }
  }
}
