// Large batches in Postgres: by COPY where their keys are new, and otherwise not.

import AgentBase
import Foundation
import Postgres
import TestSupport
import Testing

@Suite("Agents: large batches") struct MemoryCopyTests {
  /// An agent that keeps history on a new database, and a connection that sees how its memories come in.
  private func withAgent(
    _ version: TestServer.Version, _ body: (Agent, PostgresConnection) async throws -> Void
  ) async throws {
    let url = try await TestServer.freshDatabase(version)
    var config = AgentConfig(name: "a", memoryBackend: .postgres(url: url))
    config.maximumConnections = 4
    config.keepsHistory = true
    config.historyLimit = 3
    let agent = try await Agent(config)
    let admin = try await PostgresConnection.connect(try PostgresConfiguration(url))
    try await admin.executeScript(
      """
      CREATE TABLE seen (word text);
      CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO seen VALUES (split_part(current_query(), ' ', 1)); RETURN NULL; END $$;
      CREATE TRIGGER see AFTER INSERT ON agent_memories FOR EACH STATEMENT EXECUTE FUNCTION see();
      """)
    try await body(agent, admin)
    await admin.close()
    await agent.close()
  }

  /// The first words of the statements that have stored memories since the last look.
  private func ways(_ admin: PostgresConnection) async throws -> [String] {
    try await admin.query("DELETE FROM seen RETURNING word").map { try $0.decode(0) }
  }

  private func items(_ count: Int, _ name: String = "k", value: Int = 0) -> [MemoryItem] {
    (0..<count).map { MemoryItem("\(name)\($0)", value) }
  }

  @Test("What is copied is what single stores make", arguments: TestServer.versions)
  func sameRows(_ version: TestServer.Version) async throws {
    var generator = SeededGenerator(seed: SeededGenerator.seed(for: "MemoryCopyTests"))
    let words = ["dark mode", "é 🧠", "\\ \" {", "", "1.10", "naïve café", "ÅNGSTRÖM", "it's 9 < 10"]
    let items = (0..<150).map { number in
      MemoryItem(
        "key \(number) \(generator.one(of: words))",
        [
          "text": .string(generator.one(of: words)), "n": JSON.number(JSONNumber(text: "1.10")!),
        ] as JSON,
        namespace: generator.one(of: ["", "n", "n/m"]),
        metadata: generator.chance(0.5) ? ["m": .string(generator.one(of: words))] : [:],
        expiresIn: generator.chance(0.3) ? .milliseconds(3_600_000 + number) : nil)
    }
    try await withAgent(version) { agent, admin in
      let rows = """
        SELECT jsonb_build_array(namespace, key, content, metadata, embedding, expires_at - updated_at, time_to_live,
          history_limit, words, written_by, source_id, source_row, source_exact, created_at = updated_at,
          abs(version - date_part('epoch', updated_at) * 1000000) < 60000000)::text
        FROM agent_memories ORDER BY 1
        """
      try await agent.storeMemories(items)
      #expect(try await ways(admin) == ["COPY"])
      let copied = try await admin.query(PostgresStatement(sql: rows, values: [])).map {
        try $0.decode(0, as: String.self)
      }
      #expect(copied.count == 150 && copied.allSatisfy { $0.hasSuffix("true, true]") })
      try await admin.execute("DELETE FROM agent_memories")
      for item in items {
        try await agent.storeMemory(
          item.key, item.value as! JSON, namespace: item.namespace, metadata: item.metadata,
          expiresIn: item.expiresIn)
      }
      #expect(try await ways(admin).allSatisfy { $0 == "INSERT" })
      let stored = try await admin.query(PostgresStatement(sql: rows, values: [])).map {
        try $0.decode(0, as: String.self)
      }
      #expect(copied == stored)
    }
  }

  @Test("Keys that are there are replaced, and their values become history", arguments: TestServer.versions)
  func replacing(_ version: TestServer.Version) async throws {
    try await withAgent(version) { agent, admin in
      try await agent.storeMemories(items(200, value: 1))
      let first = try await agent.memories(keys: (0..<300).map { "k\($0)" })
      try await agent.storeMemories(items(300, value: 2))
      #expect(try await ways(admin) == ["COPY", "INSERT"])
      let second = try await agent.memories(keys: (0..<300).map { "k\($0)" })
      #expect(try second.map { try $0?.decode(as: Int.self) } == Array(repeating: 2, count: 300))
      for (old, new) in zip(first, second).prefix(200) {
        #expect(try #require(old).version < (try #require(new)).version)
      }
      #expect(try await agent.history(of: "k7").versions.count == 1)
      #expect(try await agent.history(of: "k250").versions.isEmpty)
      // Nothing is tried for a while after a batch that was not new; then it is, and pays again.
      for number in 0..<4 { try await agent.storeMemories(items(100, "new\(number) ")) }
      #expect(try await ways(admin) == ["INSERT", "INSERT", "COPY", "COPY"])
      // In a transaction of the caller's a refusal would be its end.
      try await agent.transaction { try await $0.storeMemories(items(200, value: 3)) }
      #expect(try await agent.retrieveMemory("k150") == 3)
    }
  }

  @Test("No version comes again after a deletion", arguments: TestServer.versions)
  func versions(_ version: TestServer.Version) async throws {
    try await withAgent(version) { agent, _ in
      let keys = (0..<120).map { "k\($0)" }
      var last: Int64 = 0
      for round in 0..<4 {
        if round.isMultiple(of: 2) {
          try await agent.storeMemories(items(120, value: round))
        } else {
          for key in keys { try await agent.storeMemory(key, round) }
        }
        let versions = try await agent.memories(keys: keys).map { try #require($0).version }
        #expect(try #require(versions.min()) > last)
        last = try #require(versions.max())
        try await agent.deleteMemories(keys: keys)
      }
    }
  }

  @Test("A row that the server refuses is told, and nothing is stored", arguments: TestServer.versions)
  func refused(_ version: TestServer.Version) async throws {
    try await withAgent(version) { agent, admin in
      try await admin.execute("ALTER TABLE agent_memories ADD CONSTRAINT no_such_key CHECK (key <> 'k77')")
      do {
        try await agent.storeMemories(items(200))
        Issue.record("it was stored")
      } catch let error as AgentBaseError {
        #expect(error.code == .database && error.description.contains("no_such_key"), "\(error)")
      }
      #expect(try await agent.listMemories().memories.isEmpty)
      // The agent's own row was removed behind its back: it is made again.
      try await admin.execute("DELETE FROM agents")
      try await agent.storeMemories(items(150, "other"))
      #expect(try await agent.listMemories(limit: 1000).memories.count == 150)
    }
  }

  @Test("Batches of the same new keys at once all succeed", arguments: TestServer.versions)
  func atOnce(_ version: TestServer.Version) async throws {
    try await withAgent(version) { agent, _ in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<8 {
          group.addTask { try await agent.storeMemories(items(300, value: number).shuffled()) }
        }
        try await group.waitForAll()
      }
      let values = try await agent.retrieveMemories(keys: (0..<300).map { "k\($0)" }, as: Int.self)
      // All or nothing: whoever was last, it was so for every key.
      #expect(Set(values).count == 1 && values[0] != nil)
    }
  }

  @Test(
    "Backends that are ended leave whole batches, and all that was acknowledged",
    arguments: TestServer.versions)
  func terminated(_ version: TestServer.Version) async throws {
    try await withAgent(version) { agent, admin in
      let ending = Task {
        while !Task.isCancelled {
          try await admin.execute(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()
            """)
          try? await Task.sleep(for: .milliseconds(.random(in: 5...250)))
        }
      }
      var acknowledged = 0
      for number in 0..<40 {
        var isAcknowledged = false
        do {
          try await agent.storeMemories(items(250, "batch\(number)/"))
          isAcknowledged = true
        } catch let error as AgentBaseError {
          // Where its end is not known, it says so.
          #expect(error.code == .unavailable, "\(error)")
        }
        acknowledged += isAcknowledged ? 1 : 0
        var values: [Int?]?
        while values == nil {
          values = try? await agent.retrieveMemories(keys: (0..<250).map { "batch\(number)/\($0)" })
        }
        let found = try #require(values).count { $0 != nil }
        #expect(found == 250 || (found == 0 && !isAcknowledged))
      }
      ending.cancel()
      try await ending.value
      #expect(acknowledged > 0)
    }
  }
}
