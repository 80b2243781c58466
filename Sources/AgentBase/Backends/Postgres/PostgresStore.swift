// The Postgres backend: an agent's rows in the tables agent_*.

import Postgres
import Synchronization
import Waiting

/// An agent's rows in Postgres.
final class PostgresStore: AgentStore {
  let lease: SharedLease<PostgresAgentDatabase>
  let config: AgentConfig
  /// The making of the agent's row in `agents`, which all others refer to; nil until something is written.
  private let registration = Mutex<Task<Void, any Error>?>(nil)
  /// The transaction that every statement belongs to; nil where each is one of its own.
  let transaction: PostgresTransaction?
  /// Whether a transaction looks at the phase of a cut-over before it begins, as one of an agent on both databases has to.
  let locksPhase: Bool
  /// Whether large batches have been of new keys.
  let copying = Mutex(Attempt())

  var agent: String { config.id }
  var database: ObjectIdentifier { ObjectIdentifier(lease.resource) }
  var pool: PostgresPool { lease.resource.pool }

  /// Opens a database; the agents of one URL share its connections.
  convenience init(url: String, config: AgentConfig, locksPhase: Bool = false) async throws {
    let lease = try await PostgresAgentDatabase.lease(url: url, config: config)
    self.init(lease: lease, config: config, transaction: nil, locksPhase: locksPhase)
    if let interval = config.sweepInterval {
      let database = lease.resource
      database.sweeper.add("", every: interval, for: config) { [weak database] in
        try await database?.sweep() ?? 0
      }
    }
  }

  init(
    lease: SharedLease<PostgresAgentDatabase>, config: AgentConfig, transaction: PostgresTransaction?,
    locksPhase: Bool = false
  ) {
    self.lease = lease
    self.config = config
    self.transaction = transaction
    self.locksPhase = locksPhase
  }

  /// Lets the database go; the last agent of a URL closes its connections.
  func close() async { await lease.release() }

  // MARK: - Statements

  /// Runs a statement that only reads, and again where the connection breaks.
  func read<Value>(
    _ statement: PostgresStatement, _ make: (PostgresRow) throws(PostgresError) -> Value
  ) async throws -> [Value] {
    do {
      let rows =
        if let transaction { try await transaction.query(statement) } else {
          try await pool.query(statement, isRepeatable: true)
        }
      return try rows.map { row throws(PostgresError) in try make(row) }
    } catch {
      throw AgentBaseError.of(error)
    }
  }

  /// Runs a statement that writes; the agent's own row is there before it.
  @discardableResult
  func write(_ statement: PostgresStatement) async throws -> PostgresRows {
    do {
      if let transaction { return try await transaction.query(statement) }
      return try await registered { try await pool.query(statement) }
    } catch {
      throw AgentBaseError.of(error)
    }
  }

  /// Runs what writes when the agent's own row is there; again where that row was removed behind our back.
  func registered<Value>(_ body: () async throws -> Value) async throws -> Value {
    try await register()
    do {
      return try await body()
    } catch let error as PostgresError where error.sqlState == .foreignKeyViolation {
      // The statement did nothing.
      forgetRegistration()
      try await register()
      return try await body()
    }
  }

  /// Makes the agent's row; calls that are under way at once wait for the first.
  func register() async throws {
    let task = registration.withLock { registration in
      if let registration { return registration }
      let (pool, config) = (pool, config)
      let task = Task<Void, any Error> { _ = try await pool.execute(AgentSQL.register(config)) }
      registration = task
      return task
    }
    do {
      try await task.value
    } catch {
      registration.withLock { if $0 == task { $0 = nil } }
      throw error
    }
  }

  /// Has the next write make the agent's row again.
  func forgetRegistration() { registration.withLock { $0 = nil } }
}

extension PostgresRows {
  /// Whether the one value of the answer is true.
  var isTrue: Bool { (try? first?.decode(0, as: Bool.self)) ?? false }
}
