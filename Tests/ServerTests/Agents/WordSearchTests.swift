// Searching by words: the same hits in the same order on every backend.

import AgentBase
import Foundation
import Postgres
import SQLite
import TestSupport
import Testing

@Suite("Agents: searching by words") struct WordSearchTests {
  private func keys(_ agent: Agent, _ query: String, in scope: MemoryScope = .all, limit: Int = 100)
    async throws
    -> [String]
  {
    try await agent.searchMemories(matching: query, in: scope, limit: limit).hits.map(\.memory.key)
  }

  @Test("Words, phrases, alternatives, exclusions and beginnings", arguments: TestBackend.all)
  func syntax(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      try await agent.storeMemory("first", "The crawler fetches the sitemap.")
      try await agent.storeMemory("second", ["title": "Sitemap of the crawler", "pages": 42] as JSON)
      try await agent.storeMemory("third", "Nothing about maps")
      try await agent.storeMemory("café/menu", ["Crème brûlée", "Straße"])
      try await agent.storeMemory("tokyo", "私は東京タワーへ行きました 🧠")
      #expect(try await Set(keys(agent, "crawler sitemap")) == ["first", "second"])
      #expect(try await keys(agent, "\"the sitemap\"") == ["first"])
      #expect(try await Set(keys(agent, "nothing OR 42")) == ["second", "third"])
      #expect(try await keys(agent, "crawler -fetches") == ["second"])
      #expect(try await Set(keys(agent, "map*")) == ["third"])
      #expect(try await Set(keys(agent, "sitem*")) == ["first", "second"])
      #expect(try await keys(agent, "CREME") == ["café/menu"])
      #expect(try await keys(agent, "strasse cafe") == ["café/menu"])
      #expect(try await keys(agent, "東京") == ["tokyo"])
      #expect(try await keys(agent, "🧠") == ["tokyo"])
      #expect(try await keys(agent, "京東").isEmpty)
      // A key is searched too, but no phrase goes from it into the value.
      #expect(try await keys(agent, "second") == ["second"])
      #expect(try await keys(agent, "\"first the\"").isEmpty)
      for nothing in ["", "  ", "???", "-crawler", "\"", "*", "absent", "a\0b", "'", "\\", "!a & (b"] {
        #expect(try await keys(agent, nothing).isEmpty, "\(nothing)")
      }
    }
  }

  @Test("More of the words come first, then what is short, then what is new", arguments: TestBackend.all)
  func order(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      for (key, text) in [
        ("b1", "apple pie"), ("b2", "apple pie"), ("long", "an apple a day keeps the doctor away from us"),
        ("twice", "apple apple"), ("other", "pie"),
      ] {
        try await agent.storeMemory(key, text)
        try await Task.sleep(for: .milliseconds(2))
      }
      // The times of a small legacy file are whole seconds: there the keys decide.
      let found = try await keys(agent, "apple")
      let equal = backend == .sqliteLegacy ? found[1...2].sorted(by: >) : ["b2", "b1"]
      #expect([found[0]] + equal + [found[3]] == ["twice", "b2", "b1", "long"] && found.count == 4)
      let hits = try await agent.searchMemories(matching: "apple", limit: 10).hits
      #expect(
        hits.map(\.score) == hits.map(\.score).sorted(by: >)
          && hits.allSatisfy { $0.score > 0 && $0.distance == nil })
    }
  }

  @Test("Pages hold every hit once", arguments: TestBackend.all)
  func pages(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      try await agent.storeMemories(
        (0..<60).map {
          MemoryItem("k\($0)", String(repeating: "word ", count: $0 % 3 + 1), namespace: "n\($0 % 2)")
        })
      let all = try await agent.searchMemories(matching: "word", limit: 100)
      #expect(all.hits.count == 60 && all.next == nil)
      for limit in [1, 7, 59, 60] {
        var found: [String] = []
        var next: MemoryCursor?
        repeat {
          let page = try await agent.searchMemories(matching: "word", limit: limit, after: next)
          found += page.hits.map(\.memory.key)
          next = page.next.map { MemoryCursor(rawValue: $0.rawValue) }
        } while next != nil
        #expect(found == all.hits.map(\.memory.key), "limit \(limit)")
      }
      var sequence: [String] = []
      for try await hit in agent.memories(matching: "word", in: .under("n1"), pageSize: 4) {
        sequence.append(hit.memory.key)
      }
      #expect(sequence == all.hits.filter { $0.memory.namespace == "n1" }.map(\.memory.key))
      let error = await #expect(throws: AgentBaseError.self) {
        _ = try await agent.searchMemories(matching: "word", after: MemoryCursor(rawValue: "nonsense"))
      }
      #expect(error?.code == .invalidValue)
    }
  }

  @Test("Scopes and filters hold", arguments: TestBackend.all)
  func conditions(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      for (place, namespace) in ["", "users", "users/1", "users/10", "users/1/x", "Users/1"].enumerated() {
        try await agent.storeMemory(
          "k\(place)", "word", namespace: namespace, metadata: ["n": .integer(place)])
      }
      #expect(try await keys(agent, "word").count == 6)
      #expect(try await Set(keys(agent, "word", in: .under("users/1"))) == ["k2", "k4"])
      #expect(try await keys(agent, "word", in: .namespace("users")) == ["k1"])
      #expect(try await keys(agent, "word", in: .namespace("")) == ["k0"])
      #expect(try await keys(agent, "word", in: .under("a\0")).isEmpty)
      let filtered = try await agent.searchMemories(
        matching: "word", in: .under("users"), where: .metadata("n") >= 3, limit: 1)
      #expect(filtered.hits.count == 1 && filtered.next != nil)
      let rest = try await agent.searchMemories(
        matching: "word", in: .under("users"), where: .metadata("n") >= 3, limit: 5, after: filtered.next)
      #expect(rest.hits.count == 1 && rest.next == nil)
      #expect(Set((filtered.hits + rest.hits).map(\.memory.key)) == ["k3", "k4"])
    }
  }

  @Test("What is replaced, deleted or expired is not found; others' neither", arguments: TestBackend.all)
  func changes(_ backend: TestBackend) async throws {
    try await backend.withPlace { place in
      let agent = try await place.agent()
      try await agent.storeMemory("a", "before")
      try await agent.storeMemory("a", "after")
      #expect(try await keys(agent, "before").isEmpty)
      #expect(try await keys(agent, "after") == ["a"])
      try await agent.storeMemory("a", "after all", metadata: ["changed": true])
      #expect(try await keys(agent, "after") == ["a"])
      try await agent.storeMemory("short", "after", expiresIn: .microseconds(1))
      #expect(try await keys(agent, "after") == ["a"])
      if backend.separatesAgents {
        let other = try await place.agent("\(place.id)-other")
        try await other.storeMemory("b", "after")
        #expect(try await keys(agent, "after") == ["a"])
        #expect(try await keys(other, "after") == ["b"])
        await other.close()
      }
      try await agent.deleteMemory("a")
      #expect(try await keys(agent, "after").isEmpty)
      await agent.close()
    }
  }

  @Test("Long values: the first 16,383 words count", arguments: TestBackend.all)
  func long(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      let text = (0..<30_000).map { "w\($0)" }.joined(separator: " ")
      try await agent.storeMemory("long", text)
      try await agent.storeMemory("same", String(repeating: "same word ", count: 5000) + "end")
      try await agent.storeMemory("wide", String(repeating: "ж", count: 5000))
      #expect(try await keys(agent, "w16000") == ["long"])
      #expect(try await keys(agent, "w17000").isEmpty)
      #expect(try await keys(agent, "\"w15000 w15001\"") == ["long"])
      #expect(try await keys(agent, "same") == ["same"])
      #expect(try await keys(agent, "\"word end\"").isEmpty)
      #expect(try await keys(agent, "end") == ["same"])
      #expect(try await keys(agent, String(repeating: "ж", count: 4000)) == ["wide"])
    }
  }

  @Test("Rows without words are found, and get theirs", arguments: TestServer.versions)
  func unreadInPostgres(_ version: TestServer.Version) async throws {
    let url = try await TestServer.freshDatabase(version)
    let agent = try await Agent(AgentConfig(name: "reader", memoryBackend: .postgres(url: url)))
    try await agent.storeMemories((0..<1200).map { MemoryItem("k\($0)", "old words \($0)") })
    let connection = try await PostgresConnection.connect(try PostgresConfiguration(url))
    let expected = try await keys(agent, "words", limit: 2000)
    try await connection.execute("UPDATE agent_memories SET words = NULL")
    #expect(try await keys(agent, "words", limit: 2000) == expected)
    let left = try await connection.queryOne("SELECT count(*) FROM agent_memories WHERE words IS NULL")
    #expect(try left?.decode(0, as: Int.self) == 0)
    #expect(try await keys(agent, "words", limit: 2000) == expected)
    // By hand: the words follow the value.
    try await connection.execute("UPDATE agent_memories SET content = '\"by hand\"' WHERE key = 'k7'")
    #expect(try await keys(agent, "hand") == ["k7"])
    #expect(try await keys(agent, "\"words 7\"").isEmpty)
    await connection.close()
    await agent.close()
  }

  @Test("Rows without words are found in a SQLite file, and get theirs")
  func unreadInSQLite() async throws {
    try await TestBackend.sqliteNew.withPlace { place in
      let agent = try await place.agent()
      try await agent.storeMemories((0..<1200).map { MemoryItem("k\($0)", "old words \($0)") })
      let expected = try await keys(agent, "words", limit: 2000)
      let connection = try SQLiteConnection(path: place.target)
      try connection.execute("UPDATE agentbase_memories SET words = NULL")
      #expect(try await keys(agent, "words", limit: 2000) == expected)
      #expect(try connection.queryOne("SELECT count(*) FROM agentbase_memories WHERE words IS NULL")?[0] == 0)
      #expect(try await keys(agent, "words", limit: 2000) == expected)
      try connection.execute("UPDATE agentbase_memories SET content = '\"by hand\"' WHERE key = 'k7'")
      #expect(try await keys(agent, "hand") == ["k7"])
      #expect(try await keys(agent, "\"words 7\"").isEmpty)
      try connection.execute("INSERT INTO agentbase_words (agentbase_words) VALUES ('integrity-check')")
      await agent.close()
    }
  }

  @Test("In a transaction, what it has stored is found", arguments: TestBackend.all)
  func transaction(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      try await agent.transaction { transaction in
        try await transaction.storeMemory("inside", "a word")
        #expect(try await transaction.searchMemories(matching: "word").hits.map(\.memory.key) == ["inside"])
      }
      #expect(try await keys(agent, "word") == ["inside"])
    }
  }
}
