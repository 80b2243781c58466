// Namespaces that nest, and listings page by page.

import AgentBase
import Foundation
import TestSupport
import Testing

@Suite("Agents: namespaces and pages") struct MemoryScopeTests {
  private static let spaces = [
    "", "users", "users/1", "users/1/notes", "users/10", "users/1-a", "users/2", "users!", "/a", "a//b",
    "é/1",
  ]

  /// One memory in each namespace, and two in users/1.
  private func fill(_ agent: Agent) async throws {
    try await agent.storeMemories(
      Self.spaces.map { MemoryItem("k", "apple \($0)", namespace: $0, metadata: ["space": .string($0)]) }
        + [MemoryItem("l", "apple", namespace: "users/1")])
  }

  @Test("Namespaces are listed by prefix and depth", arguments: TestBackend.all)
  func namespaces(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      try await fill(agent)
      func names(_ under: String?, _ depth: Int?, limit: Int = 1000) async throws -> [String] {
        var names: [String] = []
        var after: String?
        repeat {
          let part = try await agent.namespaces(under: under, maxDepth: depth, limit: limit, after: after)
          names += part.map { "\($0.name)=\($0.count)" }
          after = part.count == limit ? part.last?.name : nil
        } while after != nil
        return names
      }
      let all = [
        "=1", "/a=1", "a//b=1", "users=1", "users!=1", "users/1=2", "users/1-a=1", "users/1/notes=1",
        "users/10=1",
        "users/2=1", "é/1=1",
      ]
      #expect(try await names(nil, nil) == all)
      for limit in 1...4 { #expect(try await names(nil, nil, limit: limit) == all) }
      #expect(try await names("users/1", nil) == ["users/1=2", "users/1/notes=1"])
      #expect(try await names(nil, 1) == ["=1", "/a=1", "a=1", "users=7", "users!=1", "é=1"])
      #expect(
        try await names(nil, 2) == [
          "=1", "/a=1", "a/=1", "users=1", "users!=1", "users/1=3", "users/1-a=1", "users/10=1", "users/2=1",
          "é/1=1",
        ])
      #expect(try await names("users", 0) == ["users=7"])
      #expect(
        try await names("users", 1, limit: 2) == [
          "users=1", "users/1=3", "users/1-a=1", "users/10=1", "users/2=1",
        ])
      #expect(try await names("", nil) == ["=1"])
      #expect(try await names("user", nil).isEmpty)
      #expect(try await names("a\0", nil).isEmpty)
      await #expect(throws: AgentBaseError.self) { try await agent.namespaces(maxDepth: 0) }
      await #expect(throws: AgentBaseError.self) { try await agent.namespaces(limit: 0) }
    }
  }

  @Test("A scope holds what it says, in pages of any size", arguments: TestBackend.all)
  func scopes(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      try await fill(agent)
      let scopes: [MemoryScope] =
        [.all, .under(""), .under("user"), .namespace("nowhere")]
        + Self.spaces.flatMap { [MemoryScope.namespace($0), .under($0)] }
      for scope in scopes {
        let expected = Self.spaces.filter { scope.contains($0) }
          .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
          .flatMap { $0 == "users/1" ? ["users/1 k", "users/1 l"] : ["\($0) k"] }
        for limit in [1, 2, 5, 100] {
          var found: [String] = []
          var cursor: MemoryCursor?
          repeat {
            let page = try await agent.listMemories(in: scope, limit: limit, after: cursor)
            found += page.memories.map { "\($0.namespace) \($0.key)" }
            cursor = page.cursor
          } while cursor != nil && found.count < 50
          #expect(found == expected, "\(scope), limit \(limit)")
        }
        let searched = try await agent.searchMemories("APPLE", in: scope, limit: 100).memories
        #expect(searched.map { "\($0.namespace) \($0.key)" }.sorted() == expected.sorted(), "\(scope)")
      }
      let prefixed = try await agent.listMemories(in: .under("users"), prefix: "l")
      #expect(prefixed.memories.map(\.namespace) == ["users/1"])
    }
  }

  @Test("A sequence reads page by page, while others write", arguments: TestBackend.all)
  func sequence(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      try await agent.storeMemories((100..<150).map { MemoryItem("k\($0)", $0) })
      var keys: [String] = []
      for try await memory in agent.memories(in: .all, prefix: "k", pageSize: 7) {
        keys.append(memory.key)
        if memory.key == "k120" {
          try await agent.storeMemory("k000", 0)
          try await agent.storeMemory("k110", 1)
          try await agent.storeMemory("k149x", 1)
          try await agent.deleteMemories(keys: ["k120", "k121", "k140"])
        }
      }
      #expect(keys.count == Set(keys).count)
      #expect(!keys.contains("k000") && keys.contains("k149x") && !keys.contains("k140"))
      #expect(keys == keys.sorted())
      var searched: Set<String> = []
      for try await memory in agent.memories(holding: "k1", where: .value() > 130, pageSize: 3) {
        #expect(searched.insert(memory.key).inserted)
      }
      #expect(searched == Set((131..<150).map { "k\($0)" }).subtracting(["k140"]))
      let task = Task {
        for try await memory in agent.memories(in: .all, pageSize: 5) where memory.key == "k103" {
          withUnsafeCurrentTask { $0?.cancel() }
        }
      }
      await #expect(throws: CancellationError.self) { try await task.value }
    }
  }

  @Test("A search goes on behind its cursor, the newest first", arguments: TestBackend.all)
  func search(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      for number in 0..<23 {
        try await agent.storeMemory(
          "k\(number)", "apple \(number)", metadata: ["odd": .bool(number % 2 == 1)])
      }
      let all = try await agent.searchMemories("apple", limit: 100).map(\.key)
      #expect(all.count == 23)
      for limit in [1, 4, 23, 24] {
        var found: [String] = []
        var cursor: MemoryCursor?
        repeat {
          let page = try await agent.searchMemories("Apple", in: .all, limit: limit, after: cursor)
          found += page.memories.map(\.key)
          // As a client would hand it back.
          cursor = try page.cursor.map {
            try JSONDecoder().decode(MemoryCursor.self, from: JSONEncoder().encode($0))
          }
        } while cursor != nil && found.count < 50
        #expect(found == all, "limit \(limit)")
      }
      let odd = try await agent.searchMemories("apple", in: .all, where: .metadata("odd") == true, limit: 50)
      #expect(odd.memories.count == 11 && odd.cursor == nil)
    }
  }

  @Test("A cursor of something else is refused", arguments: TestBackend.all)
  func cursors(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      try await agent.storeMemories([MemoryItem("a", 1), MemoryItem("b", 1)])
      let listed = try #require(try await agent.listMemories(in: .all, limit: 1).cursor)
      let found = try #require(try await agent.searchMemories("1", in: .all, limit: 1).cursor)
      #expect(
        listed.rawValue.utf8.allSatisfy {
          $0 == 0x2D || $0 == 0x5F || Character(Unicode.Scalar($0)).isLetter
            || Character(Unicode.Scalar($0)).isNumber
        })
      for bad in [
        found, MemoryCursor(rawValue: ""), MemoryCursor(rawValue: "%"), MemoryCursor(rawValue: "AAAA"),
      ] {
        await #expect(throws: AgentBaseError.self) { try await agent.listMemories(in: .all, after: bad) }
        await #expect(throws: AgentBaseError.self) { try await agent.history(of: "a", after: bad) }
      }
      await #expect(throws: AgentBaseError.self) {
        try await agent.searchMemories("1", in: .all, after: listed)
      }
    }
  }
}
