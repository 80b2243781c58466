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
    lease = try await SQLiteAgentFile.shared.lease(SQLiteAgentFile.key(for: path)) {
      try await SQLiteAgentFile(path: path, waitLimit: waitLimit)
    } close: {
      await $0.close()
    }
    agent = config.id
    time = LegacyTime(naiveZone: config.legacyTimeZone)
    if let interval = config.sweepInterval {
      let (file, agent, time) = (lease.resource, agent, time)
      file.sweeper.add(agent, every: interval, for: config) { [weak file] in
        var count = 0
        while let file {
          let swept = try await file.write {
            try SQLiteAgentTransaction($0, $1, agent: agent, time: time).memories.sweep(batchSize: 500)
          }
          guard swept > 0 else { break }
          count += swept
        }
        return count
      }
    }
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
