// The SQLite backend: an agent's rows in a file, legacy or new.

import Foundation
import SQLite

/// An agent's rows in a SQLite file.
final class SQLiteStore: AgentStore {
  private let lease: SharedLease<SQLiteAgentFile>
  let agent: String
  let time: LegacyTime
  /// The most changes that may wait to be carried to Postgres.
  private let outboxLimit: Int
  /// How long a call waits for a change of the phase of a cut-over.
  private let waitLimit: Duration
  /// The transaction that every call belongs to; nil where each is one of its own.
  let transaction: SQLiteTransaction?

  var database: ObjectIdentifier { ObjectIdentifier(lease.resource) }

  /// Opens a file; the agents of one file share its connections.
  convenience init(path: String, config: AgentConfig) async throws {
    let lease = try await SQLiteAgentFile.lease(path: path, config: config)
    self.init(
      lease: lease, agent: config.id, time: LegacyTime(naiveZone: config.legacyTimeZone),
      outboxLimit: config.outboxLimit, waitLimit: config.waitLimit, transaction: nil)
    if let interval = config.sweepInterval {
      let (file, agent, time, limit) = (lease.resource, agent, time, outboxLimit)
      file.sweeper.add(agent, every: interval, for: config) { [weak file] in
        try await file?.sweep(agent, time, outboxLimit: limit) ?? 0
      }
    }
  }

  private init(
    lease: SharedLease<SQLiteAgentFile>, agent: String, time: LegacyTime, outboxLimit: Int,
    waitLimit: Duration, transaction: SQLiteTransaction?
  ) {
    self.lease = lease
    self.agent = agent
    self.time = time
    self.outboxLimit = outboxLimit
    self.waitLimit = waitLimit
    self.transaction = transaction
  }

  /// The file, which agents share.
  var file: SQLiteAgentFile { lease.resource }

  /// Lets the file go; the last agent of a file closes it.
  func close() async { await lease.release() }

  // MARK: - Transactions

  nonisolated(nonsending) func transaction<Value>(
    isRetryable: Bool, _ body: nonisolated(nonsending) (any AgentStore) async throws -> Value
  ) async throws -> Value {
    // Nobody else writes beside it, so there is nothing to run again for.
    let outer = transaction
    return try await whileHeld {
      try await lease.resource.transaction(within: outer) { transaction in
        let store = SQLiteStore(
          lease: lease, agent: agent, time: time, outboxLimit: outboxLimit, waitLimit: waitLimit,
          transaction: transaction)
        // Before the body: while it runs nobody can change the phase.
        if outer == nil { try await store.attempt { _ in } }
        return try await body(store)
      }
    }
  }

  /// Runs a call, and again while a cut-over has it wait.
  private nonisolated(nonsending) func whileHeld<Value>(
    _ call: nonisolated(nonsending) () async throws -> Value
  ) async throws -> Value {
    let end = ContinuousClock.now + waitLimit
    while true {
      do {
        return try await call()
      } catch is CutoverHold {
        guard ContinuousClock.now < end else {
          throw AgentBaseError(
            .unavailable, "the agent's writes are held back by a cut-over for longer than the wait limit",
            advice: "Try again in a moment; `agentbase cutover status` tells the phase.", isSafeToRetry: true)
        }
        try await Task.sleep(for: .milliseconds(20))
      }
    }
  }

  func read<Value: Sendable>(
    _ body: @escaping @Sendable (SQLiteAgentTransaction) throws -> Value
  ) async throws -> Value {
    let (agent, time) = (agent, time)
    return try await lease.resource.read(in: transaction) {
      try body(SQLiteAgentTransaction($0, $1, agent: agent, time: time))
    }
  }

  /// The value of a key: at once and on the caller's thread, with one short statement on our own table, where that is possible.
  ///
  /// That part takes no closure that could outlive it, which would be allocated for each read.
  func value(_ name: MemoryName) async throws -> MemoryValue? {
    if transaction == nil,
      let value = try lease.resource.readBriefly({ try SQLiteOwnMemories.value($0, agent: agent, name) })
    {
      return value
    }
    return try await read { try $0.memories.value(name) }
  }

  func write<Value: Sendable>(
    _ body: @escaping @Sendable (SQLiteAgentTransaction) throws -> Value
  ) async throws -> Value {
    try await whileHeld { try await attempt(body) }
  }

  private nonisolated(nonsending) func attempt<Value: Sendable>(
    _ body: @escaping @Sendable (SQLiteAgentTransaction) throws -> Value
  ) async throws -> Value {
    let (agent, time, limit) = (agent, time, outboxLimit)
    return try await lease.resource.write(in: transaction) {
      try SQLiteAgentTransaction.write($0, $1, agent: agent, time: time, outboxLimit: limit, body)
    }
  }
}
