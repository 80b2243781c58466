// The SQLite backend: an agent's rows in a file, legacy or new.

import Foundation
import SQLite

/// An agent's rows in a SQLite file.
final class SQLiteStore: AgentStore {
  private let lease: SharedLease<SQLiteAgentFile>
  private let agent: String
  let time: LegacyTime
  /// The transaction that every call belongs to; nil where each is one of its own.
  let transaction: SQLiteTransaction?

  var database: ObjectIdentifier { ObjectIdentifier(lease.resource) }

  /// Opens a file; the agents of one file share its connections.
  convenience init(path: String, config: AgentConfig) async throws {
    let (waitLimit, isEager) = (config.waitLimit, config.isEager)
    let observer = DriverEvents(config.eventHandler, slowQueryLimit: config.slowQueryLimit)?.sqlite
    let lease = try await SQLiteAgentFile.shared.lease(SQLiteAgentFile.key(for: path)) {
      try await SQLiteAgentFile(path: path, waitLimit: waitLimit, isEager: isEager, observer: observer)
    } close: {
      await $0.close()
    }
    self.init(
      lease: lease, agent: config.id, time: LegacyTime(naiveZone: config.legacyTimeZone), transaction: nil)
    if let interval = config.sweepInterval {
      let (file, agent, time) = (lease.resource, agent, time)
      file.sweeper.add(agent, every: interval, for: config) { [weak file] in
        try await file?.sweep(agent, time) ?? 0
      }
    }
  }

  private init(
    lease: SharedLease<SQLiteAgentFile>, agent: String, time: LegacyTime, transaction: SQLiteTransaction?
  ) {
    self.lease = lease
    self.agent = agent
    self.time = time
    self.transaction = transaction
  }

  /// Lets the file go; the last agent of a file closes it.
  func close() async { await lease.release() }

  // MARK: - Transactions

  nonisolated(nonsending) func transaction<Value>(
    isRetryable: Bool, _ body: nonisolated(nonsending) (any AgentStore) async throws -> Value
  ) async throws -> Value {
    // Nobody else writes beside it, so there is nothing to run again for.
    try await lease.resource.transaction(within: transaction) { transaction in
      try await body(SQLiteStore(lease: lease, agent: agent, time: time, transaction: transaction))
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

  /// As `read`, at once and on the caller's thread where that is possible.
  ///
  /// - Parameter briefly: does the same on our own table alone, with one short statement; nil where it cannot.
  func read<Value: Sendable>(
    briefly: @escaping @Sendable (SQLiteConnection, _ agent: String) throws -> Value?,
    otherwise body: @escaping @Sendable (SQLiteAgentTransaction) throws -> Value
  ) async throws -> Value {
    let (agent, time) = (agent, time)
    if transaction == nil, let value = try lease.resource.readBriefly({ try briefly($0, agent) }) {
      return value
    }
    return try await lease.resource.read(in: transaction) { connection, catalog in
      // Here too: so it is compiled for the schema that the catalog knows.
      if catalog.soleMemories != nil, let value = try briefly(connection, agent) { return value }
      return try body(SQLiteAgentTransaction(connection, catalog, agent: agent, time: time))
    }
  }

  func write<Value: Sendable>(
    _ body: @escaping @Sendable (SQLiteAgentTransaction) throws -> Value
  ) async throws -> Value {
    let (agent, time) = (agent, time)
    return try await lease.resource.write(in: transaction) {
      try body(SQLiteAgentTransaction($0, $1, agent: agent, time: time))
    }
  }
}
