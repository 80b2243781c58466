// What callers do with a pool: single statements, whole conversations and transactions.

extension PostgresPool {
  // MARK: - Conversations

  /// Lends a connection to `body`, for as long as it runs.
  ///
  /// Where `isRetryable` says that `body` may be run again from its start, and it fails with an error that is safe to
  /// retry, it is run again after a pause, on another connection if need be, until the configuration's `retryLimit`.
  ///
  /// - Throws: what `body` throws; `poolExhausted` if no connection becomes free within the wait limit;
  ///   `poolClosed`; `cancelled`; `connectionFailed` if none can be opened and trying again cannot help.
  @discardableResult
  public nonisolated(nonsending) func withConnection<Value>(
    isRetryable: Bool = false,
    _ body: nonisolated(nonsending) (inout PostgresLease) async throws -> Value
  ) async throws -> Value {
    var retry = PostgresPoolRetry(limit: isRetryable ? configuration.retryLimit : .zero)
    while true {
      let link = try await acquire()
      var lease = PostgresLease(link.connection)
      do {
        let value = try await body(&lease)
        await release(link)
        return value
      } catch {
        await release(link)
        guard let reason = error as? PostgresError, let pause = retry.pause(after: reason) else {
          throw error
        }
        observer?.handle(.retries(reason, attempt: retry.attempts))
        try await PostgresPoolRetry.wait(pause)
      }
    }
  }

  /// Runs `body` in a transaction on a connection of the pool. It commits when `body` returns, and rolls
  /// back when it throws or its task is cancelled.
  ///
  /// Where `isRetryable` says that `body` may be run again from its start, a serialization failure, a deadlock or
  /// another error that is safe to retry runs the whole transaction again, until the configuration's `retryLimit`.
  ///
  /// - Throws: as `withConnection` does, and as ``PostgresConnection/transaction(_:isolation:_:)`` does.
  @discardableResult
  public nonisolated(nonsending) func transaction<Value>(
    _ mode: PostgresTransactionMode = .standard, isRetryable: Bool = false,
    _ body: nonisolated(nonsending) (inout PostgresLease) async throws -> Value
  ) async throws -> Value {
    try await withConnection(isRetryable: isRetryable) { connection in
      try await connection.transaction(mode, body)
    }
  }

  // MARK: - Single statements

  /// Runs a statement and returns all its rows. It is run again, until the configuration's `retryLimit`, after errors
  /// that are safe to retry: nothing was sent, or the server took everything back.
  ///
  /// - Parameters:
  ///   - isRepeatable: whether to run it twice is as good as once, as of a statement that only reads: then it is run
  ///     again too where the connection breaks in its middle.
  ///   - isShared: whether several tasks wait for its answer: then no thread is kept to look out for it.
  /// - Throws: `server`, `connectionLost`, `encoding`; `poolExhausted`, `poolClosed`, `cancelled`, `connectionFailed`.
  @concurrent public func query(
    _ statement: PostgresStatement, isRepeatable: Bool = false, isShared: Bool = false
  ) async throws(PostgresError) -> PostgresRows {
    if isShared { BriefWait.begin() }
    defer { if isShared { BriefWait.end() } }
    var retry = PostgresPoolRetry(limit: configuration.retryLimit)
    var deadLinks = 0
    while true {
      let link = try await acquire(isTrusted: true)
      do {
        let rows = try await link.connection.query(statement)
        await release(link)
        return rows
      } catch let failure {
        var error = failure
        if error.code == .connectionLost, error.isSafeToRetry, deadLinks <= configuration.maximumSize {
          // Ended by the server while it was idle, and found so before anything was sent: nothing is lost but this link.
          deadLinks += 1
          await release(link)
          continue
        }
        if isRepeatable, error.code == .connectionLost { error.isSafeToRetry = true }
        // The server has become a standby while we were connected: the next attempt looks for the primary.
        if error.sqlState == .readOnlyTransaction, await leaveStandby(link) { error.isSafeToRetry = true }
        await release(link)
        guard let pause = retry.pause(after: error) else { throw error }
        observer?.handle(.retries(error, attempt: retry.attempts))
        try await PostgresPoolRetry.wait(pause)
      }
    }
  }

  /// Runs a statement and returns its first row, if there is one.
  ///
  /// - Throws: as `query` does.
  @concurrent public func queryOne(
    _ statement: PostgresStatement
  ) async throws(PostgresError) -> PostgresRow? {
    try await query(statement).first
  }

  /// Runs a statement and returns how many rows it changed or selected.
  ///
  /// - Throws: as `query` does.
  @discardableResult
  @concurrent public func execute(
    _ statement: PostgresStatement
  ) async throws(PostgresError) -> Int {
    try await query(statement).affectedRows
  }
}
