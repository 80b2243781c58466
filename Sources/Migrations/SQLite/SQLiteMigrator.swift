// Goes steps on a SQLite connection, each of them one transaction with its version and its audit line.

internal import Glibc
public import SQLite

/// Brings the schema of a SQLite file to a version.
///
/// It works on one connection, and blocks its thread; ``Migrator`` keeps it off Swift's cooperative threads. Foreign keys are not
/// enforced while a step runs, so that tables can be made anew; whoever breaks one is found before the commit.
public struct SQLiteMigrator: Sendable {
  /// What the steps are.
  public var plan: MigrationPlan
  /// Where they are remembered.
  public var tables: MigrationTables
  /// How they are gone.
  public var options: MigrationOptions
  /// The caller's own check, in the transaction of each step, after its SQL; what it throws undoes the step.
  public var acceptance: (@Sendable (SQLiteConnection, PlannedMigration) throws -> Void)?

  /// A migrator of these steps.
  public init(
    _ plan: MigrationPlan, tables: MigrationTables = .application,
    options: MigrationOptions = MigrationOptions()
  ) {
    self.plan = plan
    self.tables = tables
    self.options = options
  }

  /// What the file remembers of its steps.
  ///
  /// - Throws: `unavailable`.
  public func history(on connection: SQLiteConnection) throws(MigrationError) -> MigrationHistory {
    do throws(SQLiteError) {
      return try SQLiteHistory(tables: tables, connection: connection).read()
    } catch {
      throw MigrationError(.unavailable, error.description, file: connection.path, underlying: error)
    }
  }

  /// Goes the steps, and answers those that it has gone. In an open transaction they are all part of it.
  ///
  /// - Throws: `MigrationError`; what it throws of a step has undone that step, and those before it are there.
  @discardableResult
  public func run(_ goal: MigrationGoal, on connection: SQLiteConnection) throws(MigrationError)
    -> [MigrationRun]
  {
    var runs: [MigrationRun] = []
    while let step = try plan.steps(to: goal, from: try history(on: connection)).first {
      let run: MigrationRun?
      if MigrationScript.isTransactional(step.sql) {
        run = try goTransactional(goal, on: connection)
      } else {
        run = try goWithoutTransaction(goal, on: connection)
      }
      // Another runner may have been first.
      guard let run else { continue }
      runs.append(run)
      options.onEvent?(.ended(run))
    }
    return runs
  }

  // MARK: - A step that is one transaction

  private func goTransactional(
    _ goal: MigrationGoal, on connection: SQLiteConnection
  ) throws(MigrationError) -> MigrationRun? {
    let guarding = try SQLiteForeignKeys(connection)
    defer { guarding?.restore() }
    var step: PlannedMigration?
    do {
      return try connection.transaction { () throws -> MigrationRun? in
        guard let next = try plan.steps(to: goal, from: try history(on: connection)).first,
          MigrationScript.isTransactional(next.sql)
        else { return nil }
        step = next
        options.onEvent?(
          .began(version: next.migration.version, name: next.migration.name, direction: next.direction))
        let broken = try guarding?.violations() ?? 0
        let history = SQLiteHistory(tables: tables, connection: connection)
        try history.prepare()
        let start = ContinuousClock.now
        let line = try history.begin(next)
        try go(next, on: connection)
        if let count = try guarding?.violations(), count > broken {
          throw MigrationError(
            .checkFailed,
            "\(connection.path): step \(next.migration.label) leaves \(count - broken) rows without what they refer to",
            advice: "see which with PRAGMA foreign_key_check after running the step on a copy of the file",
            version: next.migration.version)
        }
        try acceptance?(connection, next)
        let milliseconds = (ContinuousClock.now - start).milliseconds
        try history.record(next, line: line, milliseconds: milliseconds)
        return next.run(milliseconds, batchRows: 0)
      }
    } catch {
      throw failure(error, step, connection)
    }
  }

  /// Runs the SQL of a step with its checks, and keeps aside or brings back what its table cannot hold.
  private func go(_ step: PlannedMigration, on connection: SQLiteConnection) throws {
    let script = try MigrationScript(step.sql, of: step.migration.label, .sqlite)
    let kept = SQLiteKept(tables: tables, connection: connection, options: options)
    switch step.direction {
    case .up:
      try check(step.migration.checkBefore, .before, step, connection)
      try run(script.statements, step, connection)
      try check(step.migration.checkAfter, .after, step, connection)
      try kept.bringBack(version: step.migration.version)
    case .down:
      if options.keepsAside, !script.keepsNothing {
        try kept.keepAside(version: step.migration.version) { try run(script.statements, step, connection) }
      }
      try run(script.statements, step, connection)
    }
  }

  // MARK: - A step that is several

  private func goWithoutTransaction(
    _ goal: MigrationGoal, on connection: SQLiteConnection
  ) throws(MigrationError) -> MigrationRun? {
    guard !connection.isInTransaction else {
      throw MigrationError(
        .invalidScript, "\(connection.path): a step without a transaction cannot be part of one",
        advice: "run it by itself: agentbase schema up")
    }
    let lock = try SQLiteRunLock(connection.path, wait: options.lockWait)
    defer { lock.release() }
    guard let step = try plan.steps(to: goal, from: try history(on: connection)).first,
      !MigrationScript.isTransactional(step.sql)
    else { return nil }
    let guarding = try SQLiteForeignKeys(connection)
    defer { guarding?.restore() }
    options.onEvent?(
      .began(version: step.migration.version, name: step.migration.name, direction: step.direction))
    let history = SQLiteHistory(tables: tables, connection: connection)
    var line: Int64?
    do {
      let script = try MigrationScript(step.sql, of: step.migration.label, .sqlite)
      let start = ContinuousClock.now
      if step.direction == .up, !step.isResumed {
        try check(step.migration.checkBefore, .before, step, connection)
      }
      let broken = try guarding?.violations() ?? 0
      let begun = try connection.transaction {
        try history.prepare()
        return try history.begin(step)
      }
      line = begun
      var rows = 0
      for unit in script.units { try run(unit, step, connection, &rows) }
      if step.direction == .up { try check(step.migration.checkAfter, .after, step, connection) }
      if let count = try guarding?.violations(), count > broken {
        throw MigrationError(
          .checkFailed,
          "\(connection.path): step \(step.migration.label) leaves \(count - broken) rows without what they refer to",
          version: step.migration.version)
      }
      try acceptance?(connection, step)
      let milliseconds = (ContinuousClock.now - start).milliseconds
      try connection.transaction { try history.record(step, line: begun, milliseconds: milliseconds) }
      return step.run(milliseconds, batchRows: rows)
    } catch {
      var failure = failure(error, step, connection)
      if let line {
        try? history.note(failure.message, line: line)
        failure.advice = step.goingOn + (failure.advice.map { "; \($0)" } ?? "")
      }
      throw failure
    }
  }

  private func run(
    _ unit: MigrationScript.Unit, _ step: PlannedMigration, _ connection: SQLiteConnection, _ rows: inout Int
  ) throws {
    while true {
      let start = ContinuousClock.now
      let changed =
        unit.isBlock
        ? try connection.transaction { try run(unit.statements, step, connection) }
        : try run(unit.statements, step, connection)
      guard unit.isBatch else { return }
      rows += changed.rows
      if changed.rows > 0 { options.onEvent?(.progressed(version: step.migration.version, rows: rows)) }
      guard changed.last > 0 else { return }
      // SQLite has no queue for its lock: who waits looks again now and then, and has to find it free.
      let pause = min(max((ContinuousClock.now - start) / 2, .milliseconds(5)), .milliseconds(50))
      usleep(UInt32(pause.milliseconds * 1000))
    }
  }

  // MARK: - Statements and checks

  /// Runs statements, and answers how many rows they have changed.
  @discardableResult
  private func run(
    _ statements: [MigrationScript.Statement], _ step: PlannedMigration, _ connection: SQLiteConnection
  ) throws -> ChangedRows {
    var changed = ChangedRows()
    for statement in statements {
      do throws(SQLiteError) {
        changed.add(try connection.execute(statement.text))
      } catch {
        throw MigrationError(
          .stepFailed,
          "\(connection.path): step \(step.migration.label), line \(statement.line) failed: \(error.message)",
          version: step.migration.version, line: statement.line, underlying: error)
      }
    }
    return changed
  }

  private func check(
    _ sql: String?, _ place: MigrationCheck.Place, _ step: PlannedMigration, _ connection: SQLiteConnection
  ) throws {
    guard let sql else { return }
    for statement in MigrationScript.statements(in: sql, .sqlite) {
      let check = MigrationCheck(step: step.migration, place: place, line: statement.line)
      let rows: [SQLiteRow]
      do throws(SQLiteError) {
        rows = try connection.query(statement.text)
      } catch {
        throw check.failure("cannot be asked: \(error.message)", underlying: error)
      }
      for row in rows where !row.values.isEmpty {
        switch row[0] {
        case .integer(let value) where value != 0: continue
        case .integer, .null: throw check.failure(row.values.count > 1 ? row[1].string : nil)
        default: throw check.failure("it answers no truth value: its first column is neither 0 nor 1")
        }
      }
    }
  }

  private func failure(
    _ error: any Error, _ step: PlannedMigration?, _ connection: SQLiteConnection
  ) -> MigrationError {
    let label = step.map { "step \($0.migration.label)" } ?? "the schema"
    switch error {
    case let error as MigrationError: return error
    case let error as SQLiteError where error.isSafeToRetry:
      return MigrationError(
        .locked, "\(connection.path): another transaction keeps \(label) waiting for longer than the limit",
        advice: "try again when it has ended, or raise the limit (--lock-wait)",
        version: step?.migration.version,
        underlying: error)
    case let error as SQLiteError:
      return MigrationError(
        .stepFailed, "\(connection.path): \(label) failed: \(error.message)",
        version: step?.migration.version,
        underlying: error)
    default:
      return MigrationError(
        .checkFailed, "\(connection.path): the caller's check after \(label) failed: \(error)",
        version: step?.migration.version, underlying: error)
    }
  }
}
