// A connection on loan from a pool.

/// A connection for as long as a closure runs. It cannot be copied or kept, so no one uses a connection that
/// the pool has lent to somebody else.
public struct PostgresLease: ~Copyable {
  private let connection: PostgresConnection

  init(_ connection: PostgresConnection) {
    self.connection = connection
  }

  /// The process of the server that serves this connection (`pg_backend_pid`).
  public var backendProcessID: Int32 { connection.backendProcessID }

  /// The server's version, such as `150018` for 15.18.
  public var serverVersion: Int { connection.serverVersion }

  // MARK: - Statements

  /// Runs a statement and returns all its rows. See ``PostgresConnection/query(_:)``.
  public nonisolated(nonsending) mutating func query(
    _ statement: PostgresStatement
  ) async throws(PostgresError) -> PostgresRows {
    try await connection.query(statement)
  }

  /// Runs a statement and returns its first row, if there is one.
  public nonisolated(nonsending) mutating func queryOne(
    _ statement: PostgresStatement
  ) async throws(PostgresError) -> PostgresRow? {
    try await connection.queryOne(statement)
  }

  /// Runs a statement and returns how many rows it changed or selected.
  @discardableResult
  public nonisolated(nonsending) mutating func execute(
    _ statement: PostgresStatement
  ) async throws(PostgresError) -> Int {
    try await connection.execute(statement)
  }

  /// Runs several statements, separated by semicolons and without parameters, as one implicit transaction.
  public nonisolated(nonsending) mutating func executeScript(_ sql: String) async throws(PostgresError) {
    try await connection.executeScript(sql)
  }

  // MARK: - Transactions

  /// Runs `body` in a transaction, or in a savepoint where one is open already. See
  /// ``PostgresConnection/transaction(_:isolation:_:)``.
  @discardableResult
  public nonisolated(nonsending) mutating func transaction<Value>(
    _ mode: PostgresTransactionMode = .standard,
    _ body: nonisolated(nonsending) (inout PostgresLease) async throws -> Value
  ) async throws -> Value {
    try await connection.transaction(mode) { connection in
      var lease = PostgresLease(connection)
      return try await body(&lease)
    }
  }
}
