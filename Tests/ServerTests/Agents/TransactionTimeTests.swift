// Times within a transaction: each call has its own, on every backend.

import AgentBase
import Foundation
import Testing

@Suite("Agents: times within a transaction") struct TransactionTimeTests {
  @Test(
    "What one transaction writes is listed in the order of its calls", arguments: TestBackend.all)
  func order(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      for name in ["a", "b", "c"] { try await agent.registerTool(name) }
      let tasks = ["y", "x", "z", "w"]
      try await agent.transaction { transaction in
        for (number, task) in tasks.enumerated() {
          try await transaction.recordMetric("m", Double(number))
          try await transaction.withExecution(task) {}
          try await transaction.storeMemory("key \(task)", "apple")
        }
        for name in ["c", "a", "b"] { try await transaction.recordToolUse(name, count: 1) }
      }
      #expect(try await agent.metrics("m").map(\.value) == [3, 2, 1, 0])
      #expect(try await agent.executions().map(\.task) == tasks.reversed())
      #expect(try await agent.toolsPage().records.map(\.name) == ["b", "a", "c"])
      // The legacy table's times are of whole seconds.
      if backend != .sqliteLegacy {
        let keys = tasks.reversed().map { "key \($0)" }
        #expect(try await agent.searchMemories("apple").map(\.key) == keys)
        #expect(try await agent.searchMemories(matching: "apple").hits.map(\.memory.key) == keys)
        let times = try await agent.memories(keys: keys.reversed()).compactMap { $0?.updatedAt }
        #expect(times.count == 4 && zip(times, times.dropFirst()).allSatisfy { $0 < $1 })
      }
    }
  }

  @Test(
    "A time to live begins with the call, and ends within a transaction too",
    arguments: TestBackend.all)
  func timeToLive(_ backend: TestBackend) async throws {
    try await backend.withAgent(keepsHistory: true) { agent in
      try await agent.storeMemory("before", 1, expiresIn: .milliseconds(300))
      try await agent.transaction { transaction in
        let there: Int? = try await transaction.retrieveMemory("before")
        try await Task.sleep(for: .milliseconds(400))
        let begin = Date(timeIntervalSinceNow: -0.001)
        try await transaction.storeMemory("late", 1, expiresIn: .seconds(600))
        try await transaction.storeMemories([MemoryItem("batch", 1, expiresIn: .seconds(600))])
        for memory in try await transaction.memories(keys: ["late", "batch"]) {
          #expect(try #require(memory?.expiresAt) >= begin + 600)
        }
        #expect(there == nil || there == 1)
        #expect(try await transaction.retrieveMemory("before", as: Int.self) == nil)
        #expect(try await transaction.listMemories().memories.map(\.key) == ["batch", "late"])
        // What has expired is as good as deleted, its history with it.
        try await transaction.storeMemory("before", 2, expecting: .absent)
        #expect(try await transaction.history(of: "before").versions.isEmpty)
      }
      #expect(try await agent.retrieveMemory("before") == 2)
    }
  }
}
