// What a legacy table has no column for, beside it: the version and the time to live of the rows that the library wrote.

import SQLite

/// The notes on an agent's memories within one transaction.
struct SQLiteNotes {
  let connection: SQLiteConnection
  let agent: String
  /// Whether the table is there.
  let isThere: Bool

  /// A note on the newest row of a key in a legacy table.
  struct Note {
    var version: Int64
    /// The digest of the row as it was written.
    var digest: Int64
    var timeToLive: Int64?
  }

  /// The note on a key.
  func note(_ name: MemoryName) throws -> Note? {
    guard isThere else { return nil }
    return try connection.queryOne(
      "SELECT version, digest, time_to_live FROM main.agentbase_notes WHERE agent_id = ? AND namespace = ? AND key = ?",
      values(name)
    ).map {
      Note(version: $0[0].int64 ?? 0, digest: $0[1].int64 ?? 0, timeToLive: $0[2].int64)
    }
  }

  /// Writes the note on a key.
  func write(_ note: Note, on name: MemoryName) throws {
    try connection.execute(
      "INSERT OR REPLACE INTO main.agentbase_notes (agent_id, namespace, key, version, digest, time_to_live)"
        + " VALUES (?, ?, ?, ?, ?, ?)",
      values(name) + [
        .integer(note.version), .integer(note.digest), note.timeToLive.map(SQLiteValue.integer) ?? .null,
      ])
  }

  /// Removes the note on a key.
  func remove(_ name: MemoryName) throws {
    guard isThere else { return }
    try connection.execute(
      "DELETE FROM main.agentbase_notes WHERE agent_id = ? AND namespace = ? AND key = ?", values(name))
  }

  private func values(_ name: MemoryName) -> [SQLiteValue] {
    [.text(agent), .text(name.namespace), .text(name.key)]
  }
}
