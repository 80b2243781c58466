// What applications do with a database: the same verbs on the database and within a transaction of it.

import Synchronization

/// What can be done with a `Database`, or within a transaction of it. A function that takes `some DatabaseOperations` serves
/// both. Only this library's types conform to it.
public protocol DatabaseOperations: Sendable {
  /// Where the statements run.
  var access: DatabaseAccess { get }
}

/// Where statements run, who counts them, and whether they still may.
public final class DatabaseAccess: Sendable {
  let session: any DatabaseSession
  let counters: DatabaseCounters
  let listener: CallListener?
  /// What later calls fail with; nil while they are welcome.
  private let refusal = Mutex<AgentBaseError?>(nil)

  init(session: any DatabaseSession, counters: DatabaseCounters, listener: CallListener?) {
    self.session = session
    self.counters = counters
    self.listener = listener
  }

  /// Lets no more calls in.
  ///
  /// - Returns: whether this was the first time.
  @discardableResult
  func end(_ error: AgentBaseError) -> Bool {
    refusal.withLock { refusal in
      guard refusal == nil else { return false }
      refusal = error
      return true
    }
  }

  func check() throws {
    if let refusal = refusal.withLock({ $0 }) { throw refusal }
    try Task.checkCancellation()
  }

  /// Runs a statement, and counts it.
  func counted<Value>(
    _ verb: StaticString, _ body: (any DatabaseSession) async throws -> Value
  ) async throws -> Value {
    let start = ContinuousClock.now
    do {
      try check()
      let value = try await body(session)
      let duration = ContinuousClock.now - start
      counters.ended(duration, failed: false)
      listener?.ended(verb, after: duration)
      return value
    } catch {
      let duration = ContinuousClock.now - start
      counters.ended(duration, failed: true)
      listener?.ended(verb, after: duration, error)
      throw error
    }
  }
}

extension DatabaseOperations {
  // MARK: - Rows

  /// All rows that a statement answers.
  ///
  /// - Throws: `AgentBaseError`: `constraint` where a rule of a table refuses a row, `database` where the statement is wrong,
  ///   `unavailable` where the database is; `CancellationError`.
  public func query(_ statement: DatabaseStatement) async throws -> [DatabaseRow] {
    try statement.check()
    return try await access.counted("query") { try await $0.query(statement) }
  }

  /// All rows, each as a `Row`: see `DatabaseRow.decode(as:)`.
  ///
  /// - Throws: as the other, and the code `wrongType` where a row is no `Row`.
  public func query<Row: Decodable>(
    _ statement: DatabaseStatement, as type: Row.Type = Row.self
  ) async throws -> [Row] {
    try await query(statement).map { row throws(AgentBaseError) in try row.decode(as: type) }
  }

  /// The first row that a statement answers; nil where there is none.
  public func queryOne(_ statement: DatabaseStatement) async throws -> DatabaseRow? {
    try statement.check()
    return try await access.counted("queryOne") { try await $0.query(statement) }.first
  }

  /// The first row as a `Row`; nil where there is none.
  ///
  /// - Throws: as `query` does.
  public func queryOne<Row: Decodable>(
    _ statement: DatabaseStatement, as type: Row.Type = Row.self
  ) async throws -> Row? {
    try await queryOne(statement)?.decode(as: type)
  }

  // MARK: - Changes

  /// Runs a statement.
  ///
  /// - Throws: as `query` does.
  @discardableResult
  public func execute(_ statement: DatabaseStatement) async throws -> DatabaseResult {
    try statement.check()
    return try await access.counted("execute") { try await $0.execute(statement) }
  }

  /// Runs several statements, separated by semicolons and without values, all or none: what makes tables, for example.
  ///
  /// - Throws: as `query` does, for the first that fails.
  public func executeScript(_ sql: String) async throws {
    guard !sql.utf8.contains(0) else {
      throw AgentBaseError(.invalidValue, "the script holds a NUL character")
    }
    try await access.counted("executeScript") { try await $0.executeScript(sql) }
  }

  // MARK: - Transactions

  /// Runs the body in a transaction: what it does commits when it returns, and is undone when it throws or its task is
  /// cancelled. Within a transaction it is a savepoint, whose failure undoes only what it did itself.
  ///
  ///     try await database.transaction { transaction in
  ///       try await transaction.execute("INSERT INTO logs (message) VALUES (\(message))")
  ///       try await transaction.execute("UPDATE stats SET count = count + 1")
  ///     }
  ///
  /// The database itself must not be used in the body: on SQLite its writes would wait for the transaction.
  ///
  /// - Parameters:
  ///   - isolation: what it sees of others; a savepoint has that of its transaction.
  ///   - isRetryable: whether the body may run again, from its start, after an error that is safe to retry: a
  ///     serialization failure, a deadlock, a connection that was lost before the commit.
  /// - Throws: what the body throws; as `query` does.
  public func transaction<Value>(
    isolation: DatabaseIsolation = .standard, isRetryable: Bool = false,
    _ body: (DatabaseTransaction) async throws -> Value
  ) async throws -> Value {
    let access = access
    try access.check()
    let options = DatabaseTransactionOptions(isolation: isolation, isRetryable: isRetryable)
    do {
      let value = try await access.session.transaction(options) { session in
        let inner = DatabaseTransaction(
          access: DatabaseAccess(session: session, counters: access.counters, listener: access.listener))
        defer { inner.access.end(AgentBaseError(.closed, "the transaction has ended")) }
        return try await body(inner)
      }
      access.counters.transactionEnded(committed: true)
      return value
    } catch {
      access.counters.transactionEnded(committed: false)
      throw error
    }
  }
}

/// A transaction that is open for as long as its body runs.
public struct DatabaseTransaction: DatabaseOperations {
  /// Where the statements run.
  public let access: DatabaseAccess
}
