// What applications do with a database: the same verbs on the database and within a transaction of it.

/// What can be done with a `Database`, or within a transaction of it. A function that takes `some DatabaseOperations` serves
/// both. Only this library's types conform to it.
public protocol DatabaseOperations: Sendable {
  /// Where the statements run.
  var access: DatabaseAccess { get }
}

extension DatabaseOperations {
  // MARK: - Rows

  /// All rows that a statement answers.
  ///
  /// - Throws: `AgentBaseError`: `constraint` where a rule of a table refuses a row, `database` where the statement is wrong,
  ///   `unavailable` where the database is; `CancellationError`.
  @concurrent public func query(_ statement: DatabaseStatement) async throws -> [DatabaseRow] {
    try statement.check()
    return try await access.counted("query") { try await $0.query(statement) }
  }

  /// All rows, each as a `Row`: see `DatabaseRow.decode(as:)`.
  ///
  /// - Throws: as the other, and the code `wrongType` where a row is no `Row`.
  @concurrent public func query<Row: Decodable>(
    _ statement: DatabaseStatement, as type: Row.Type = Row.self
  ) async throws -> [Row] {
    try await query(statement).map { row throws(AgentBaseError) in try row.decode(as: type) }
  }

  /// The first row that a statement answers; nil where there is none.
  @concurrent public func queryOne(_ statement: DatabaseStatement) async throws -> DatabaseRow? {
    try statement.check()
    return try await access.counted("queryOne") { try await $0.query(statement) }.first
  }

  /// The first row as a `Row`; nil where there is none.
  ///
  /// - Throws: as `query` does.
  @concurrent public func queryOne<Row: Decodable>(
    _ statement: DatabaseStatement, as type: Row.Type = Row.self
  ) async throws -> Row? {
    try await queryOne(statement)?.decode(as: type)
  }

  // MARK: - Changes

  /// Runs a statement.
  ///
  /// - Throws: as `query` does.
  @discardableResult
  @concurrent public func execute(_ statement: DatabaseStatement) async throws -> DatabaseResult {
    try statement.check()
    return try await access.counted("execute") { try await $0.execute(statement) }
  }

  /// Runs several statements, separated by semicolons and without values, all or none: what makes tables, for example.
  ///
  /// - Throws: as `query` does, for the first that fails.
  @concurrent public func executeScript(_ sql: String) async throws {
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
  /// In the body, calls on the database itself, or on an outer transaction, fail with the code `outsideTransaction`: on SQLite
  /// they would wait for the transaction that waits for them. Where the database refuses a call, the transaction that the
  /// call belongs to cannot commit any more, even if the body catches the error: put what may fail into a nested one.
  ///
  /// - Parameters:
  ///   - isolation: what it sees of others; a savepoint has that of its transaction.
  ///   - isRetryable: whether the body may run again, from its start, after an error that is safe to retry: a
  ///     serialization failure, a deadlock, a connection that was lost before the commit.
  /// - Throws: what the body throws; as `query` does.
  @discardableResult
  public nonisolated(nonsending) func transaction<Value>(
    isolation: DatabaseIsolation = .standard, isRetryable: Bool = false,
    _ body: nonisolated(nonsending) (DatabaseTransaction) async throws -> Value
  ) async throws -> Value {
    let access = access
    try access.check()
    let start = ContinuousClock.now
    let options = DatabaseTransactionOptions(isolation: isolation, isRetryable: isRetryable)
    do {
      let value = try await access.session.transaction(options) { session in
        let inner = DatabaseAccess(session: session, within: access)
        return try await DatabaseFrame.run(inner) { try await body(DatabaseTransaction(access: inner)) }
      }
      access.counters.transactionEnded(committed: true)
      access.listener?.ended("transaction", after: ContinuousClock.now - start)
      return value
    } catch {
      access.counters.transactionEnded(committed: false)
      access.listener?.ended("transaction", after: ContinuousClock.now - start, error)
      throw error
    }
  }
}

/// A transaction that is open for as long as its body runs.
public struct DatabaseTransaction: DatabaseOperations {
  /// Where the statements run.
  public let access: DatabaseAccess
}
