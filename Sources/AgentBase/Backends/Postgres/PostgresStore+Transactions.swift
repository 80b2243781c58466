// Transactions of a caller's own in Postgres: one of an agent at a time, as in a SQLite file.

import Postgres

extension PostgresStore {
  /// An agent's transactions run one after the other, each on one snapshot. So nothing comes between what one reads and
  /// what it writes, but for single calls outside of all transactions: where one has changed the same row, Postgres lets the
  /// transaction fail, and it can run again. The server's own SERIALIZABLE would also let transactions of different agents
  /// fail, whose rows share a page.
  nonisolated(nonsending) func transaction<Value>(
    isRetryable: Bool, _ body: nonisolated(nonsending) (any AgentStore) async throws -> Value
  ) async throws -> Value {
    do {
      if let transaction {
        return try await transaction.transaction { inner in
          try await body(PostgresStore(lease: lease, config: config, transaction: inner))
        }
      }
      let end = ContinuousClock.now + config.waitLimit
      while true {
        // Before it begins: two transactions that make the same row would wait for each other.
        try await register()
        let outcome = try await attempt(isRetryable: isRetryable, until: end, body)
        if let outcome { return outcome.value }
      }
    } catch {
      throw AgentBaseError.of(error)
    }
  }

  /// What a body has returned; even nil is something.
  private struct Outcome<Value> { let value: Value }
  private struct TurnLost: Error {}

  /// Runs the body in a transaction; nil, and nothing was run, where another one of the agent has just ended.
  private nonisolated(nonsending) func attempt<Value>(
    isRetryable: Bool, until end: ContinuousClock.Instant,
    _ body: nonisolated(nonsending) (any AgentStore) async throws -> Value
  ) async throws -> Outcome<Value>? {
    // What the library threw for the driver's error that ended the transaction.
    var reason: AgentBaseError?
    do {
      return try await pool.transaction(.repeatableRead, isRetryable: isRetryable) { connection in
        reason = nil
        guard try await takeTurn(&connection, until: end) else { throw TurnLost() }
        return try await connection.withOpenTransaction { opened in
          do {
            let store = PostgresStore(lease: lease, config: config, transaction: opened)
            return Outcome(value: try await body(store))
          } catch let error as AgentBaseError {
            guard let driverError = error.underlying as? PostgresError else { throw error }
            // The pool knows by the driver's error whether the body runs again.
            reason = error
            throw driverError
          }
        }
      }
    } catch is TurnLost {
      return nil
    } catch {
      throw reason ?? error
    }
  }

  /// Waits until no other transaction of the agent is under way, by the lock of the agent's row.
  ///
  /// Each transaction writes that row. So Postgres itself refuses one whose snapshot is older than the end of the one before
  /// it: no lock could, as it is given only after the snapshot was taken.
  ///
  /// - Returns: false where this transaction has to begin anew.
  private nonisolated(nonsending) func takeTurn(
    _ connection: inout PostgresLease, until end: ContinuousClock.Instant
  ) async throws -> Bool {
    let left = (end - .now) / .milliseconds(1)
    let limit = Int64(min(max(1, left), 2_147_483_647))
    do throws(PostgresError) {
      var statements: [PostgresStatement] = [
        "SELECT set_config('lock_timeout', \("\(limit)ms"), true)",
        "UPDATE agents SET updated_at = updated_at WHERE id = \(agent)",
      ]
      if locksPhase { statements.append(CutoverFence.admit(agent)) }
      let answers = try await connection.pipeline(statements)
      let isTaken = try answers[1].get().affectedRows == 1
      if locksPhase { _ = try answers[2].get() }
      if isTaken { return true }
      // The agent's row was removed behind our back.
      forgetRegistration()
      return false
    } catch {
      if error.sqlState == .serializationFailure, left > 0 { return false }
      guard error.sqlState == .serializationFailure || error.sqlState == "55P03" else { throw error }
      throw AgentBaseError(
        .unavailable, "other transactions of the agent last longer than the wait limit",
        advice: "Try again, raise waitLimit of the config, or keep transactions short.", isSafeToRetry: true)
    }
  }
}
