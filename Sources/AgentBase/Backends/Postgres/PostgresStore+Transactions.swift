// Transactions of a caller's own in Postgres: one of an agent at a time, as in a SQLite file.

import Postgres

extension PostgresStore {
  /// Keeps the locks apart from those that others take on a hash of the same text.
  private static let lockSeed: Int64 = 0x6167_656e_7462

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
      // Before it begins: two transactions that make the same row would wait for each other.
      try await register()
      while true {
        if let value = try await attempt(isRetryable: isRetryable, body) { return value.value }
        try await waitForTurn()
      }
    } catch {
      // The agent's row was removed behind our back: the next call makes it again.
      let reason = (error as? AgentBaseError)?.underlying ?? error
      if (reason as? PostgresError)?.sqlState == .foreignKeyViolation { forgetRegistration() }
      throw AgentBaseError.of(error)
    }
  }

  /// What a body has returned; even nil is something.
  private struct Outcome<Value> { let value: Value }

  /// Runs the body in a transaction; nil where another one of the agent is under way.
  private nonisolated(nonsending) func attempt<Value>(
    isRetryable: Bool, _ body: nonisolated(nonsending) (any AgentStore) async throws -> Value
  ) async throws -> Outcome<Value>? {
    // What the library threw for the driver's error that ended the transaction.
    var reason: AgentBaseError?
    do {
      return try await pool.transaction(.repeatableRead, isRetryable: isRetryable) { connection in
        reason = nil
        // Only tried: the snapshot is as old as this statement, and would miss what another one commits meanwhile.
        let row = try await connection.queryOne(
          "SELECT pg_try_advisory_xact_lock(hashtextextended(\(agent), \(Self.lockSeed)))")
        guard try row?.decode(0, as: Bool.self) == true else { return nil }
        let opened = connection.openTransaction
        do {
          return Outcome(
            value: try await body(PostgresStore(lease: lease, config: config, transaction: opened)))
        } catch let error as AgentBaseError {
          guard let driverError = error.underlying as? PostgresError else { throw error }
          // The pool knows by the driver's error whether the body runs again.
          reason = error
          throw driverError
        }
      }
    } catch {
      throw reason ?? error
    }
  }

  /// Waits until no transaction of the agent is under way.
  private func waitForTurn() async throws {
    let limit = Int64(min(max(1, config.waitLimit / .milliseconds(1)), 2_147_483_647))
    do {
      try await pool.transaction { connection in
        try await connection.execute("SELECT set_config('lock_timeout', \("\(limit)ms"), true)")
        try await connection.execute(
          "SELECT pg_advisory_xact_lock(hashtextextended(\(agent), \(Self.lockSeed)))")
      }
    } catch let error as PostgresError where error.sqlState == "55P03" {
      throw AgentBaseError(
        .unavailable, "another transaction of the agent lasts longer than the wait limit",
        advice: "Try again, raise waitLimit of the config, or keep transactions short.", underlying: error,
        isSafeToRetry: true)
    }
  }
}
