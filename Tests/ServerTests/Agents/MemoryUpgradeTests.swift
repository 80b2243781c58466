// Memories that were stored before there were versions.

import AgentBase
import Foundation
import Postgres
import SQLite
import Schema
import TestSupport
import Testing

@Suite("Agents: memories of an older library") struct MemoryUpgradeTests {
  @Test("A file gets its columns when something is stored, and answers before that")
  func file() async throws {
    try await TemporaryFolder.with { folder in
      let path = try folder.file("memory.db")
      let step = try #require(Schema.sqlite.first)
      let connection = try SQLiteConnection(path: path)
      try connection.executeScript(
        """
        CREATE TABLE agentbase_schema_versions (
          version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_text TEXT NOT NULL, applied_at TEXT NOT NULL);
        """ + step.up)
      try connection.execute(
        "INSERT INTO agentbase_schema_versions VALUES (1, ?, ?, '2026-01-01')",
        [.text(step.name), .text(step.up)])
      try connection.executeScript(
        """
        INSERT INTO agentbase_memories (agent_id, namespace, key, content, metadata, created_at, updated_at, expires_at)
        VALUES ('own', '', 'a', '1', '{}', '2026-01-01T00:00:00.000000Z', '2026-01-01T00:00:00.000000Z', NULL),
          ('own', '', 'gone', '1', '{}', '2026-01-01T00:00:00.000000Z', '2026-01-01T00:00:00.000000Z',
           '2026-01-02T00:00:00.000000Z');
        """)
      var config = AgentConfig(name: "own", memoryBackend: .sqliteFile(path))
      config.eventHandler = nil
      config.keepsHistory = true
      let agent = try await Agent(config)
      let old = try #require(try await agent.memory("a"))
      #expect(old.version < 0 && old.value.json == 1)
      #expect(try await agent.listMemories(in: .all).memories.map(\.version) == [old.version])
      #expect(try await agent.history(of: "a").versions.isEmpty)
      #expect(try await agent.namespaces().map(\.count) == [1])
      let new = try await agent.storeMemory("a", 2, expecting: .version(old.version))
      #expect(new > 0)
      #expect(try await agent.history(of: "a").versions.map(\.version) == [old.version])
      #expect(try await agent.restoreMemory("a", version: old.version) > new)
      #expect(try await agent.retrieveMemory("a") == 1)
      #expect(try await agent.sweepExpiredMemories() == 1)
      await agent.close()
    }
  }

  @Test(
    "A database gets its columns when it is opened; all that was stored has a version",
    arguments: TestServer.versions)
  func database(_ version: TestServer.Version) async throws {
    let url = try await TestServer.freshDatabase(version)
    let connection = try await PostgresConnection.connect(try PostgresConfiguration(url))
    try await connection.executeScript(
      """
      CREATE TABLE agentbase_schema_versions (
        version integer PRIMARY KEY, name text NOT NULL, applied_text text NOT NULL,
        applied_by text NOT NULL DEFAULT current_user, applied_at timestamptz NOT NULL DEFAULT now(),
        duration_ms double precision NOT NULL);
      """)
    for step in Schema.postgres.prefix(3) {
      try await connection.executeScript(step.up)
      try await connection.execute(
        """
        INSERT INTO agentbase_schema_versions (version, name, applied_text, duration_ms)
        VALUES (\(step.version), \(step.name), \(step.up), 0)
        """)
    }
    try await connection.executeScript(
      """
      INSERT INTO agents (id, name) VALUES ('own', 'own');
      INSERT INTO agent_memories (agent_id, key, content, written_by) VALUES ('own', 'a', '1', 'agent');
      """)
    var config = AgentConfig(name: "own", memoryBackend: .postgres(url: url))
    config.keepsHistory = true
    let agent = try await Agent(config)
    let old = try #require(try await agent.memory("a")?.version)
    #expect(old > 0)
    let new = try await agent.storeMemory("a", 2, expecting: .version(old))
    #expect(new == old + 1)
    #expect(try await agent.history(of: "a").versions.map(\.version) == [old])
    // A row that somebody adds by hand has no version: a digest stands for it.
    try await connection.execute(
      "INSERT INTO agent_memories (agent_id, key, content) VALUES ('own', 'hand', '[1]')")
    let hand = try #require(try await agent.memory("hand")?.version)
    #expect(hand < 0)
    await #expect(throws: AgentBaseError.self) {
      try await agent.storeMemory("hand", 2, expecting: .version(hand + 1))
    }
    let counted = try await agent.storeMemory("hand", 2, expecting: .version(hand))
    #expect(counted > 0)
    await #expect(throws: AgentBaseError.self) {
      try await agent.storeMemory("hand", 3, expecting: .version(hand))
    }
    #expect(try await agent.retrieveMemory("hand") == 2)
    await agent.close()
    await connection.close()
  }

  @Test("The step can be taken back", arguments: TestServer.versions)
  func down(_ version: TestServer.Version) async throws {
    let url = try await TestServer.freshDatabase(version)
    let connection = try await PostgresConnection.connect(try PostgresConfiguration(url))
    for step in Schema.postgres.prefix(4) { try await connection.executeScript(step.up) }
    for step in Schema.postgres.prefix(4).reversed() { try await connection.executeScript(step.down) }
    let left = try await connection.query(
      "SELECT relname::text FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relname LIKE 'agent%'"
    )
    #expect(left.isEmpty)
    await connection.close()
    try await TemporaryFolder.with { folder in
      let file = try SQLiteConnection(path: try folder.file("a.db"))
      for step in Schema.sqlite.prefix(2) { try file.executeScript(step.up) }
      for step in Schema.sqlite.prefix(2).reversed() { try file.executeScript(step.down) }
      #expect(try file.query("SELECT name FROM sqlite_schema").isEmpty)
    }
  }
}
