// The last steps of a file: what the library wrote, in tables that the agents' old code reads.

import AgentBase
import SQLite

extension FileBuilder {
  /// Makes the tables of guide 1, for an agent that never had a file: old code of that time reads and writes them.
  func makeGuideTables() throws {
    try connection().executeScript(
      """
      CREATE TABLE memory (id INTEGER PRIMARY KEY AUTOINCREMENT, content TEXT NOT NULL, timestamp TEXT);
      CREATE TABLE tools (
        id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, description TEXT, config TEXT,
        enabled INTEGER DEFAULT 1, usage_count INTEGER DEFAULT 0, created_at TEXT DEFAULT CURRENT_TIMESTAMP);
      CREATE TABLE metrics (
        id INTEGER PRIMARY KEY AUTOINCREMENT, metric_name TEXT, value REAL, unit TEXT, timestamp TEXT);
      CREATE TABLE execution_log (
        id INTEGER PRIMARY KEY AUTOINCREMENT, task TEXT, status TEXT, result TEXT, error TEXT, started_at TEXT,
        finished_at TEXT, duration_ms REAL);
      """)
  }

  /// Notes what each row is that was written: an import into the same Postgres leaves it out while it is that.
  func noteDigests() throws {
    let connection = try connection()
    let schema = try LegacySchema(reading: connection)
    guard schema.isRestored else { return }
    try connection.transaction {
      for own in schema.tables where LegacySchema.ownTables.contains(own.table.name) {
        try connection.execute(
          """
          UPDATE \(LegacySchema.restoredTable) SET digest = (
            SELECT \(RestoredDigest.sql(of: own.table)) FROM \(own.table.name) AS t WHERE t.id = row_id)
          WHERE source = ?
          """, [.text(own.table.name)])
      }
    }
  }

  /// Mirrors the rows that the library's own tables hold of an agent.
  ///
  /// - Parameter ownsFile: whether tables that do not say whose a row is are the agent's own.
  func mirror(_ agent: String, ownsFile: Bool) throws -> MirrorOutcome {
    let connection = try connection()
    // What the old code could not write is not written in its stead.
    try connection.executeScript("PRAGMA foreign_keys = ON; PRAGMA ignore_check_constraints = OFF")
    return try MirrorPass.run(of: agent, ownsFile: ownsFile, on: connection)
  }
}
