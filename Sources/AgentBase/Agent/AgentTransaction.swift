// Several calls of an agent that hold together.

import Postgres
import SQLite

/// A transaction of an agent: every verb that an agent has, and what they do is committed together or not at all.
///
///     try await agent.transaction { transaction in
///       try await transaction.storeMemory("order:7", order)
///       try await transaction.recordMetric("orders", 1)
///     }
///
/// It sees what it has written itself, and works as if nothing else ran beside it: an agent's transactions run one after the
/// other. Any task may use it until its body has
/// ended; calls after that fail with the code `closed`.
public final class AgentTransaction: AgentOperations {
  /// The agent's rows, as the transaction sees them.
  public let access: AgentAccess

  init(_ access: AgentAccess) { self.access = access }
}

extension AgentOperations {
  /// Runs the body in a transaction: all that it does on its argument is committed when it returns, and nothing of it stays
  /// when it throws or its task is cancelled.
  ///
  /// On an agent this is a transaction of its own. On a transaction it is one that is nested in it: its throw undoes only what it
  /// did itself. Where the database refuses a call, the transaction that the call belongs to cannot commit any more, even if
  /// the body catches the error: put what may fail into a nested one.
  ///
  /// In the body, calls on the agent, on others of its database or on an outer transaction fail with the code
  /// `outsideTransaction`: they would wait for the transaction that waits for them. On SQLite nothing else is written into
  /// the file while the body runs, so it should be short.
  ///
  /// - Parameter isRetryable: whether the body may run again from its start. On Postgres a transaction fails where a call outside of
  ///   it changes what it changes too; it is then tried again, for some seconds. Of the outermost transaction only.
  /// - Throws: what the body throws; `AgentBaseError`, whose `isSafeToRetry` says that nothing happened and that the same may
  ///   succeed when it is tried again.
  @discardableResult
  public nonisolated(nonsending) func transaction<Value>(
    isRetryable: Bool = false, _ body: nonisolated(nonsending) (AgentTransaction) async throws -> Value
  ) async throws -> Value {
    let access = access
    do {
      try access.check()
      try Task.checkCancellation()
      return try await access.store.transaction(isRetryable: isRetryable) { store in
        let inner = AgentAccess(config: access.config, store: store, isTransaction: true)
        return try await TransactionFrame.run(inner) { try await body(AgentTransaction(inner)) }
      }
    } catch {
      guard let error = error as? AgentBaseError else { throw error }
      throw error.of(agent: access.config.id)
    }
  }
}

extension AgentAccess {
  /// Ends a transaction in which a call has failed, if it was the database that refused it: Postgres does so by itself.
  func endTransaction(after error: any Error) {
    let failure = error as? AgentBaseError
    let isOfDatabase = failure?.underlying is PostgresError || failure?.underlying is SQLiteError
    guard isOfDatabase || error is CancellationError else { return }
    _ = end(
      AgentBaseError(
        failure?.code ?? .database,
        "the transaction is undone: "
          + (failure.map { "a call in it failed (\($0.message))" } ?? "a call in it was cancelled"),
        advice: "Put what may fail into a transaction within it.", underlying: failure?.underlying,
        isSafeToRetry: failure?.isSafeToRetry ?? true))
  }
}
