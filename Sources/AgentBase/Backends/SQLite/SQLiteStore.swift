// The SQLite backend: an agent's rows in a file, legacy or new.

import Foundation
import SQLite

/// An agent's rows in a SQLite file.
final class SQLiteStore: AgentStore {
  private let lease: SharedLease<SQLiteAgentFile>
  private let agent: String
  let time: LegacyTime

  /// Opens a file; the agents of one file share its connections.
  init(path: String, config: AgentConfig) async throws {
    let waitLimit = config.waitLimit
    let observer = DriverEvents(config.eventHandler, slowQueryLimit: config.slowQueryLimit)?.sqlite
    lease = try await SQLiteAgentFile.shared.lease(SQLiteAgentFile.key(for: path)) {
      try await SQLiteAgentFile(path: path, waitLimit: waitLimit, observer: observer)
    } close: {
      await $0.database.close()
    }
    agent = config.id
    time = LegacyTime(naiveZone: config.legacyTimeZone)
  }

  /// Lets the file go; the last agent of a file closes it.
  func close() async { await lease.release() }

  // MARK: - Transactions

  func read<Value: Sendable>(
    _ body: @escaping @Sendable (SQLiteAgentTransaction) throws -> Value
  ) async throws -> Value {
    let (agent, time) = (agent, time)
    return try await lease.resource.read {
      try body(SQLiteAgentTransaction($0, $1, agent: agent, time: time))
    }
  }

  func write<Value: Sendable>(
    _ body: @escaping @Sendable (SQLiteAgentTransaction) throws -> Value
  ) async throws -> Value {
    let (agent, time) = (agent, time)
    return try await lease.resource.write {
      try body(SQLiteAgentTransaction($0, $1, agent: agent, time: time))
    }
  }
}
