// Goes steps on a Postgres connection, each of them one transaction with its version and its audit line.

public import Postgres

/// Brings the schema of a Postgres database to a version.
///
/// Runners at once take turns under an advisory lock, so that one of them makes each step. It is held in the step's own
/// transaction, and so works behind a pooler; a step without a transaction needs a session of its own.
public struct PostgresMigrator: Sendable {
  /// What the steps are.
  public var plan: MigrationPlan
  /// Where they are remembered: in the first schema of the search path.
  public var tables: MigrationTables
  /// How they are gone.
  public var options: MigrationOptions
  /// Is asked in the transaction of each step, before anything is changed, with all steps that are to come.
  public var precondition: (@Sendable (PostgresConnection, [PlannedMigration]) async throws -> Void)?
  /// The caller's own check, in the transaction of each step, after its SQL; what it throws undoes the step.
  public var acceptance: (@Sendable (PostgresConnection, PlannedMigration) async throws -> Void)?
  /// Whether what a step has set in the session is reset behind it.
  public var resetsSession = false

  /// What the advisory lock is known by, in every database.
  static let lock: Int64 = 0x4167_656E_7442_6173

  /// A migrator of these steps.
  public init(
    _ plan: MigrationPlan, tables: MigrationTables = .application,
    options: MigrationOptions = MigrationOptions()
  ) {
    self.plan = plan
    self.tables = tables
    self.options = options
  }

  /// What the database remembers of its steps.
  ///
  /// - Throws: `unavailable`, `connectionLost`.
  public func history(on connection: PostgresConnection) async throws(MigrationError) -> MigrationHistory {
    do throws(PostgresError) {
      return try await PostgresHistory(tables: tables, connection: connection).read(full: true)
    } catch {
      throw PostgresStepFailure.error(error, nil)
    }
  }

  /// Goes the steps, and answers those that it has gone.
  ///
  /// - Throws: `MigrationError`; what it throws of a step has undone that step, and those before it are there.
  ///   `CancellationError`, likewise.
  @discardableResult
  public func run(_ goal: MigrationGoal, on connection: PostgresConnection) async throws -> [MigrationRun] {
    var runs: [MigrationRun] = []
    while let step = try await next(goal, on: connection).first {
      let isTransactional = MigrationScript.isTransactional(step.sql)
      let run =
        isTransactional
        ? try await goTransactional(goal, on: connection)
        : try await goWithoutTransaction(goal, on: connection)
      if resetsSession { try? await connection.reset(everything: true) }
      // Another runner may have been first.
      guard let run else { continue }
      runs.append(run)
      options.onEvent?(.ended(run))
    }
    return runs
  }

  /// The steps that are to be gone, as far as the database stands now.
  public func next(_ goal: MigrationGoal, on connection: PostgresConnection) async throws
    -> [PlannedMigration]
  {
    do {
      return try plan.steps(to: goal, from: try await read(goal, on: connection))
    } catch let error as PostgresError {
      throw PostgresStepFailure.thrown(error, nil)
    }
  }

  /// Whether a step of ours has begun without a transaction matters only where there are such steps.
  private func read(_ goal: MigrationGoal, on connection: PostgresConnection) async throws(PostgresError)
    -> MigrationHistory
  {
    let isFull =
      goal.direction == .down
      || plan.migrations.contains { step in
        [step.up, step.down].contains { $0.map(MigrationScript.isTransactional) == false }
      }
    return try await PostgresHistory(tables: tables, connection: connection).read(full: isFull)
  }

  // MARK: - A step that is one transaction

  private func goTransactional(
    _ goal: MigrationGoal, on connection: PostgresConnection
  ) async throws -> MigrationRun? {
    var step: PlannedMigration?
    do {
      return try await connection.transaction(.readCommitted) { connection -> MigrationRun? in
        try await lock(connection)
        // Another runner may have been first: what is to come is asked again under the lock.
        let steps = try plan.steps(to: goal, from: try await read(goal, on: connection))
        guard let next = steps.first, MigrationScript.isTransactional(next.sql) else { return nil }
        step = next
        options.onEvent?(
          .began(version: next.migration.version, name: next.migration.name, direction: next.direction))
        let history = PostgresHistory(tables: tables, connection: connection)
        let place = try await history.place()
        try await precondition?(connection, steps)
        try await history.prepare(in: place)
        let start = ContinuousClock.now
        let line = try await history.begin(next, in: place)
        try await go(next, on: connection, in: place)
        try await acceptance?(connection, next)
        let milliseconds = (ContinuousClock.now - start).milliseconds
        try await history.record(next, in: place, line: line, milliseconds: milliseconds)
        return next.run(milliseconds, batchRows: 0)
      }
    } catch {
      throw PostgresStepFailure.thrown(error, step)
    }
  }

  /// Waits for the lock, for as long as the limit says.
  private func lock(_ connection: PostgresConnection) async throws {
    let milliseconds = String(Int64(max(1, options.lockWait.milliseconds)))
    let before = try await connection.queryOne(
      "SELECT current_setting('lock_timeout'), set_config('lock_timeout', \(milliseconds), true)")
    do throws(PostgresError) {
      try await connection.execute("SELECT pg_advisory_xact_lock(\(Self.lock))")
    } catch {
      throw error.sqlState == "55P03" ? PostgresStepFailure.locked(error) : error
    }
    let timeout: String = try before?.decode(0) ?? "0"
    try await connection.execute("SELECT set_config('lock_timeout', \(timeout), true)")
  }

  /// Runs the SQL of a step with its checks, and keeps aside or brings back what its tables cannot hold.
  private func go(
    _ step: PlannedMigration, on connection: PostgresConnection, in place: String
  ) async throws {
    // Read before it is run: a COMMIT in it would end the transaction half way.
    let script = try MigrationScript(step.sql, of: step.migration.label, .postgres)
    let kept = PostgresKept(tables: tables, place: place, connection: connection, options: options)
    switch step.direction {
    case .up:
      try await check(step.migration.checkBefore, .before, step, connection)
      try await runScript(step, connection)
      try await check(step.migration.checkAfter, .after, step, connection)
      try await kept.bringBack(version: step.migration.version)
    case .down:
      if options.keepsAside, !script.keepsNothing {
        try await kept.keepAside(version: step.migration.version) { try await runScript(step, connection) }
      }
      try await runScript(step, connection)
    }
  }

  private func runScript(_ step: PlannedMigration, _ connection: PostgresConnection) async throws {
    do throws(PostgresError) {
      try await connection.executeScript(step.sql)
    } catch {
      throw PostgresStepFailure.error(error, step, line: PostgresStepFailure.line(of: error, in: step.sql))
    }
  }

  func check(
    _ sql: String?, _ place: MigrationCheck.Place, _ step: PlannedMigration, _ connection: PostgresConnection
  ) async throws {
    guard let sql else { return }
    for statement in MigrationScript.statements(in: sql, .postgres) {
      let check = MigrationCheck(step: step.migration, place: place, line: statement.line)
      let rows: PostgresRows
      do throws(PostgresError) {
        rows = try await connection.query(PostgresStatement(sql: statement.text))
      } catch {
        guard error.code == .server else { throw error }
        throw check.failure("cannot be asked: \(error.description)", underlying: error)
      }
      for row in rows where row.count > 0 {
        switch try row.value(0) {
        case .bool(true): continue
        case .bool(false), .null:
          throw check.failure(row.count > 1 ? try? row.decode(1, as: String.self) : nil)
        default: throw check.failure("it answers no truth value: its first column is no boolean")
        }
      }
    }
  }
}
