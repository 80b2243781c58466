// Versions, compare-and-set, and updates while others write.

import AgentBase
import Foundation
import SQLite
import TestSupport
import Testing

@Suite("Agents: versions") struct MemoryVersionTests {
  @Test("Each value has a greater version, and none comes again", arguments: TestBackend.all)
  func grows(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      var versions: [Int64] = []
      for number in 0..<5 {
        // The same value twice is two values.
        versions.append(try await agent.storeMemory("a", number / 2))
        #expect(try await agent.memory("a")?.version == versions.last)
      }
      try await agent.storeMemories([MemoryItem("a", 9), MemoryItem("b", 9)])
      versions.append(try #require(try await agent.memory("a")?.version))
      try await agent.deleteMemory("a")
      versions.append(try await agent.storeMemory("a", 0))
      versions.append(try await agent.storeMemory("a", 1, metadata: ["m": 1], embedding: [1, 2]))
      versions.append(try await agent.storeMemory("a", 2, expiresIn: .milliseconds(1)))
      try await Task.sleep(for: .milliseconds(5))
      versions.append(try await agent.storeMemory("a", 3))
      #expect(versions == Array(Set(versions)).sorted() && versions[0] > 0, "\(versions)")
      #expect(versions[1] == versions[0] + 1)
      let listed = try await agent.listMemories().memories.first { $0.key == "a" }
      #expect(listed?.version == versions.last)
      #expect(try await agent.memories(keys: ["a"]).first??.version == versions.last)
      #expect(try await agent.searchMemories("3").first?.version == versions.last)
    }
  }

  @Test("A store that expects what is not there writes nothing, and shows both", arguments: TestBackend.all)
  func compare(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      let first = try await agent.storeMemory("a", "secret one", expecting: .absent)
      let second = try await agent.storeMemory("a", "secret two", expecting: .version(first))
      #expect(second > first)
      for (expected, text) in [
        (MemoryExpectation.absent, "nothing was expected, and version \(second) is there"),
        (.version(first), "version \(first) was expected, and version \(second) is there"),
        (.version(-5), "version -5 was expected, and version \(second) is there"),
      ] {
        do {
          try await agent.storeMemory("a", "secret three", expecting: expected)
          Issue.record("\(expected) was met")
        } catch let error as AgentBaseError {
          #expect(error.code == .conflict && error.conflict?.expected == expected && error.key == "a")
          #expect(error.conflict?.current?.version == second)
          #expect(try error.conflict?.current?.decode(as: String.self) == "secret two")
          #expect(error.description.contains(text) && !error.description.contains("secret"), "\(error)")
        }
      }
      #expect(try await agent.retrieveMemory("a") == "secret two")
      // Deleted between reading and storing: neither version is there any more.
      try await agent.deleteMemory("a")
      await #expect(throws: AgentBaseError.self) {
        try await agent.storeMemory("a", 4, expecting: .version(second))
      }
      let error = await #expect(throws: AgentBaseError.self) {
        try await agent.storeMemory("b", 4, namespace: "n", expecting: .version(first))
      }
      #expect(error?.conflict != nil && error?.conflict?.current == nil)
      #expect(error?.description.contains("nothing is there") == true)
      #expect(try await agent.memory("a") == nil)
      let again = try await agent.storeMemory("a", 5, expecting: .absent)
      #expect(again > second)
    }
  }

  @Test("What has expired is as good as absent", arguments: TestBackend.all)
  func expired(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      let first = try await agent.storeMemory("a", 1, expiresIn: .milliseconds(1))
      try await Task.sleep(for: .milliseconds(5))
      await #expect(throws: AgentBaseError.self) {
        try await agent.storeMemory("a", 2, expecting: .version(first))
      }
      let second = try await agent.storeMemory("a", 3, expecting: .absent)
      #expect(second > first)
      #expect(try await agent.retrieveMemory("a") == 3)
      #expect(try await agent.memory("a")?.expiresAt == nil)
    }
  }

  @Test("A hundred increments at once lose none", arguments: TestBackend.all)
  func increments(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      try await withThrowingTaskGroup(of: Int.self) { group in
        for _ in 0..<100 {
          group.addTask { try await agent.updateMemory("count", attempts: 1000) { ($0 ?? 0) + 1 } }
        }
        var seen: Set<Int> = []
        for try await value in group { seen.insert(value) }
        #expect(seen == Set(1...100))
      }
      #expect(try await agent.retrieveMemory("count") == 100)
    }
  }

  @Test("An update keeps metadata and life, and gives up in the end", arguments: TestBackend.all)
  func update(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      try await agent.storeMemory("a", 1, metadata: ["m": 1], embedding: [1], expiresIn: .seconds(500))
      #expect(try await agent.updateMemory("a") { ($0 ?? 0) + 1 } == 2)
      let memory = try #require(try await agent.memory("a"))
      #expect(memory.metadata == ["m": 1] && memory.embedding == nil)
      #expect(memory.timeToLive == .seconds(500))
      await #expect(throws: CancellationError.self) {
        try await agent.updateMemory("a", as: Int.self) { _ in throw CancellationError() }
      }
      var calls = 0
      do {
        try await agent.updateMemory("a", attempts: 3) { (old: Int?) in
          calls += 1
          try await agent.storeMemory("a", 100)
          return 0
        }
        Issue.record("the update was stored")
      } catch let error as AgentBaseError {
        #expect(error.code == .conflict && calls == 3)
      }
      #expect(try await agent.retrieveMemory("a") == 100)
    }
  }

  @Test("Of two stores that expect the same, one is stored", arguments: TestBackend.all)
  func race(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      for round in 0..<10 {
        let key = "k\(round)"
        let version = round % 2 == 0 ? nil : try await agent.storeMemory(key, 0)
        let stored = try await withThrowingTaskGroup(of: Bool.self) { group in
          for number in 1...8 {
            group.addTask {
              do {
                try await agent.storeMemory(
                  key, number, expecting: version.map { .version($0) } ?? .absent)
                return true
              } catch let error as AgentBaseError where error.code == .conflict {
                return false
              }
            }
          }
          return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(stored == 1, "round \(round)")
      }
    }
  }

  @Test("A deletion and a store that expects a version are one behind the other", arguments: TestBackend.all)
  func deletion(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      for round in 0..<20 {
        let key = "k\(round)"
        let version = try await agent.storeMemory(key, 0)
        async let deleted = agent.deleteMemory(key)
        async let stored = Self.isStored { try await agent.storeMemory(key, 1, expecting: .version(version)) }
        let outcome = (try await deleted, try await stored)
        // Whoever was first: the deletion found a value, and nothing is left of it.
        #expect(outcome.0)
        #expect(try await agent.memory(key) == nil, "round \(round): \(outcome)")
      }
    }
  }

  private static func isStored(_ body: () async throws -> Int64) async throws -> Bool {
    do {
      _ = try await body()
      return true
    } catch let error as AgentBaseError where error.code == .conflict {
      return false
    }
  }

  @Test("A legacy row has the version of its value, until the library writes it, and when the old agent does")
  func legacy() async throws {
    try await TemporaryFolder.with { folder in
      let path = try folder.file("memory.db")
      try SQLiteConnection(path: path).executeScript(
        """
        CREATE TABLE memory (key TEXT PRIMARY KEY, value TEXT, timestamp TEXT);
        INSERT INTO memory VALUES ('a', 'one', '2024-01-15 10:30:00'), ('b', 'one', '2023-01-15 10:30:00');
        """)
      let agent = try await Agent(AgentConfig(name: "a", memoryBackend: .sqliteFile(path)))
      let first = try #require(try await agent.memory("a")?.version)
      #expect(first < 0)
      #expect(try await agent.memory("b")?.version == first)
      #expect(try await agent.searchMemories("one").map(\.version) == [first, first])
      let second = try await agent.storeMemory("a", "two", expecting: .version(first))
      #expect(second > 0)
      #expect(try await agent.memory("a")?.version == second)
      try SQLiteConnection(path: path).executeScript("UPDATE memory SET value = 'three' WHERE key = 'a'")
      let theirs = try #require(try await agent.memory("a")?.version)
      #expect(theirs < 0 && theirs != first)
      await #expect(throws: AgentBaseError.self) {
        try await agent.storeMemory("a", "four", expecting: .version(second))
      }
      let fourth = try await agent.storeMemory("a", "four", expecting: .version(theirs))
      #expect(fourth > second)
      // Back and forth between the tables, the version grows.
      let fifth = try await agent.storeMemory("a", "five", metadata: ["m": 1])
      let sixth = try await agent.storeMemory("a", "six", expecting: .version(fifth))
      #expect(fifth > fourth && sixth > fifth)
      await agent.close()
    }
  }
}
