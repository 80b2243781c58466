// Earlier values of keys: kept where the config asks for it, listed and restored.

import AgentBase
import DemoFleet
import Foundation
import LegacyImport
import SQLite
import TestSupport
import Testing

@Suite("Agents: history") struct MemoryHistoryTests {
  @Test("Every earlier value is listed, the newest first, and comes back", arguments: TestBackend.all)
  func listed(_ backend: TestBackend) async throws {
    try await backend.withAgent(keepsHistory: true) { agent in
      var versions: [Int64] = []
      for number in 0..<7 {
        versions.append(
          try await agent.storeMemory(
            "a", "value \(number)", metadata: number % 2 == 0 ? [:] : ["n": .integer(number)],
            embedding: number == 3 ? [1, 2] : nil))
      }
      try await agent.storeMemory("b", "other")
      let all = try await agent.history(of: "a")
      #expect(all.cursor == nil)
      #expect(all.versions.map(\.version) == versions.dropLast().reversed())
      #expect(all.versions.map(\.value.text) == (0..<6).reversed().map { "value \($0)" })
      #expect(all.versions[2].metadata == ["n": 3] && all.versions[2].embedding == [1, 2])
      #expect(all.versions[1].metadata.isEmpty && all.versions[1].embedding == nil)
      for (newer, older) in zip(all.versions, all.versions.dropFirst()) {
        #expect(older.replacedAt != nil)
        if let stored = newer.storedAt, let replaced = older.replacedAt {
          // A legacy column may hold whole seconds.
          #expect(abs(stored.timeIntervalSince(replaced)) < 30)
        }
      }
      var paged: [Int64] = []
      var cursor: MemoryCursor?
      repeat {
        let part = try await agent.history(of: "a", limit: 2, after: cursor)
        paged += part.versions.map(\.version)
        cursor = part.cursor
      } while cursor != nil && paged.count < 20
      #expect(paged == versions.dropLast().reversed())

      let restored = try await agent.restoreMemory("a", version: versions[3])
      #expect(restored > versions[6])
      let memory = try #require(try await agent.memory("a"))
      #expect(memory.value.text == "value 3" && memory.metadata == ["n": 3] && memory.embedding == [1, 2])
      #expect(try await agent.history(of: "a").versions.map(\.version) == versions.reversed())
      #expect(try await agent.restoreMemory("a", version: restored) == restored)
      do {
        try await agent.restoreMemory("a", version: 17)
        Issue.record("version 17 was restored")
      } catch let error as AgentBaseError {
        #expect(error.code == .unknownVersion && error.key == "a")
      }
      #expect(try await agent.history(of: "b").versions.isEmpty)
      #expect(try await agent.history(of: "never").versions.isEmpty)
    }
  }

  @Test("Nothing is kept that is not asked for", arguments: TestBackend.all)
  func off(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      for number in 0..<3 { try await agent.storeMemory("a", number) }
      #expect(try await agent.history(of: "a").versions.isEmpty)
    }
  }

  @Test("A limit keeps the newest values", arguments: TestBackend.all)
  func limit(_ backend: TestBackend) async throws {
    try await backend.withAgent(keepsHistory: true, historyLimit: 3) { agent in
      for number in 0..<10 { try await agent.storeMemory("a", number) }
      try await agent.storeMemories([MemoryItem("a", 10)])
      let version = try #require(try await agent.memory("a")?.version)
      try await agent.storeMemory("a", 11, expecting: .version(version))
      #expect(try await agent.history(of: "a").versions.map(\.value.json) == [10, 9, 8])
    }
  }

  @Test("A deletion forgets the history, or keeps it to be restored", arguments: TestBackend.all)
  func deletion(_ backend: TestBackend) async throws {
    try await backend.withAgent(keepsHistory: true) { agent in
      let first = try await agent.storeMemory("a", 1)
      let second = try await agent.storeMemory("a", 2)
      #expect(try await agent.deleteMemory("a", keepingHistory: true))
      #expect(try await agent.memory("a") == nil)
      #expect(try await agent.listMemories().memories.isEmpty)
      let kept = try await agent.history(of: "a").versions
      #expect(kept.map(\.version) == [second, first])
      #expect(kept[0].replacedAt != nil)
      let third = try await agent.restoreMemory("a", version: second)
      #expect(third > second)
      #expect(try await agent.retrieveMemory("a") == 2)
      #expect(try await agent.history(of: "a").versions.map(\.version) == [second, first])
      #expect(try await agent.deleteMemory("a"))
      #expect(try await agent.history(of: "a").versions.isEmpty)
      try await agent.storeMemory("a", 4)
      #expect(try await agent.history(of: "a").versions.isEmpty)
    }
  }

  @Test("A refreshed memory is no new value", arguments: TestBackend.all)
  func refreshed(_ backend: TestBackend) async throws {
    try await backend.withAgent(keepsHistory: true) { agent in
      try await agent.storeMemory("a", 1, expiresIn: .seconds(100))
      #expect(try await agent.retrieveMemory("a", refreshing: true) == 1)
      #expect(try await agent.history(of: "a").versions.isEmpty)
    }
  }

  @Test(
    "Older legacy rows are earlier values, before the import and after it", arguments: TestServer.versions)
  func legacy(_ version: TestServer.Version) async throws {
    let scene = try await ImportScene(version)
    let path = try scene.folder.file("agents/own/memory.db")
    try SQLiteConnection(path: path).executeScript(
      """
      CREATE TABLE memory (id INTEGER PRIMARY KEY, key TEXT, value TEXT, metadata TEXT, timestamp TEXT);
      INSERT INTO memory (key, value, metadata, timestamp) VALUES
        ('a', 'one', NULL, '2024-01-15 10:30:00'), ('a', 'two', '{"m": 1}', '2024-01-15 10:31:00'),
        ('a', 'three', NULL, NULL), ('a', '{"n":  4}', NULL, '2024-01-15 10:30:00'), ('b', 'five', NULL, NULL),
        ('a', 'six', NULL, '2024-01-15 10:29:00'), ('a', 'current', NULL, '2025-01-15 10:29:00');
      """)
    let before = try await Agent(AgentConfig(name: "own", memoryBackend: .sqliteFile(path)))
    let ours = try await Self.lines(before)
    await before.close()
    #expect(ours.map(\.text) == ["two", "{\"n\":  4}", "one", "six", "three"])
    _ = try await scene.importAll()
    var config = AgentConfig(name: "own", memoryBackend: .postgres(url: scene.url))
    config.keepsHistory = true
    let after = try await Agent(config)
    #expect(try await Self.lines(after) == ours)
    // A stored value makes the newest imported one an earlier value, and a kept deletion keeps all of them.
    let current = try #require(try await after.memory("a"))
    #expect(current.version < 0)
    await #expect(throws: AgentBaseError.self) {
      try await after.storeMemory("a", "no", expecting: .version(current.version + 1))
    }
    await #expect(throws: AgentBaseError.self) { try await after.storeMemory("a", "no", expecting: .absent) }
    let stored = try await after.storeMemory("a", "new", expecting: .version(current.version))
    await #expect(throws: AgentBaseError.self) {
      try await after.storeMemory("a", "no", expecting: .version(current.version))
    }
    let values = ["current"] + ours.map(\.text)
    #expect(try await Self.lines(after).map(\.text) == values)
    let restored = try await after.restoreMemory("a", version: current.version)
    #expect(restored > stored)
    #expect(try await Self.lines(after).map(\.text) == ["new"] + values)
    #expect(try await after.deleteMemory("a", keepingHistory: true))
    #expect(try await Self.lines(after).map(\.text) == ["current", "new"] + values)
    #expect(try await after.memory("a") == nil)
    #expect(try await after.deleteMemory("a") == false)
    #expect(try await Self.lines(after).isEmpty)
    await after.close()
  }

  private struct Line: Equatable {
    let version: Int64
    let text: String
    let metadata: JSONObject
    let storedAt: Date?
    let replacedAt: Date?
  }

  /// The history of the key a, in parts of two.
  private static func lines(_ agent: Agent) async throws -> [Line] {
    var lines: [Line] = []
    var cursor: MemoryCursor?
    repeat {
      let part = try await agent.history(of: "a", limit: 2, after: cursor)
      lines += part.versions.map {
        Line(
          version: $0.version, text: $0.value.text, metadata: $0.metadata, storedAt: $0.storedAt,
          replacedAt: $0.replacedAt)
      }
      cursor = part.cursor
    } while cursor != nil && lines.count < 100
    return lines
  }
}
