// Batches of memories: one statement for many keys.

import AgentBase
import Foundation
import TestSupport
import Testing

@Suite("Agents: batches") struct MemoryBatchTests {
  @Test("A batch is stored, read and deleted", arguments: TestBackend.all)
  func batch(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      let keys = (0..<300).map { "k/\($0)" }.shuffled()
      try await agent.storeMemories(keys.map { MemoryItem($0, "value of \($0)") })
      let values = try await agent.retrieveMemories(keys: keys, as: String.self)
      #expect(values == keys.map { "value of \($0)" })
      #expect(try await agent.listMemories(limit: 1000).memories.count == 300)
      let gone = Array(keys.prefix(100))
      #expect(try await agent.deleteMemories(keys: gone + ["never", "a\0"] + gone) == 100)
      #expect(try await agent.retrieveMemories(keys: gone, as: String.self).allSatisfy { $0 == nil })
      #expect(try await agent.listMemories(limit: 1000).memories.count == 200)
    }
  }

  @Test("Everything that a memory has goes through a batch", arguments: TestBackend.all)
  func everything(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      try await agent.storeMemory(
        "b", "before", metadata: ["old": 1], embedding: [9, 9], expiresIn: .seconds(9))
      try await agent.storeMemories([
        MemoryItem("plain", ["n": JSON.number(JSONNumber(text: "1.10")!)] as JSON),
        MemoryItem("b", JSON.null, metadata: ["m": ["é", 1.5]]),
        MemoryItem("vector", [1, 2, 3], embedding: [0.1, -2, 3e10]),
        MemoryItem("other", true, namespace: "n", embedding: [7]),
        MemoryItem("short", "é 🧠 \\ \" {", expiresIn: .seconds(1000)),
        MemoryItem("space", "x", namespace: "n"),
      ])
      let found = try await agent.memories(keys: ["vector", "absent", "b", "plain", "short", "other", "b"])
      #expect(found.map { $0?.key } == ["vector", nil, "b", "plain", "short", nil, "b"])
      #expect(found[0]?.embedding == [0.1, -2, 3e10])
      #expect(found[2]?.value.json == .null && found[2]?.metadata == ["m": ["é", 1.5]])
      #expect(found[2]?.embedding == nil && found[2]?.expiresAt == nil && found[2]?.timeToLive == nil)
      #expect(found[3]?.value.json.text == #"{"n": 1.10}"#)
      let left = try #require(found[4]?.expiresAt?.timeIntervalSinceNow)
      #expect(left > 900 && left < 1001 && found[4]?.timeToLive == .seconds(1000))
      #expect(try found[4]?.decode(as: String.self) == "é 🧠 \\ \" {")
      let others = try await agent.memories(keys: ["other", "space"], namespace: "n")
      #expect(others[0]?.embedding == [7] && others[1]?.embedding == nil && others[1]?.namespace == "n")
    }
  }

  @Test("Of two memories with one key the last one counts", arguments: TestBackend.all)
  func twice(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      try await agent.storeMemories([
        MemoryItem("a", 1), MemoryItem("é", 1), MemoryItem("a", 2), MemoryItem("e\u{301}", 2),
        MemoryItem("a", 3), MemoryItem("a", 4, namespace: "n"),
      ])
      #expect(try await agent.retrieveMemories(keys: ["a", "é", "e\u{301}", "a"]) == [3, 1, 2, 3])
      #expect(try await agent.retrieveMemory("a", namespace: "n") == 4)
    }
  }

  @Test("A batch is stored as a whole or not at all", arguments: TestBackend.all)
  func allOrNothing(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      try await agent.storeMemory("a", 1)
      for item in [
        MemoryItem("", 2), MemoryItem("x", "a\0b"), MemoryItem("x", 2, embedding: []),
        MemoryItem("x", 2, expiresIn: .zero), MemoryItem(String(repeating: "k", count: 3000), 2),
      ] {
        do {
          try await agent.storeMemories([MemoryItem("a", 2), item, MemoryItem("b", 2)])
          Issue.record("\(item.key) was stored")
        } catch let error as AgentBaseError {
          #expect(error.key == item.key && (error.code == .invalidName || error.code == .invalidValue))
        }
      }
      #expect(try await agent.retrieveMemories(keys: ["a", "b", "x"]) == [1, nil, nil])
      try await agent.storeMemories([])
      #expect(try await agent.retrieveMemories(keys: [], as: Int.self).isEmpty)
      #expect(try await agent.deleteMemories(keys: []) == 0)
      await #expect(throws: AgentBaseError.self) {
        try await agent.storeMemory("text", "no number")
        _ = try await agent.retrieveMemories(keys: ["a", "text"], as: Int.self)
      }
    }
  }

  @Test("Batches at once do not wait for each other for ever", arguments: TestBackend.all)
  func atOnce(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      let keys = (0..<60).map { "k\($0)" }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<12 {
          group.addTask {
            if number % 4 == 3 {
              _ = try await agent.deleteMemories(keys: keys.shuffled())
            } else {
              try await agent.storeMemories(keys.shuffled().map { MemoryItem($0, number) })
            }
          }
        }
        try await group.waitForAll()
      }
      try await agent.storeMemories(keys.map { MemoryItem($0, 99) })
      // All or nothing: whoever was last, it was so for every key.
      let values = try await agent.retrieveMemories(keys: keys, as: Int.self)
      #expect(Set(values) == [99])
    }
  }
}
