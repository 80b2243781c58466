// The Postgres backend: an agent's rows in the tables agent_*.

import Postgres
import Synchronization

/// An agent's rows in Postgres.
final class PostgresStore: AgentStore {
  private let lease: SharedLease<PostgresAgentDatabase>
  private let config: AgentConfig
  /// The making of the agent's row in `agents`, which all others refer to; nil until something is written.
  private let registration = Mutex<Task<Void, any Error>?>(nil)
  /// The transaction that every statement belongs to; nil where each is one of its own.
  private let transaction: PostgresTransaction?

  var agent: String { config.id }
  var database: ObjectIdentifier { ObjectIdentifier(lease.resource) }
  private var pool: PostgresPool { lease.resource.pool }

  /// Opens a database; the agents of one URL share its connections.
  convenience init(url: String, config: AgentConfig) async throws {
    let lease = try await PostgresAgentDatabase.shared.lease(url) {
      try await PostgresAgentDatabase(url: url, config: config)
    } close: {
      await $0.pool.close()
    }
    self.init(lease: lease, config: config, transaction: nil)
  }

  private init(
    lease: SharedLease<PostgresAgentDatabase>, config: AgentConfig, transaction: PostgresTransaction?
  ) {
    self.lease = lease
    self.config = config
    self.transaction = transaction
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

  /// The row of a key's current value, read with others that are under way; nil where there is none.
  func readGathered(namespace: String, key: String) async throws -> PostgresRow? {
    do {
      if transaction == nil, let reads = lease.resource.gatherers?.reads {
        return try await reads.call(MemoryPlace(agent: agent, namespace: namespace, key: key))
      }
    } catch {
      throw AgentBaseError.of(error)
    }
    return try await read(MemorySQL.value(agent: agent, namespace: namespace, key: key)) { $0 }.first
  }

  /// Runs a statement that writes; the agent's own row is there before it.
  @discardableResult
  func write(_ statement: PostgresStatement) async throws -> PostgresRows {
    do {
      if let transaction { return try await transaction.query(statement) }
      return try await registered { () throws(PostgresError) in try await pool.query(statement) }
    } catch {
      throw AgentBaseError.of(error)
    }
  }

  /// Stores a value, with others that are under way.
  func storeGathered(_ draft: MemoryDraft) async throws {
    let storing = MemoryStoring(agent: agent, draft: draft)
    guard transaction == nil, storing.isGathered, let stores = lease.resource.gatherers?.stores else {
      _ = try await write(MemorySQL.store(draft, agent: agent))
      return
    }
    do {
      try await registered { try await stores.call(storing) }
    } catch {
      throw AgentBaseError.of(error)
    }
  }

  /// Runs what writes when the agent's own row is there; again where that row was removed behind our back.
  private func registered<Value>(_ body: () async throws -> Value) async throws -> Value {
    try await register()
    do {
      return try await body()
    } catch let error as PostgresError where error.sqlState == .foreignKeyViolation {
      // The statement did nothing.
      registration.withLock { $0 = nil }
      try await register()
      return try await body()
    }
  }

  // MARK: - Transactions

  /// Serializable, as a transaction of SQLite is: only so does the same body do the same on both.
  nonisolated(nonsending) func transaction<Value>(
    isRetryable: Bool, _ body: nonisolated(nonsending) (any AgentStore) async throws -> Value
  ) async throws -> Value {
    // What the library threw for the driver's error that ends the transaction.
    var reason: AgentBaseError?
    do {
      if let transaction {
        return try await transaction.transaction { inner in
          try await body(PostgresStore(lease: lease, config: config, transaction: inner))
        }
      }
      // Before it begins: two transactions that make the same row would wait for each other.
      try await register()
      return try await pool.transaction(.serializable, isRetryable: isRetryable) { connection in
        reason = nil
        do {
          let opened = connection.openTransaction
          return try await body(PostgresStore(lease: lease, config: config, transaction: opened))
        } catch let error as AgentBaseError {
          guard let driverError = error.underlying as? PostgresError else { throw error }
          // The pool knows by the driver's error whether the body runs again.
          reason = error
          throw driverError
        }
      }
    } catch {
      // The agent's row was removed behind our back: the next call makes it again.
      if (error as? PostgresError)?.sqlState == .foreignKeyViolation { registration.withLock { $0 = nil } }
      throw reason ?? AgentBaseError.of(error)
    }
  }

  /// Makes the agent's row; calls that are under way at once wait for the first.
  private func register() async throws {
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
}

extension PostgresRows {
  /// Whether the one value of the answer is true.
  var isTrue: Bool { (try? first?.decode(0, as: Bool.self)) ?? false }
}
