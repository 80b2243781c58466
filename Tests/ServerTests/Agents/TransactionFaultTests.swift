// Transactions on Postgres that others break: the connection ends, the transactions of others come in between.

import AgentBase
import Foundation
import Postgres
import Synchronization
import TestSupport
import Testing

@Suite("Agents: transactions that are broken") struct TransactionFaultTests {
  static let versions = TestBackend.all.compactMap(\.version)

  private func withAgent(
    _ version: TestServer.Version, _ body: (Agent, PostgresConnection) async throws -> Void
  ) async throws {
    let url = try await TestServer.freshDatabase(version)
    let id = "agent-\(UUID().uuidString.prefix(8))"
    let agent = try await Agent(AgentConfig(name: id, memoryBackend: .postgres(url: url)))
    let control = try await PostgresConnection.connect(try PostgresConfiguration(url))
    do {
      try await body(agent, control)
    } catch {
      await control.close()
      await agent.close()
      throw error
    }
    await control.close()
    await agent.close()
  }

  /// Ends the server's process of the transaction that has just stored the key, which it alone sees.
  private func terminateHolder(_ control: PostgresConnection) async throws {
    let rows = try await control.query(
      """
      SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
      WHERE state = 'idle in transaction' AND query LIKE '%agent_memories%' AND pid IN (
        SELECT pid FROM pg_locks WHERE relation = 'agent_memories'::regclass AND mode = 'RowExclusiveLock')
      """)
    #expect(try rows.first?.decode(0, as: Int64.self) ?? 0 > 0)
  }

  @Test("A connection that ends leaves nothing, and says that it can be tried again", arguments: versions)
  func terminated(_ version: TestServer.Version) async throws {
    try await withAgent(version) { agent, control in
      let error = await #expect(throws: AgentBaseError.self) {
        try await agent.transaction { transaction in
          try await transaction.storeMemory("a", 1)
          try await terminateHolder(control)
          // The error is caught: the transaction cannot commit all the same.
          _ = try? await transaction.storeMemory("b", 1)
        }
      }
      #expect(error?.isSafeToRetry == true)
      #expect(error?.agent == agent.id)
      #expect(try await agent.listMemories().memories.isEmpty)

      let attempts = Mutex(0)
      try await agent.transaction(isRetryable: true) { transaction in
        let attempt = attempts.withLock { attempts in
          attempts += 1
          return attempts
        }
        try await transaction.storeMemory("a", attempt)
        if attempt == 1 { try await terminateHolder(control) }
        try await transaction.storeMemory("b", attempt)
      }
      #expect(try await agent.retrieveMemory("a") == 2)
      #expect(try await agent.retrieveMemory("b") == 2)
    }
  }

  @Test("What another has changed meanwhile makes it fail, unless it may run again", arguments: versions)
  func conflict(_ version: TestServer.Version) async throws {
    try await withAgent(version) { agent, _ in
      try await agent.storeMemory("count", 0)
      func increment(isRetryable: Bool) async throws {
        let attempts = Mutex(0)
        try await agent.transaction(isRetryable: isRetryable) { transaction in
          let count: Int = try await transaction.retrieveMemory("count") ?? 0
          let isFirst = attempts.withLock { attempts in
            attempts += 1
            return attempts == 1
          }
          if isFirst {
            try await Task.detached { _ = try await agent.storeMemory("count", count + 10) }.value
          }
          try await transaction.storeMemory("count", count + 1)
        }
      }
      let error = await #expect(throws: AgentBaseError.self) { try await increment(isRetryable: false) }
      #expect(error?.isSafeToRetry == true)
      #expect(error?.description.contains("isRetryable") == true)
      #expect(try await agent.retrieveMemory("count") == 10)
      try await increment(isRetryable: true)
      #expect(try await agent.retrieveMemory("count") == 21)
    }
  }
}
