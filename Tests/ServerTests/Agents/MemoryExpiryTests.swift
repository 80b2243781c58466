// Memories that live for a time.

import AgentBase
import Foundation
import Synchronization
import TestSupport
import Testing

@Suite("Agents: time to live") struct MemoryExpiryTests {
  @Test("What has expired is answered by no verb", arguments: TestBackend.all)
  func nowhere(_ backend: TestBackend) async throws {
    try await backend.withAgent(keepsHistory: true) { agent in
      try await agent.storeMemory("a", "apple", namespace: "n")
      try await agent.storeMemory("a", "apple pie", namespace: "n", expiresIn: .microseconds(1500))
      try await agent.storeMemory("stays", "apple", namespace: "n")
      try await Task.sleep(for: .milliseconds(10))
      #expect(try await agent.retrieveMemory("a", as: String.self, namespace: "n") == nil)
      #expect(try await agent.retrieveMemory("a", as: String.self, namespace: "n", refreshing: true) == nil)
      #expect(try await agent.memory("a", namespace: "n", refreshing: true) == nil)
      #expect(try await agent.memories(keys: ["a"], namespace: "n").first! == nil)
      #expect(try await agent.retrieveMemories(keys: ["a"], as: String.self, namespace: "n") == [nil])
      #expect(try await agent.listMemories(namespace: "n").memories.map(\.key) == ["stays"])
      #expect(try await agent.searchMemories("apple").map(\.key) == ["stays"])
      #expect(
        try await agent.listMemories(in: .all, where: .value() != "x").memories.map(\.key) == ["stays"])
      #expect(try await agent.namespaces().map { "\($0.name)=\($0.count)" } == ["n=1"])
      #expect(try await agent.history(of: "a", namespace: "n").versions.isEmpty)
      #expect(try await !agent.deleteMemory("a", namespace: "n"))
    }
  }

  @Test("A read refreshes where it is asked to", arguments: TestBackend.all)
  func refresh(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      try await agent.storeMemory("a", 1, expiresIn: .seconds(300))
      try await agent.storeMemory("long", 1, expiresIn: .seconds(1000))
      let first = try #require(try await agent.memory("a"))
      #expect(first.timeToLive == .seconds(300))
      // A column of a legacy table may hold whole seconds.
      try await Task.sleep(for: .milliseconds(1100))
      #expect(try await agent.retrieveMemory("a") == 1)
      #expect(try await agent.memory("a")?.expiresAt == first.expiresAt)
      #expect(try await agent.retrieveMemory("a", refreshing: true) == 1)
      let second = try #require(try await agent.memory("a"))
      try await Task.sleep(for: .milliseconds(1100))
      let third = try #require(try await agent.memory("a", refreshing: true))
      #expect(second.expiresAt! > first.expiresAt! && third.expiresAt! > second.expiresAt!)
      #expect(third.version == first.version && third.updatedAt == first.updatedAt)
      #expect(try await agent.memory("a")?.expiresAt == third.expiresAt)
      let long = try #require(try await agent.memory("long", refreshing: true)?.expiresAt)
      #expect(abs(long.timeIntervalSinceNow - 1000) < 60)
      // What has no life to begin anew is read all the same.
      try await agent.storeMemory("stays", 2)
      #expect(try await agent.retrieveMemory("stays", refreshing: true) == 2)
      #expect(try await agent.retrieveMemory("absent", as: Int.self, refreshing: true) == nil)
    }
  }

  @Test("A sweep removes what has expired, and nothing else", arguments: TestBackend.all)
  func sweep(_ backend: TestBackend) async throws {
    try await backend.withAgent(keepsHistory: true) { agent in
      for number in 0..<25 { try await agent.storeMemory("gone\(number)", 0) }
      try await agent.storeMemories(
        (0..<25).map { MemoryItem("gone\($0)", 1, expiresIn: .milliseconds(1)) }
          + (0..<10).map { MemoryItem("stays\($0)", 1, expiresIn: .seconds(1000)) } + [MemoryItem("ever", 1)])
      try await Task.sleep(for: .milliseconds(5))
      let swept = try await agent.sweepExpiredMemories(batchSize: 10)
      #expect(swept == 25)
      #expect(try await agent.sweepExpiredMemories() == 0)
      #expect(try await agent.listMemories(limit: 1000).memories.count == 11)
      let version = try await agent.storeMemory("gone1", 2)
      #expect(version > 0)
      #expect(try await agent.history(of: "gone1").versions.isEmpty)
      await #expect(throws: AgentBaseError.self) { try await agent.sweepExpiredMemories(batchSize: 0) }
    }
  }

  @Test("Several sweep at once", arguments: TestBackend.all)
  func sweepAtOnce(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      try await agent.storeMemories(
        (0..<100).map { MemoryItem("gone\($0)", 1, expiresIn: .milliseconds(1)) } + [MemoryItem("stays", 1)])
      try await Task.sleep(for: .milliseconds(5))
      let count = try await withThrowingTaskGroup(of: Int.self) { group in
        for _ in 0..<4 { group.addTask { try await agent.sweepExpiredMemories(batchSize: 7) } }
        return try await group.reduce(0, +)
      }
      #expect(count == 100)
      #expect(try await agent.listMemories().memories.map(\.key) == ["stays"])
    }
  }

  @Test("A database is swept in the background", arguments: TestBackend.all)
  func background(_ backend: TestBackend) async throws {
    let events = SchemaInstallTests.EventLog()
    // Alone: what the first agent asks for holds for all of a database, and sweeps away what other tests have there.
    try await backend.withPlace(isAlone: true) { place in
      var config = try await place.config()
      config.sweepInterval = .milliseconds(50)
      config.onEvent = { events.add($0) }
      let agent = try await Agent(config)
      try await agent.storeMemories(
        (0..<20).map { MemoryItem("gone\($0)", 1, expiresIn: .milliseconds(1)) } + [MemoryItem("stays", 1)])
      let start = ContinuousClock.now
      while events.all.allSatisfy({ $0.kind != .sweep }), start.duration(to: .now) < .seconds(20) {
        try await Task.sleep(for: .milliseconds(20))
      }
      let sweeps = events.all.filter { $0.kind == .sweep }
      #expect(sweeps.first?.message == "removed 20 expired memories")
      #expect(try await agent.sweepExpiredMemories() == 0)
      #expect(try await agent.retrieveMemory("stays") == 1)
      await agent.close()
    }
  }
}
