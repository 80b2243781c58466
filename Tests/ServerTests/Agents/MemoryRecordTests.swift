// What is kept beside a memory's value: namespace, metadata, embedding, times, expiry; and what is refused.

import AgentBase
import Foundation
import TestSupport
import Testing

@Suite("Agents: what is kept with a memory") struct MemoryRecordTests {
  // MARK: - Names

  @Test("Keys are compared byte by byte", arguments: TestBackend.all)
  func keys(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      let keys = [
        "a", "A", "a ", " a", "é", "e\u{301}", "%", "_", "a'b", "a\"b", "a\\b", "a\nb", "🧠", "{}", "null",
        "1",
        "1.0", "01", "[1]", "1e0", "\u{FFFD}", "\u{1}", String(repeating: "k", count: 2000), "users/1",
        "users/10", "0", "-1",
      ]
      for (number, key) in keys.enumerated() { try await agent.storeMemory(key, number) }
      for (number, key) in keys.enumerated() {
        #expect(try await agent.retrieveMemory(key) == number, "\(key.debugDescription)")
        #expect(try await agent.memory(key)?.key.utf8.elementsEqual(key.utf8) == true)
      }
      #expect(try await agent.listMemories(limit: 1000).memories.count == keys.count)
      for key in keys { #expect(try await agent.deleteMemory(key), "\(key.debugDescription)") }
      #expect(try await agent.listMemories().memories.isEmpty)
    }
  }

  @Test("Namespaces keep equal keys apart", arguments: TestBackend.all)
  func namespaces(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      for (number, space) in ["", "a", "A", "a/b", "é", "' OR 1"].enumerated() {
        try await agent.storeMemory("key", number, namespace: space)
      }
      for (number, space) in ["", "a", "A", "a/b", "é", "' OR 1"].enumerated() {
        #expect(try await agent.retrieveMemory("key", namespace: space) == number)
        #expect(try await agent.memory("key", namespace: space)?.namespace == space)
      }
      #expect(try await agent.retrieveMemory("key", as: Int.self, namespace: "none") == nil)
      #expect(try await agent.deleteMemory("key", namespace: "a"))
      #expect(try await agent.retrieveMemory("key", as: Int.self, namespace: "a") == nil)
      #expect(try await agent.retrieveMemory("key", namespace: "A") == 2)
      #expect(try await agent.retrieveMemory("key") == 0)
    }
  }

  @Test("Two agents do not see each other's memories", arguments: TestBackend.all.filter(\.separatesAgents))
  func agents(_ backend: TestBackend) async throws {
    try await backend.withPlace { place in
      let one = try await place.agent()
      let other = try await place.agent(place.id + "-other")
      try await one.storeMemory("key", 1)
      try await other.storeMemory("key", 2)
      try await other.storeMemory("only", 3)
      #expect(try await one.retrieveMemory("key") == 1)
      #expect(try await other.retrieveMemory("key") == 2)
      #expect(try await one.retrieveMemory("only", as: Int.self) == nil)
      #expect(try await one.searchMemories("").map(\.key) == ["key"])
      #expect(try await other.deleteMemory("key"))
      #expect(try await one.retrieveMemory("key") == 1)
      await one.close()
      await other.close()
    }
  }

  @Test("What no backend could hold is refused everywhere", arguments: TestBackend.all)
  func refused(_ backend: TestBackend) async throws {
    try await backend.withAgent { (agent) async throws in
      let long = String(repeating: "k", count: 2601)
      let names: [(key: String, namespace: String)] = [
        ("", ""), ("a\0b", ""), ("a", "n\0"), (long, ""), ("a", long),
      ]
      for name in names {
        let error = await #expect(throws: AgentBaseError.self) {
          try await agent.storeMemory(name.key, 1, namespace: name.namespace)
        }
        #expect(error?.code == .invalidName)
        #expect(error?.description.contains(agent.id) == true)
      }
      var deep: JSON = 1
      for _ in 0..<513 { deep = [deep] }
      let values: [JSON] = ["a\0b", ["a\0": 1], ["a": ["\0"]], deep]
      for value in values {
        let error = await #expect(throws: AgentBaseError.self) { try await agent.storeMemory("key", value) }
        #expect(error?.code == .invalidValue)
      }
      let metadata = await #expect(throws: AgentBaseError.self) {
        try await agent.storeMemory("key", 1, metadata: ["a": "\0"])
      }
      #expect(metadata?.code == .invalidValue)
      #expect(try await agent.memory("key") == nil)
    }
  }

  @Test("What is just inside the limits is stored", arguments: TestBackend.all)
  func limits(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      // Random letters: an index of Postgres must hold them without compressing them.
      var generator = SeededGenerator(seed: 7)
      let key = String(
        (0..<(2600 - agent.id.utf8.count)).map { _ in
          Character(Unicode.Scalar(UInt8.random(in: 0x21...0x7E, using: &generator)))
        })
      var deep: JSON = 1
      for _ in 0..<512 { deep = [deep] }
      try await agent.storeMemory(key, deep)
      #expect(try await agent.retrieveMemory(key) == deep)
    }
  }

  // MARK: - Metadata and embeddings

  @Test("Metadata comes back, and goes with the next value", arguments: TestBackend.all)
  func metadata(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      let metadata: JSONObject = [
        "source": "crawl", "score": 0.5, "tags": ["a", "é"], "source_table": "mine", "legacy": ["x": 1],
      ]
      try await agent.storeMemory("key", 1, metadata: metadata)
      #expect(try await agent.memory("key")?.metadata == metadata)
      #expect(try await agent.memory("key")?.isImported == false)
      try await agent.storeMemory("key", 2)
      #expect(try await agent.memory("key")?.metadata == [:])
      try await agent.storeMemory("key", 3, metadata: ["n": 1])
      #expect(try await agent.memory("key")?.metadata == ["n": 1])
      #expect(try await agent.retrieveMemory("key") == 3)
    }
  }

  @Test("Embeddings come back bit for bit", arguments: TestBackend.all)
  func embedding(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      let embedding: [Float] = [0.1, -2.5, .leastNonzeroMagnitude, .greatestFiniteMagnitude, 0, 1e-20]
      try await agent.storeMemory("key", "text", embedding: embedding)
      #expect(try await agent.memory("key")?.embedding?.map(\.bitPattern) == embedding.map(\.bitPattern))
      try await agent.storeMemory("other", "text", embedding: [1, 2, 3])
      #expect(try await agent.memory("other")?.embedding == [1, 2, 3])
      try await agent.storeMemory("key", "new text")
      #expect(try await agent.memory("key")?.embedding == nil)
      for wrong in [[], [Float.nan], [.infinity], Array(repeating: 1, count: 16_001)] {
        let error = await #expect(throws: AgentBaseError.self) {
          try await agent.storeMemory("key", 1, embedding: wrong)
        }
        #expect(error?.code == .invalidValue)
      }
    }
  }

  // MARK: - Times

  @Test("Times are those of the stores", arguments: TestBackend.all)
  func times(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      let before = Date(timeIntervalSinceNow: -2)
      try await agent.storeMemory("key", 1)
      let first = try #require(try await agent.memory("key"))
      #expect(try #require(first.createdAt) >= before)
      #expect(try #require(first.updatedAt) >= before)
      try await agent.storeMemory("key", 2)
      let second = try #require(try await agent.memory("key"))
      #expect(try #require(second.updatedAt) >= #require(first.updatedAt))
      // A legacy table with one time has that of the last value.
      if backend != .sqliteLegacy { #expect(second.createdAt == first.createdAt) }
      #expect(second.expiresAt == nil)
    }
  }

  @Test("A memory that has expired is not there any more", arguments: TestBackend.all)
  func expiry(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      try await agent.storeMemory("short", "x", expiresIn: .milliseconds(20))
      try await agent.storeMemory("long", "x", expiresIn: .seconds(3600))
      try await agent.storeMemory("stays", "x")
      while try await agent.memory("short") != nil { try await Task.sleep(for: .milliseconds(5)) }
      #expect(try await agent.retrieveMemory("short", as: String.self) == nil)
      #expect(try await agent.listMemories().memories.map(\.key) == ["long", "stays"])
      #expect(try await agent.searchMemories("x").map(\.key).sorted() == ["long", "stays"])
      #expect(try await agent.deleteMemory("short") == false)
      let expiresAt = try #require(try await agent.memory("long")?.expiresAt)
      #expect(abs(expiresAt.timeIntervalSinceNow - 3600) < 60)
      try await agent.storeMemory("short", "again")
      #expect(try await agent.retrieveMemory("short") == "again")
      #expect(try await agent.memory("short")?.expiresAt == nil)
    }
  }

  @Test("A value that expires hides the one that it replaced", arguments: TestBackend.all)
  func expiryHides(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      try await agent.storeMemory("key", 1)
      try await agent.storeMemory("key", 2, expiresIn: .milliseconds(20))
      while try await agent.memory("key") != nil { try await Task.sleep(for: .milliseconds(5)) }
      #expect(try await agent.listMemories().memories.isEmpty)
      #expect(try await agent.searchMemories("1").isEmpty)
      try await agent.storeMemory("key", 3, expiresIn: .seconds(100))
      try await agent.storeMemory("key", 4)
      #expect(try await agent.memory("key")?.expiresAt == nil)
      #expect(try await agent.retrieveMemory("key") == 4)
    }
  }

  @Test(
    "A time to live that is none is refused", arguments: TestBackend.all,
    [Duration.zero, .seconds(-1), .seconds(Int64.max / 2)])
  func wrongExpiry(_ backend: TestBackend, _ duration: Duration) async throws {
    try await backend.withAgent { agent in
      let error = await #expect(throws: AgentBaseError.self) {
        try await agent.storeMemory("key", 1, expiresIn: duration)
      }
      #expect(error?.code == .invalidValue)
    }
  }

  // MARK: - Deleting

  @Test("A deleted memory is gone, and its key free", arguments: TestBackend.all)
  func delete(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      #expect(try await agent.deleteMemory("key") == false)
      try await agent.storeMemory("key", 1, metadata: ["a": 1])
      #expect(try await agent.deleteMemory("key"))
      #expect(try await agent.memory("key") == nil)
      #expect(try await agent.deleteMemory("key") == false)
      #expect(try await agent.deleteMemory("a\0") == false)
      try await agent.storeMemory("key", 2)
      #expect(try await agent.retrieveMemory("key") == 2)
      #expect(try await agent.memory("key")?.metadata == [:])
    }
  }
}
