// The tables in which a Postgres database remembers its steps.

internal import Postgres

/// Reads and writes what a database remembers of its steps.
struct PostgresHistory {
  let tables: MigrationTables
  let connection: PostgresConnection

  private static let rfc3339 = "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'"

  /// What the database remembers; nothing where it has no such tables.
  ///
  /// - Parameter full: whether all of it is needed, and not only which steps there are.
  func read(full: Bool) async throws(PostgresError) -> MigrationHistory {
    // It reads a catalog, not to_regclass alone: only a table that is touched makes a session look at what others have
    // committed since its transaction began, and the advisory lock is waited for within one.
    let found = try await connection.queryOne(
      """
      SELECT EXISTS (SELECT FROM pg_class WHERE oid = to_regclass(\(tables.versions))),
        EXISTS (SELECT FROM pg_class WHERE oid = to_regclass(\(tables.audit)))
      """)
    guard let found, try found.decode(0, as: Bool.self) else { return MigrationHistory() }
    guard full else {
      let rows = try await connection.query(
        "SELECT version, name, applied_text FROM \(unsafeSQL: tables.versions) ORDER BY version")
      var applied: [AppliedMigration] = []
      for row in rows {
        applied.append(
          AppliedMigration(version: try row.decode(0), name: try row.decode(1), text: try row.decode(2)))
      }
      return MigrationHistory(applied: applied)
    }
    let hasAudit = try found.decode(1, as: Bool.self)
    return MigrationHistory(
      applied: try await applied(hasAudit), unfinished: hasAudit ? try await unfinished() : nil)
  }

  private func applied(_ hasAudit: Bool) async throws(PostgresError) -> [AppliedMigration] {
    let down: PostgresStatement =
      hasAudit
      ? """
      (SELECT line.down_text FROM \(unsafeSQL: tables.audit) AS line
       WHERE line.version = held.version AND action = 'up' AND state = 'done' ORDER BY id DESC LIMIT 1)
      """ : "NULL::text"
    let rows = try await connection.query(
      """
      SELECT version, name, applied_text, to_char(applied_at AT TIME ZONE 'UTC', \(unsafeSQL: Self.rfc3339)),
        applied_by, duration_ms, \(down)
      FROM \(unsafeSQL: tables.versions) AS held ORDER BY version
      """)
    var applied: [AppliedMigration] = []
    for row in rows {
      applied.append(
        AppliedMigration(
          version: try row.decode(0), name: try row.decode(1), text: try row.decode(2),
          appliedAt: try row.decode(3), appliedBy: try row.decode(4), durationMilliseconds: try row.decode(5),
          downText: try row.decode(6)))
    }
    return applied
  }

  private func unfinished() async throws(PostgresError) -> UnfinishedMigration? {
    let row = try await connection.queryOne(
      """
      SELECT version, name, action, to_char(started_at AT TIME ZONE 'UTC', \(unsafeSQL: Self.rfc3339)), note, id
      FROM \(unsafeSQL: tables.audit) WHERE state = 'begun' ORDER BY id DESC LIMIT 1
      """)
    guard let row else { return nil }
    return UnfinishedMigration(
      version: try row.decode(0), name: try row.decode(1),
      direction: try row.decode(2, as: String.self) == "down" ? .down : .up, startedAt: try row.decode(3),
      failure: try row.decode(4), line: try row.decode(5))
  }

  // MARK: - Writing

  /// The schema in which the tables are, or are to be made: a step may change the search path.
  ///
  /// - Throws: `PostgresError`; `unavailable` where the search path names no schema.
  func place() async throws -> String {
    let row = try await connection.queryOne(
      """
      SELECT coalesce(
        (SELECT nspname::text FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
         WHERE pg_class.oid = to_regclass(\(tables.versions))), current_schema()::text),
        current_setting('search_path')
      """)
    if let place = try row?.decode(0, as: String?.self) { return place }
    let path: String = try row?.decode(1) ?? ""
    guard let name = Self.firstSchema(of: path) else {
      throw MigrationError(
        .unavailable, "the search_path \"\(path)\" names no schema in which tables can be made",
        advice: "set it in the URL: ?options=-csearch_path%3Dagentbase")
    }
    try await connection.execute("CREATE SCHEMA IF NOT EXISTS \(identifier: name)")
    return name
  }

  /// The first name of a search path that is not the user's own schema.
  static func firstSchema(of searchPath: String) -> String? {
    searchPath.split(separator: ",").lazy
      .map { name -> String in
        let name = name.drop { $0 == " " }
        let trimmed = String(name.prefix(name.count - name.reversed().prefix { $0 == " " }.count))
        return trimmed.hasPrefix("\"")
          ? String(trimmed.dropFirst().dropLast()).replacing("\"\"", with: "\"") : trimmed.lowercased()
      }
      .first { !$0.isEmpty && $0 != "$user" }
  }

  /// Makes the tables that are not there.
  func prepare(in place: String) async throws(PostgresError) {
    let row = try await connection.queryOne(
      """
      SELECT to_regclass(\(Self.quoted(tables.versions, place))) IS NULL,
        to_regclass(\(Self.quoted(tables.audit, place))) IS NULL
      """)
    if try row?.decode(0, as: Bool.self) == true {
      try await connection.execute(
        """
        CREATE TABLE \(identifier: tables.versions, in: place) (
          version      integer PRIMARY KEY,
          name         text NOT NULL,
          applied_text text NOT NULL,
          applied_by   text NOT NULL DEFAULT current_user,
          applied_at   timestamptz NOT NULL DEFAULT now(),
          duration_ms  double precision NOT NULL
        )
        """)
    }
    guard try row?.decode(1, as: Bool.self) == true else { return }
    try await connection.execute(
      """
      CREATE TABLE \(identifier: tables.audit, in: place) (
        id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        version         integer NOT NULL,
        name            text NOT NULL,
        action          text NOT NULL,
        state           text NOT NULL,
        digest          text NOT NULL,
        down_text       text,
        run_by          text NOT NULL,
        started_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
        finished_at     timestamptz,
        duration_ms     double precision,
        note            text,
        invalid_indexes text[]
      )
      """)
  }

  private static func quoted(_ name: String, _ schema: String) -> String {
    PostgresIdentifier.quoted(schema) + "." + PostgresIdentifier.quoted(name)
  }

  /// Writes the line of a step that begins; `record` ends it.
  ///
  /// - Parameter invalidIndexes: those that were invalid before a step without a transaction.
  func begin(_ step: PlannedMigration, in place: String, invalidIndexes: [String] = [])
    async throws(PostgresError) -> Int64
  {
    let row = try await connection.queryOne(
      """
      INSERT INTO \(identifier: tables.audit, in: place)
        (version, name, action, state, digest, down_text, run_by, invalid_indexes)
      VALUES (\(step.migration.version), \(step.migration.name), \(step.direction.rawValue), 'begun',
        \(StepDigest.of(step.sql)), \(step.direction == .up ? step.migration.down : nil), \(StepRunner.name),
        \(invalidIndexes))
      RETURNING id
      """)
    return try row?.decode(0) ?? 0
  }

  /// Writes that a step is done: its version, and the end of its line. A line that had no end has one now.
  func record(
    _ step: PlannedMigration, in place: String, line: Int64, milliseconds: Double
  ) async throws(PostgresError) {
    let version = step.migration.version
    switch step.direction {
    case .up:
      try await connection.execute(
        """
        INSERT INTO \(identifier: tables.versions, in: place) (version, name, applied_text, duration_ms)
        VALUES (\(version), \(step.migration.name), \(step.migration.up), \(milliseconds))
        """)
    case .down:
      try await connection.execute(
        "DELETE FROM \(identifier: tables.versions, in: place) WHERE version = \(version)")
    }
    try await connection.execute(
      """
      UPDATE \(identifier: tables.audit, in: place)
      SET state = CASE id WHEN \(line) THEN 'done' ELSE 'given up' END, finished_at = clock_timestamp(),
        duration_ms = CASE id WHEN \(line) THEN \(milliseconds)::double precision END,
        note = CASE id WHEN \(line) THEN NULL ELSE note END
      WHERE version = \(version) AND state = 'begun'
      """)
  }

  /// Notes why a step has not come to its end.
  func note(_ reason: String, in place: String, line: Int64) async throws(PostgresError) {
    try await connection.execute(
      "UPDATE \(identifier: tables.audit, in: place) SET note = \(reason) WHERE id = \(line)")
  }
}
