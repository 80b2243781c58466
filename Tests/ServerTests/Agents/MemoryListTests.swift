// Listing and searching memories.

import AgentBase
import Foundation
import TestSupport
import Testing

@Suite("Agents: listing and searching") struct MemoryListTests {
  private func keys(
    _ agent: Agent, namespace: String = "", prefix: String = "", limit: Int
  ) async throws -> [String] {
    var keys: [String] = []
    var after: String?
    var pages = 0
    repeat {
      let page = try await agent.listMemories(
        namespace: namespace, prefix: prefix, limit: limit, after: after)
      #expect(page.memories.count <= limit)
      // Only the last page may be short.
      if page.next != nil { #expect(page.memories.count == limit) }
      keys += page.memories.map(\.key)
      after = page.next
      pages += 1
    } while after != nil && pages < 1000
    return keys
  }

  @Test("Pages hold every key once, in the order of the bytes", arguments: TestBackend.all)
  func pages(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      var all = ["b", "B", "a", "é", "e\u{301}", "z", "🧠", "Z", "_", "~", "aa", "a b", "\u{FFFF}"]
      for number in 0..<20 { all.append("n/\(number)") }
      for key in all.shuffled() { try await agent.storeMemory(key, key) }
      // Expired keys leave no gaps.
      for number in 0..<9 { try await agent.storeMemory("n/gone\(number)", 1, expiresIn: .microseconds(1)) }
      let sorted = all.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
      for limit in [1, 2, 7, 32, 33, 34, 1000] {
        let found = try await keys(agent, limit: limit)
        #expect(found.map { Array($0.utf8) } == sorted.map { Array($0.utf8) }, "limit \(limit)")
      }
      let page = try await agent.listMemories(limit: 3)
      #expect(try page.memories.map { try $0.decode(as: String.self) } == Array(sorted.prefix(3)))
    }
  }

  @Test("A prefix is text, no pattern", arguments: TestBackend.all)
  func prefix(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      for key in ["users/1", "users/1/name", "users/10", "users/2", "user", "%", "%x", "_a", "ba", "Users/1"]
      {
        try await agent.storeMemory(key, 1)
      }
      #expect(try await keys(agent, prefix: "users/1", limit: 2) == ["users/1", "users/1/name", "users/10"])
      #expect(try await keys(agent, prefix: "users/1/", limit: 2) == ["users/1/name"])
      #expect(try await keys(agent, prefix: "%", limit: 1) == ["%", "%x"])
      #expect(try await keys(agent, prefix: "_", limit: 10) == ["_a"])
      #expect(try await keys(agent, prefix: "none", limit: 10).isEmpty)
      #expect(try await keys(agent, prefix: "a\0", limit: 10).isEmpty)
      let after = try await agent.listMemories(prefix: "users/", limit: 10, after: "users/1/name")
      #expect(after.memories.map(\.key) == ["users/10", "users/2"])
    }
  }

  @Test("A listing is of one namespace", arguments: TestBackend.all)
  func namespaces(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      for space in ["", "a", "a/b"] {
        for key in ["1", "2"] { try await agent.storeMemory(space + key, 1, namespace: space) }
      }
      #expect(try await keys(agent, limit: 1) == ["1", "2"])
      #expect(try await keys(agent, namespace: "a", limit: 1) == ["a1", "a2"])
      #expect(try await keys(agent, namespace: "a/b", limit: 5) == ["a/b1", "a/b2"])
      #expect(try await keys(agent, namespace: "b", limit: 5).isEmpty)
    }
  }

  @Test("Limits outside of 1 to 10,000 are refused", arguments: TestBackend.all)
  func limits(_ backend: TestBackend) async throws {
    try await backend.withAgent { (agent) async throws in
      for limit in [0, -1, 10_001] {
        await #expect(throws: AgentBaseError.self) { try await agent.listMemories(limit: limit) }
        await #expect(throws: AgentBaseError.self) { try await agent.searchMemories("x", limit: limit) }
        await #expect(throws: AgentBaseError.self) { try await agent.metrics(limit: limit) }
        await #expect(throws: AgentBaseError.self) { try await agent.executions(limit: limit) }
      }
      #expect(try await agent.listMemories(limit: 10_000).memories.isEmpty)
    }
  }

  // MARK: - Search

  @Test("A search finds a part of a value or a key", arguments: TestBackend.all)
  func search(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      try await agent.storeMemory("greeting", "Hello World")
      try await agent.storeMemory("preferences", ["theme": "dark", "n": "1"])
      try await agent.storeMemory("quote", #"He said "no\yes" / 100%_done"#)
      try await agent.storeMemory("unicode", "Grüße aus Zürich 🧠")
      try await agent.storeMemory("number", 3.25)
      func found(_ text: String) async throws -> [String] {
        try await agent.searchMemories(text).map(\.key).sorted()
      }
      #expect(try await found("lo wor") == ["greeting"])
      #expect(try await found("GREET") == ["greeting"])
      #expect(try await found("\"theme\": \"dark\"") == ["preferences"])
      #expect(try await found("said \"no\\yes\"") == ["quote"])
      #expect(try await found("100%_d") == ["quote"])
      #expect(try await found("%") == ["quote"])
      #expect(try await found("ü") == ["unicode"])
      #expect(try await found("zürich 🧠") == ["unicode"])
      // Only letters of ASCII match in either case.
      #expect(try await found("ZÜRICH") == [])
      #expect(try await found("3.25") == ["number"])
      #expect(try await found("nowhere") == [])
      #expect(try await found("a\0") == [])
      #expect(try await found("").count == 5)
    }
  }

  @Test("A search answers the newest first, and the current values only", arguments: TestBackend.all)
  func newestFirst(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      for number in 0..<5 {
        try await agent.storeMemory("key\(number)", "apple \(number)")
        // The legacy table's times are of whole seconds.
        if backend == .sqliteLegacy { try await Task.sleep(for: .milliseconds(1010)) }
      }
      #expect(try await agent.searchMemories("apple", limit: 3).map(\.key) == ["key4", "key3", "key2"])
      try await agent.storeMemory("key3", "pear")
      #expect(try await agent.searchMemories("apple").map(\.key) == ["key4", "key2", "key1", "key0"])
      try await agent.storeMemory("key0", "apple again")
      if backend != .sqliteLegacy {
        #expect(try await agent.searchMemories("apple", limit: 1).map(\.key) == ["key0"])
      }
      #expect(try await agent.searchMemories("apple", limit: 1).count == 1)
    }
  }

  @Test("A search is of all namespaces, or of one", arguments: TestBackend.all)
  func searchNamespaces(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      try await agent.storeMemory("a", "x", namespace: "")
      try await agent.storeMemory("b", "x", namespace: "one")
      try await agent.storeMemory("c", "x", namespace: "two")
      #expect(try await agent.searchMemories("x").map(\.key).sorted() == ["a", "b", "c"])
      #expect(try await agent.searchMemories("x", namespace: "one").map(\.key) == ["b"])
      #expect(try await agent.searchMemories("x", namespace: "").map(\.key) == ["a"])
      #expect(try await agent.searchMemories("x", namespace: "one").first?.namespace == "one")
    }
  }

  // MARK: - Random operations

  @Test("Random operations answer what a dictionary would", arguments: TestBackend.all)
  func model(_ backend: TestBackend) async throws {
    let seed = UInt64.random(in: 0 ... .max)
    print("random operations on \(backend): seed \(seed)")
    var generator = SeededGenerator(seed: seed)
    try await backend.withAgent { agent in
      var model: [String: JSON] = [:]
      for step in 0..<150 {
        let key = "k\(Int.random(in: 0..<12, using: &generator))"
        switch Int.random(in: 0..<10, using: &generator) {
        case 0..<5:
          let value = RandomJSON.value(depth: 2, using: &generator)
          let metadata: JSONObject = .random(using: &generator) ? [:] : ["step": .integer(step)]
          let expiresIn: Duration? = Int.random(in: 0..<4, using: &generator) == 0 ? .seconds(1000) : nil
          try await agent.storeMemory(key, value, metadata: metadata, expiresIn: expiresIn)
          model[key] = value
          let memory = try #require(try await agent.memory(key))
          #expect(memory.metadata == metadata, "seed \(seed), step \(step)")
          #expect((memory.expiresAt != nil) == (expiresIn != nil), "seed \(seed), step \(step)")
        case 5, 6:
          let isThere = try await agent.deleteMemory(key)
          #expect(isThere == (model.removeValue(forKey: key) != nil), "seed \(seed), step \(step)")
        case 7:
          let found = try await keys(agent, limit: 5)
          #expect(
            found == model.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) },
            "seed \(seed), step \(step)")
        default:
          #expect(try await agent.retrieveMemory(key) == model[key], "seed \(seed), step \(step)")
        }
      }
    }
  }
}
