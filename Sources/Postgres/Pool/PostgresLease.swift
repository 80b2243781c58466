// A connection on loan from a pool.

/// A connection for as long as a closure runs. It cannot be copied or kept, so no one uses a connection that
/// the pool has lent to somebody else.
public struct PostgresLease: ~Copyable {
  /// The connection itself, for transactions of the library's own, which are handed on as values: it must not be used after
  /// the lease has ended.
  package let connection: PostgresConnection

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

  /// Sends all statements at once and returns the answer to each, in order. See
  /// ``PostgresConnection/pipeline(_:mode:)``.
  public nonisolated(nonsending) mutating func pipeline(
    _ statements: [PostgresStatement], mode: PostgresPipelineMode = .atomic
  ) async throws(PostgresError) -> [Result<PostgresRows, PostgresError>] {
    try await connection.pipeline(statements, mode: mode)
  }

  /// What the server last said of one of its settings, such as `TimeZone` or `in_hot_standby`.
  public nonisolated(nonsending) mutating func parameter(_ name: String) async -> String? {
    await connection.parameter(name)
  }

  // MARK: - COPY

  /// Runs a `COPY … FROM STDIN` with the bytes that `body` writes, and returns how many rows the server stored. See
  /// ``PostgresConnection/copyIn(_:isolation:_:)``.
  @discardableResult
  public nonisolated(nonsending) mutating func copyIn(
    _ statement: PostgresStatement,
    _ body: nonisolated(nonsending) (PostgresCopyWriter) async throws -> Void
  ) async throws -> Int {
    try await connection.copyIn(statement) { writer in try await body(writer) }
  }

  /// Runs a `COPY … TO STDOUT`, calls `body` with each piece that the server sends, and returns how many rows
  /// it sent. See ``PostgresConnection/copyOut(_:isolation:_:)``.
  @discardableResult
  public nonisolated(nonsending) mutating func copyOut(
    _ statement: PostgresStatement, _ body: (UnsafeRawBufferPointer) throws -> Void
  ) async throws -> Int {
    unsafe try await connection.copyOut(statement, body)
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

  /// Runs the body with the transaction in whose body this is called, for calls from any task; see ``PostgresTransaction``.
  public nonisolated(nonsending) mutating func withOpenTransaction<Value>(
    _ body: nonisolated(nonsending) (PostgresTransaction) async throws -> Value
  ) async throws -> Value {
    let transaction = PostgresTransaction(connection)
    return try await transaction.lend(outside: transaction.frame?.parent, to: body)
  }
}
