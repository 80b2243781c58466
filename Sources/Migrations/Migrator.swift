// The one door for callers: a database of either kind, steps, and what can be done with them.

public import Postgres
public import SQLite

/// A database whose schema is changed by steps.
public enum MigrationDatabase: Sendable {
  /// A SQLite file.
  case sqlite(path: String)
  /// A Postgres database; its tables are in the first schema of the search path.
  case postgres(PostgresConfiguration)

  /// What kind it is.
  public var dialect: MigrationDialect {
    switch self {
    case .sqlite: .sqlite
    case .postgres: .postgres
    }
  }
}

/// Brings the schema of a database to a version, and tells where it stands.
///
///     let folder = try MigrationFolder(path: "migrations")
///     let migrator = Migrator(.sqlite(path: "agent.db"), folder.migrations)
///     try await migrator.up()
public struct Migrator: Sendable {
  /// The caller's own check, after a step and in its transaction, on the connection that the step ran on.
  public enum Acceptance: Sendable {
    /// For a SQLite file.
    case sqlite(@Sendable (SQLiteConnection, PlannedMigration) throws -> Void)
    /// For a Postgres database.
    case postgres(@Sendable (PostgresConnection, PlannedMigration) async throws -> Void)
  }

  /// The database.
  public var database: MigrationDatabase
  /// What the steps are.
  public var plan: MigrationPlan
  /// Where they are remembered.
  public var tables: MigrationTables
  /// How they are gone.
  public var options = MigrationOptions()
  /// What the caller wants to see before a step is committed; what it throws undoes the step.
  public var acceptance: Acceptance?
  /// Is asked in the transaction of each step on Postgres, before anything is changed, with all steps that are to come.
  public var precondition: (@Sendable (PostgresConnection, [PlannedMigration]) async throws -> Void)?

  /// A migrator of an application's own steps.
  ///
  /// - Parameter origin: who knows the steps, as errors name it.
  public init(
    _ database: MigrationDatabase, _ migrations: [Migration], origin: String = "this program",
    tables: MigrationTables = .application
  ) {
    self.database = database
    plan = MigrationPlan(migrations, origin: origin)
    self.tables = tables
  }

  // MARK: - What can be done

  /// Where the database stands beside the steps. Changes nothing.
  ///
  /// - Throws: `unavailable`.
  @concurrent public func status() async throws -> MigrationStatus {
    let history = try await history()
    return MigrationStatus(plan.migrations, history)
  }

  /// The steps that a call would go, with their SQL. Changes nothing.
  ///
  /// - Throws: `MigrationError`, as the call itself would.
  @concurrent public func steps(to goal: MigrationGoal) async throws -> [PlannedMigration] {
    var history = MigrationHistory()
    if case .sqlite(let path) = database, goal.direction == .up, SQLiteFile.kind(path) == .missing {
      // The way up would make it.
    } else {
      history = try await self.history()
    }
    let steps = try plan.steps(to: goal, from: history)
    for step in steps { _ = try MigrationScript(step.sql, of: step.migration.label, database.dialect) }
    return steps
  }

  /// Goes up to a version, or to the newest, and answers the steps that it has gone.
  ///
  /// - Throws: `MigrationError`; the step that it names is undone, and those before it are there. `CancellationError`, likewise.
  @discardableResult
  @concurrent public func up(to target: Int? = nil) async throws -> [MigrationRun] {
    try await run(.up(to: target))
  }

  /// Goes down to a version; 0 takes every step back. What the older schema has no place for is kept aside.
  ///
  /// - Throws: as `up` does; `noWayBack`.
  @discardableResult
  @concurrent public func down(to target: Int) async throws -> [MigrationRun] {
    try await run(.down(to: target))
  }

  private func run(_ goal: MigrationGoal) async throws -> [MigrationRun] {
    switch database {
    case .sqlite(let path):
      let migrator = sqlite
      return try await Self.withFile(path, makes: goal.direction == .up, wait: options.lockWait) {
        try migrator.run(goal, on: $0)
      }
    case .postgres(let configuration):
      var migrator = postgres
      migrator.resetsSession = true
      return try await Self.withConnection(configuration) { try await migrator.run(goal, on: $0) }
    }
  }

  /// What the database remembers of its steps.
  ///
  /// - Throws: `unavailable`.
  @concurrent public func history() async throws -> MigrationHistory {
    switch database {
    case .sqlite(let path):
      let migrator = sqlite
      return try await Self.withFile(path, makes: false, wait: options.lockWait) {
        try migrator.history(on: $0)
      }
    case .postgres(let configuration):
      let migrator = postgres
      return try await Self.withConnection(configuration) { try await migrator.history(on: $0) }
    }
  }

  // MARK: - The two kinds

  var sqlite: SQLiteMigrator {
    var migrator = SQLiteMigrator(plan, tables: tables, options: options)
    if case .sqlite(let check)? = acceptance { migrator.acceptance = check }
    return migrator
  }

  var postgres: PostgresMigrator {
    var migrator = PostgresMigrator(plan, tables: tables, options: options)
    migrator.precondition = precondition
    if case .postgres(let check)? = acceptance { migrator.acceptance = check }
    return migrator
  }

  /// Runs the body with a connection to a file, off Swift's cooperative threads; cancelling the task interrupts it.
  static func withFile<Value: Sendable>(
    _ path: String, makes: Bool, wait: Duration,
    _ body: @escaping @Sendable (SQLiteConnection) throws -> Value
  ) async throws -> Value {
    switch SQLiteFile.kind(path) {
    case .database, .empty: break
    case .missing where makes: break
    case .missing:
      throw MigrationError(
        .unavailable, "\(path): there is no such file", advice: "correct the path", file: path)
    default:
      throw MigrationError(
        .unavailable, "\(path) is no SQLite database that can be read", advice: "correct the path", file: path
      )
    }
    do {
      let database = try await SQLiteDatabase(
        path: path, access: makes ? .create : .readWrite, busyTimeout: wait, readers: 1)
      do {
        let value = try await database.writeWithoutTransaction(body)
        await database.close()
        return value
      } catch {
        await database.close()
        throw error
      }
    } catch let error as SQLiteError {
      if Task.isCancelled { throw CancellationError() }
      throw MigrationError(.unavailable, error.description, file: path, underlying: error)
    } catch let error as MigrationError {
      if Task.isCancelled { throw CancellationError() }
      throw error
    }
  }

  /// Runs the body with a connection of its own.
  static func withConnection<Value: Sendable>(
    _ configuration: PostgresConfiguration, _ body: (PostgresConnection) async throws -> Value
  ) async throws -> Value {
    var configuration = configuration
    if configuration["application_name"] == nil { configuration["application_name"] = "agentbase schema" }
    let connection = try await PostgresConnection.connect(configuration)
    do {
      let value = try await body(connection)
      await connection.close()
      return value
    } catch {
      await connection.close()
      throw error
    }
  }
}
