// The tables in which a SQLite file remembers its steps.

internal import SQLite

/// Reads and writes what a file remembers of its steps.
struct SQLiteHistory {
  let tables: MigrationTables
  let connection: SQLiteConnection

  static let now = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"

  /// What the file remembers; nothing where it has no such tables.
  func read() throws(SQLiteError) -> MigrationHistory {
    guard try has(tables.versions) else { return MigrationHistory() }
    guard try has(tables.audit) else {
      let rows = try connection.query(
        "SELECT version, name, applied_text, applied_at FROM \(tables.versions) ORDER BY version")
      return MigrationHistory(applied: rows.map(Self.applied))
    }
    let rows = try connection.query(
      """
      SELECT held.version, held.name, held.applied_text, held.applied_at, line.run_by, line.duration_ms, line.down_text
      FROM \(tables.versions) AS held LEFT JOIN \(tables.audit) AS line ON line.id = (
        SELECT max(id) FROM \(tables.audit) AS own
        WHERE own.version = held.version AND own.action = 'up' AND own.state = 'done')
      ORDER BY held.version
      """)
    let unfinished = try connection.queryOne(
      """
      SELECT version, name, action, started_at, note, id FROM \(tables.audit)
      WHERE state = 'begun' ORDER BY id DESC LIMIT 1
      """)
    return MigrationHistory(
      applied: rows.map(Self.applied),
      unfinished: unfinished.map { row in
        UnfinishedMigration(
          version: Int(row[0].int64 ?? 0), name: row[1].string ?? "",
          direction: row[2] == "down" ? .down : .up, startedAt: row[3].string ?? "", failure: row[4].string,
          line: row[5].int64 ?? 0)
      })
  }

  private func has(_ table: String) throws(SQLiteError) -> Bool {
    try connection.queryOne("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?", [.text(table)])
      != nil
  }

  private static func applied(_ row: SQLiteRow) -> AppliedMigration {
    AppliedMigration(
      version: Int(row[0].int64 ?? 0), name: row[1].string ?? "", text: row[2].string ?? "",
      appliedAt: row[3].string, appliedBy: row.values.count > 4 ? row[4].string : nil,
      durationMilliseconds: row.values.count > 4 ? row[5].double : nil,
      downText: row.values.count > 4 ? row[6].string : nil)
  }

  // MARK: - Writing

  /// Makes the tables that are not there.
  func prepare() throws(SQLiteError) {
    try connection.executeScript(
      """
      CREATE TABLE IF NOT EXISTS \(tables.versions) (
        version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_text TEXT NOT NULL, applied_at TEXT NOT NULL);
      CREATE TABLE IF NOT EXISTS \(tables.audit) (
        id INTEGER PRIMARY KEY, version INTEGER NOT NULL, name TEXT NOT NULL, action TEXT NOT NULL,
        state TEXT NOT NULL, digest TEXT NOT NULL, down_text TEXT, run_by TEXT NOT NULL, started_at TEXT NOT NULL,
        finished_at TEXT, duration_ms REAL, note TEXT);
      """)
  }

  /// Writes the line of a step that begins; `record` ends it.
  func begin(_ step: PlannedMigration) throws(SQLiteError) -> Int64 {
    try connection.execute(
      """
      INSERT INTO \(tables.audit) (version, name, action, state, digest, down_text, run_by, started_at)
      VALUES (?, ?, ?, 'begun', ?, ?, ?, \(Self.now))
      """,
      [
        .integer(Int64(step.migration.version)), .text(step.migration.name), .text(step.direction.rawValue),
        .text(StepDigest.of(step.sql)),
        step.direction == .up ? step.migration.down.map(SQLiteValue.text) ?? .null : .null,
        .text(StepRunner.name),
      ])
    return connection.lastInsertRowID
  }

  /// Writes that a step is done: its version, and the end of its line. A line of the other way that had no end has one now.
  func record(_ step: PlannedMigration, line: Int64, milliseconds: Double) throws(SQLiteError) {
    let version = SQLiteValue.integer(Int64(step.migration.version))
    switch step.direction {
    case .up:
      try connection.execute(
        "INSERT INTO \(tables.versions) (version, name, applied_text, applied_at) VALUES (?, ?, ?, \(Self.now))",
        [version, .text(step.migration.name), .text(step.migration.up)])
    case .down:
      try connection.execute("DELETE FROM \(tables.versions) WHERE version = ?", [version])
    }
    try connection.execute(
      "UPDATE \(tables.audit) SET state = 'done', finished_at = \(Self.now), duration_ms = ?, note = NULL WHERE id = ?",
      [.real(milliseconds), .integer(line)])
    try connection.execute(
      "UPDATE \(tables.audit) SET state = 'given up', finished_at = \(Self.now) WHERE version = ? AND state = 'begun'",
      [version])
  }

  /// Notes why a step has not come to its end.
  func note(_ reason: String, line: Int64) throws(SQLiteError) {
    try connection.execute(
      "UPDATE \(tables.audit) SET note = ? WHERE id = ?", [.text(reason), .integer(line)])
  }
}
