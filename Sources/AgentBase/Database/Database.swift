// A database of an application: opening and closing it, and how it is. What it does is in DatabaseOperations.

/// A database that an application runs its own SQL on: Postgres, or a SQLite file.
///
///     let database = try await Database(DatabaseConfiguration(.postgres(url: url)))
///     let users = try await database.query("SELECT * FROM users WHERE active = \(true)", as: User.self)
///
/// Any number of tasks may use it at once. All verbs throw `AgentBaseError`, or `CancellationError` where their task is
/// cancelled.
public final class Database: DatabaseOperations {
  /// What the database was made from.
  public let configuration: DatabaseConfiguration
  /// Where the statements run, until it is closed.
  public let access: DatabaseAccess
  private let backend: any DatabaseBackend

  /// What the database is called.
  public var name: String { configuration.name }

  /// Opens a database; a SQLite file that is not there is made.
  ///
  /// - Throws: `AgentBaseError`: `unavailable` where it cannot be reached or opened, `invalidConfiguration` where the URL is
  ///   wrong.
  @concurrent public init(_ configuration: DatabaseConfiguration) async throws {
    self.configuration = configuration
    switch configuration.backend.kind {
    case .sqlite(let path):
      OnceAProcess.sayThatSQLiteIsDeprecated(configuration.eventHandler)
      backend = try await SQLiteDatabaseFile(path: path, configuration)
    case .postgres(let url): backend = try await PostgresDatabase(url: url, configuration)
    case .dual:
      throw AgentBaseError(
        .invalidConfiguration, "database \"\(configuration.name)\": .dual is for agents",
        advice: "Use .postgres(url:), or .sqlite(path:), for the application's own tables.")
    }
    access = DatabaseAccess(
      session: backend, counters: DatabaseCounters(slowLimit: configuration.slowQueryLimit),
      listener: CallListener(configuration.eventHandler, database: configuration.name))
  }

  /// Closes the database, when its calls that are under way have ended.
  @concurrent public func close() async {
    if access.end(AgentBaseError(.closed, "database \"\(name)\" is closed")) { await backend.close() }
  }

  // MARK: - How it is

  /// What the database has done so far, and its connections at this moment.
  public var metrics: DatabaseMetrics {
    var metrics = access.counters.metrics
    metrics.pool = backend.pool
    return metrics
  }

  /// Asks the database for a sign of life. It never throws: what is wrong stands in the answer, with advice.
  ///
  /// - Parameter limit: how long it may take.
  @concurrent public func healthCheck(limit: Duration = .seconds(5)) async -> DatabaseHealth {
    let start = ContinuousClock.now
    let answer = await version(within: limit)
    let latency = ContinuousClock.now - start
    return switch answer {
    case .success(let version):
      DatabaseHealth(isHealthy: true, latency: latency, version: version, pool: backend.pool)
    case .failure(let error):
      DatabaseHealth(isHealthy: false, latency: latency, pool: backend.pool, error: error)
    }
  }

  private func version(within limit: Duration) async -> Result<String, AgentBaseError> {
    let late = AgentBaseError(
      .unavailable, "database \"\(name)\" has not answered within \(limit)",
      advice:
        "Look at the pool's numbers: where calls wait, raise its size; else look at the server's load and network.",
      isSafeToRetry: true)
    return await withTaskGroup(of: Result<String, AgentBaseError>.self) { group in
      group.addTask { [self] in
        do {
          try access.check()
          return .success(try await backend.version())
        } catch {
          return .failure(error as? AgentBaseError ?? late)
        }
      }
      group.addTask {
        // Ends early where the answer came first.
        try? await Task.sleep(for: limit)
        return .failure(late)
      }
      let first = await group.next() ?? .failure(late)
      group.cancelAll()
      return first
    }
  }
}
