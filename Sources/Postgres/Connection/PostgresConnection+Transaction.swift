// Transactions, and savepoints where they nest.

import CPostgres

/// How a transaction sees others and what it may do. An inner one (a savepoint) has its outer one's mode.
public struct PostgresTransactionMode: Sendable, Hashable {
  /// What is said after BEGIN.
  let options: String

  private init(_ options: String) { self.options = options }

  /// As the server's `default_transaction_…` settings say.
  public static let standard = PostgresTransactionMode("")
  /// Each statement sees what was committed before it.
  public static let readCommitted = PostgresTransactionMode(" ISOLATION LEVEL READ COMMITTED")
  /// All statements see one snapshot.
  public static let repeatableRead = PostgresTransactionMode(" ISOLATION LEVEL REPEATABLE READ")
  /// As if transactions ran one after the other; some end with 40001 and must be run again.
  public static let serializable = PostgresTransactionMode(" ISOLATION LEVEL SERIALIZABLE")
  /// One snapshot, and nothing is written.
  public static let readOnlySnapshot = PostgresTransactionMode(" ISOLATION LEVEL REPEATABLE READ, READ ONLY")
}

extension PostgresConnection {
  /// A transaction that is open, and where it stands.
  struct OpenTransaction {
    let outerScope: Int
    let scope: Int
    /// The name of the savepoint; `nil` for the transaction itself.
    let savepoint: String?
  }

  /// Runs `body` in a transaction, which commits if it returns.
  ///
  /// A throw, or the cancellation of the task, rolls back. Inside another transaction this is a savepoint. Calls on
  /// this connection in `body`, from child tasks too, belong to the transaction; calls of other tasks wait for its end.
  ///
  /// - Throws: what `body` throws; `transactionAborted` if a statement had failed and its error was swallowed;
  ///   `connectionLost` that is not safe to retry if the outcome of COMMIT is unknown.
  @discardableResult
  public func transaction<R>(
    _ mode: PostgresTransactionMode = .standard, isolation: isolated (any Actor)? = #isolation,
    _ body: (PostgresConnection) async throws -> R
  ) async throws -> R {
    let open = try await begin(mode)
    let result: R
    do {
      result = try await ScopeFrame.$current.withValue(ScopeFrame(self, scope: open.scope)) {
        try await body(self)
      }
      if Task.isCancelled { throw PostgresError.cancelled() }
    } catch {
      await rollBack(open)
      throw error
    }
    try await commit(open)
    return result
  }

  private func begin(_ mode: PostgresTransactionMode) async throws(PostgresError) -> OpenTransaction {
    let outer = try await enter()
    let savepoint = isInTransaction ? "sp_\(lastScope + 1)" : nil
    let sql = savepoint.map { "SAVEPOINT \($0)" } ?? "BEGIN" + mode.options
    do {
      _ = try await supervise(sql) { () async throws(PostgresError) in try await runScript(sql) }
    } catch {
      // A BEGIN that was cancelled too late has begun.
      if savepoint == nil { await endQuietly("ROLLBACK") }
      release(scope: outer)
      throw error
    }
    return OpenTransaction(outerScope: outer, scope: openScope(), savepoint: savepoint)
  }

  private func commit(_ open: OpenTransaction) async throws(PostgresError) {
    await closeScope(open.scope)
    defer { release(scope: open.outerScope) }
    guard link != nil else {
      throw PostgresError(
        .connectionLost, "the connection broke before COMMIT; the transaction was rolled back",
        isSafeToRetry: true)
    }
    let aborted = PostgresError(
      .transactionAborted,
      "the transaction was rolled back: a statement in it had failed and its error was not passed on")
    if let savepoint = open.savepoint {
      if link?.transactionStatus == PQTRANS_INERROR {
        await endQuietly("ROLLBACK TO SAVEPOINT \(savepoint); RELEASE SAVEPOINT \(savepoint)")
        throw aborted
      }
      let sql = "RELEASE SAVEPOINT \(savepoint)"
      _ = try await supervise(sql, shielded: true) { () async throws(PostgresError) in
        try await runScript(sql)
      }
      return
    }
    let result: ResultHandle
    do {
      result = try await supervise("COMMIT", shielded: true) { () async throws(PostgresError) in
        try await runScript("COMMIT")
      }
    } catch {
      guard error.code == .connectionLost, !error.isSafeToRetry else { throw error }
      var error = error
      error.message = "the connection broke during COMMIT; whether the transaction was committed is unknown"
      throw error
    }
    guard result.commandTag != "ROLLBACK" else { throw aborted }
  }

  private func rollBack(_ open: OpenTransaction) async {
    await closeScope(open.scope)
    defer { release(scope: open.outerScope) }
    if let savepoint = open.savepoint {
      await endQuietly("ROLLBACK TO SAVEPOINT \(savepoint); RELEASE SAVEPOINT \(savepoint)")
    } else {
      await endQuietly("ROLLBACK")
    }
  }

  /// Ends a transaction or savepoint whose error is on its way already; a link that cannot do that is given up.
  private func endQuietly(_ sql: String) async {
    guard link != nil else { return }
    do {
      _ = try await supervise(sql, shielded: true) { () async throws(PostgresError) in
        try await runScript(sql)
      }
    } catch {
      link = nil
    }
  }
}
