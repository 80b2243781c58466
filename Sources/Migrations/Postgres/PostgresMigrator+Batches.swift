// A step that cannot be one transaction: each statement is one of its own, and the audit line says how far it has come.

internal import Postgres

extension PostgresMigrator {
  /// Goes the next step, which has no transaction, while no other runner does; nil where another one was first.
  func goWithoutTransaction(
    _ goal: MigrationGoal, on connection: PostgresConnection
  ) async throws -> MigrationRun? {
    do {
      try await lockSession(connection)
    } catch {
      throw PostgresStepFailure.thrown(error, nil)
    }
    do {
      let run = try await goLocked(goal, on: connection)
      try await connection.execute("SELECT pg_advisory_unlock(\(Self.lock))")
      return run
    } catch {
      // Of a session that is lost, the server takes the lock back by itself.
      _ = try? await connection.execute("SELECT pg_advisory_unlock(\(Self.lock))")
      throw PostgresStepFailure.thrown(error, nil)
    }
  }

  /// Polls: a statement that waited would have a snapshot, which CREATE INDEX CONCURRENTLY of another waits for.
  private func lockSession(_ connection: PostgresConnection) async throws {
    let end = ContinuousClock.now + options.lockWait
    while true {
      let row = try await connection.queryOne("SELECT pg_try_advisory_lock(\(Self.lock))")
      if try row?.decode(0, as: Bool.self) == true { return }
      guard ContinuousClock.now < end else { throw PostgresStepFailure.locked(nil) }
      try await Task.sleep(for: .milliseconds(20))
    }
  }

  private func goLocked(_ goal: MigrationGoal, on connection: PostgresConnection) async throws
    -> MigrationRun?
  {
    let steps = try await next(goal, on: connection)
    guard let step = steps.first, !MigrationScript.isTransactional(step.sql) else { return nil }
    options.onEvent?(
      .began(version: step.migration.version, name: step.migration.name, direction: step.direction))
    let script = try MigrationScript(step.sql, of: step.migration.label, .postgres)
    let history = PostgresHistory(tables: tables, connection: connection)
    let place = try await history.place()
    let indexes = InvalidIndexes(connection: connection, audit: tables.audit, place: place)
    let start = ContinuousClock.now
    if step.isResumed {
      try await indexes.dropThose(leftBy: step)
    } else {
      try await precondition?(connection, steps)
      if step.direction == .up { try await check(step.migration.checkBefore, .before, step, connection) }
    }
    let before = try await indexes.names()
    let line = try await connection.transaction(.readCommitted) { connection in
      try await history.prepare(in: place)
      return try await history.begin(step, in: place, invalidIndexes: before)
    }
    do {
      var rows = 0
      for unit in script.units { try await run(unit, step, connection, &rows) }
      if step.direction == .up { try await check(step.migration.checkAfter, .after, step, connection) }
      try await acceptance?(connection, step)
      let milliseconds = (ContinuousClock.now - start).milliseconds
      try await connection.transaction(.readCommitted) { _ in
        try await history.record(step, in: place, line: line, milliseconds: milliseconds)
      }
      return step.run(milliseconds, batchRows: rows)
    } catch {
      guard var failure = PostgresStepFailure.thrown(error, step) as? MigrationError else { throw error }
      failure.advice = step.goingOn + (failure.advice.map { "; \($0)" } ?? "")
      try? await history.note(failure.message, in: place, line: line)
      throw failure
    }
  }

  private func run(
    _ unit: MigrationScript.Unit, _ step: PlannedMigration, _ connection: PostgresConnection,
    _ rows: inout Int
  ) async throws {
    while true {
      let changed =
        unit.isBlock
        ? try await connection.transaction(.readCommitted) { connection in
          try await run(unit.statements, step, connection)
        } : try await run(unit.statements, step, connection)
      guard unit.isBatch else { return }
      rows += changed.rows
      if changed.rows > 0 { options.onEvent?(.progressed(version: step.migration.version, rows: rows)) }
      guard changed.last > 0 else { return }
    }
  }

  /// Runs statements one by one, and answers how many rows they have changed.
  private func run(
    _ statements: [MigrationScript.Statement], _ step: PlannedMigration, _ connection: PostgresConnection
  ) async throws -> ChangedRows {
    var changed = ChangedRows()
    for statement in statements {
      do throws(PostgresError) {
        changed.add(try await connection.execute(PostgresStatement(sql: statement.text)))
      } catch {
        throw PostgresStepFailure.error(error, step, line: statement.line)
      }
    }
    return changed
  }
}

/// Indexes that CREATE INDEX CONCURRENTLY has left behind, which nothing uses and every write pays for.
private struct InvalidIndexes {
  let connection: PostgresConnection
  let audit: String
  let place: String

  /// Those that are there and that nobody is building.
  func names() async throws(PostgresError) -> [String] {
    let rows = try await connection.query(
      """
      SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid AND indexrelid NOT IN (
        SELECT index_relid FROM pg_stat_progress_create_index WHERE index_relid IS NOT NULL)
      ORDER BY 1
      """)
    var names: [String] = []
    for row in rows { names.append(try row.decode(0)) }
    return names
  }

  /// Drops those that were not there when the step was begun first.
  func dropThose(leftBy step: PlannedMigration) async throws(PostgresError) {
    let row = try await connection.queryOne(
      """
      SELECT invalid_indexes FROM \(identifier: audit, in: place)
      WHERE version = \(step.migration.version) AND state = 'begun' ORDER BY id LIMIT 1
      """)
    let known = Set(try row?.decode(0, as: [String]?.self) ?? [])
    for name in try await names() where !known.contains(name) {
      try await connection.execute("DROP INDEX CONCURRENTLY IF EXISTS \(unsafeSQL: name)")
    }
  }
}
