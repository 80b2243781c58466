// Writing into legacy files: the agent that made the file reads what the library wrote, and the other way round.

import AgentBase
import Foundation
import SQLite
import Testing

@Suite("Legacy files: writing") struct LegacyWritingTests {
  @Test("A memory goes into the legacy table, in its shape")
  func shape() async throws {
    let file = try LegacyFile(
      """
      CREATE TABLE memory (key TEXT PRIMARY KEY, value TEXT, timestamp TEXT);
      INSERT INTO memory VALUES ('old', '{"a": 1}', '2024-01-15T10:30:00.500');
      """)
    try await file.withAgent { agent in
      try await agent.storeMemory("new", ["b": 2])
      try await agent.storeMemory("old", ["a": 3])
      try await agent.storeMemory("text", "hello")
    }
    // Beside it are only notes on what was written, and no memory.
    #expect(try file.rows("SELECT count(*) FROM agentbase_memories") == [[0]])
    #expect(try file.rows("SELECT key FROM agentbase_notes ORDER BY key") == [["new"], ["old"], ["text"]])
    let rows = try file.rows(
      "SELECT key, value, length(timestamp), substr(timestamp, 11, 1) FROM memory ORDER BY key")
    #expect(
      rows == [
        ["new", #"{"b": 2}"#, 23, "T"], ["old", #"{"a": 3}"#, 23, "T"], ["text", #""hello""#, 23, "T"],
      ])
    #expect(
      try file.rows("SELECT max(abs(julianday('now') - julianday(timestamp))) < 0.01 FROM memory") == [[1]])
  }

  @Test("Plain text among plain text, and numbers among numbers")
  func plain() async throws {
    let file = try LegacyFile(
      """
      CREATE TABLE memory (key TEXT PRIMARY KEY, value, updated_at REAL);
      INSERT INTO memory VALUES ('text', 'dark', 1705314600.25), ('count', 5, 1705314600.25);
      """)
    try await file.withAgent { agent in
      try await agent.storeMemory("text", "light")
      try await agent.storeMemory("count", 6)
      #expect(try await agent.retrieveMemory("text") == "light")
      // What would be read back as something else keeps its quotes.
      try await agent.storeMemory("text", "42")
      #expect(try await agent.retrieveMemory("text") == JSON.string("42"))
    }
    #expect(
      try file.rows("SELECT key, value, typeof(value), typeof(updated_at) FROM memory ORDER BY key")
        == [["count", 6, "integer", "real"], ["text", #""42""#, "text", "real"]])
  }

  @Test("Times are spelled as the column spells them")
  func times() async throws {
    let spellings = [
      ("'2024-01-15 10:30:00'", "____-__-__ __:__:__"), ("'2024-01-15T10:30:00Z'", "____-__-__T__:__:__Z"),
      ("'2024-01-15T10:30:00.123456+00:00'", "____-__-__T__:__:__.______+00:00"),
      ("'2024-01-15 10:30:00.5'", "____-__-__ __:__:__._"), ("1705314600", "__________"),
      ("1705314600123", "_____________"), ("1705314600123456", "________________"),
      ("NULL", "____-__-__ __:__:__"),
    ]
    for (sample, pattern) in spellings {
      let file = try LegacyFile(
        "CREATE TABLE memory (key TEXT, value TEXT, created_at); INSERT INTO memory VALUES ('a', '1', \(sample))"
      )
      try await file.withAgent { agent in
        try await agent.storeMemory("b", 2)
        let updatedAt = try #require(try await agent.memory("b")?.updatedAt)
        #expect(abs(updatedAt.timeIntervalSinceNow) < 60, "\(sample)")
      }
      #expect(
        try file.rows("SELECT created_at LIKE '\(pattern)' FROM memory WHERE key = 'b'") == [[1]], "\(sample)"
      )
    }
  }

  @Test("Naive times are of the zone that the config names")
  func zone() async throws {
    let berlin = try #require(TimeZone(identifier: "Europe/Berlin"))
    let file = try LegacyFile(
      """
      CREATE TABLE memory (key TEXT, value TEXT, created_at TEXT);
      INSERT INTO memory VALUES ('a', '1', '2024-07-15 12:30:00');
      """)
    try await file.withAgent(zone: berlin) { agent in
      #expect(try await agent.memory("a")?.createdAt == Date(timeIntervalSince1970: 1_721_039_400))
      try await agent.storeMemory("b", 2)
      let createdAt = try #require(try await agent.memory("b")?.createdAt)
      #expect(abs(createdAt.timeIntervalSinceNow) < 60)
    }
  }

  @Test("What the legacy table lacks goes beside it, and comes back when it fits")
  func beside() async throws {
    let file = try LegacyFile(
      "CREATE TABLE memory (key TEXT PRIMARY KEY, value TEXT); INSERT INTO memory VALUES ('a', '1')")
    try await file.withAgent { agent in
      try await agent.storeMemory("a", 2, metadata: ["m": 1])
      #expect(try await agent.memory("a")?.metadata == ["m": 1])
      #expect(try await agent.retrieveMemory("a") == 2)
    }
    // The old agent sees its own value.
    #expect(try file.rows("SELECT * FROM memory") == [["a", "1"]])
    #expect(try file.tables().contains("agentbase_memories"))
    try await file.withAgent { agent in
      try await agent.storeMemory("a", 3)
      #expect(try await agent.memory("a")?.metadata == [:])
    }
    #expect(try file.rows("SELECT * FROM memory") == [["a", "3"]])
    #expect(try file.rows("SELECT count(*) FROM agentbase_memories") == [[0]])
  }

  @Test("The old agent's later value is the current one again")
  func oldAgentWrites() async throws {
    let file = try LegacyFile("CREATE TABLE memory (key TEXT, value TEXT, timestamp TEXT)")
    try await file.withAgent { agent in
      try await agent.storeMemory("a", 1)
      try file.execute("INSERT INTO memory VALUES ('a', '2', '2100-01-01 00:00:00'), ('b', '3', NULL)")
      #expect(try await agent.retrieveMemory("a") == 2)
      #expect(try await agent.retrieveMemory("b") == 3)
      // Ours is the newest, though the other's clock was ahead.
      try await agent.storeMemory("a", 4)
      #expect(try await agent.retrieveMemory("a") == 4)
      try await agent.storeMemory("a", 5, metadata: ["m": 1])
      #expect(try await agent.retrieveMemory("a") == 5)
      try await agent.storeMemory("a", 6)
      #expect(try await agent.retrieveMemory("a") == 6)
    }
  }

  @Test(
    "Tables that cannot take a memory stay as they are",
    arguments: [
      "CREATE TABLE memory (key TEXT, value TEXT, kind TEXT NOT NULL)",
      "CREATE TABLE memory (key TEXT, value TEXT CHECK (length(value) < 2))",
      "CREATE TABLE memory (key INTEGER PRIMARY KEY, value TEXT)",
      "CREATE TABLE memory (key INTEGER, value TEXT) STRICT",
      "CREATE TABLE memory (key TEXT, value TEXT AS ('x'))",
      """
      CREATE TABLE memory (key TEXT, value TEXT);
      CREATE TRIGGER t BEFORE INSERT ON memory BEGIN SELECT RAISE(ABORT, 'no'); END
      """,
      """
      CREATE TABLE memory (key TEXT, value TEXT);
      CREATE TRIGGER t AFTER INSERT ON memory BEGIN UPDATE memory SET value = 'changed'; END
      """,
      "CREATE VIEW memory AS SELECT 'k' AS key, 'v' AS value",
    ])
  func unfit(_ sql: String) async throws {
    let file = try LegacyFile(sql)
    try await file.withAgent { agent in
      try await agent.storeMemory("key", ["a": "value 1"])
      #expect(try await agent.retrieveMemory("key") == ["a": "value 1"])
    }
    #expect(try file.rows("SELECT count(*) FROM agentbase_memories") == [[1]])
    if !sql.contains("VIEW") { #expect(try file.rows("SELECT count(*) FROM memory") == [[0]]) }
  }

  @Test("A replaced row keeps what the library does not know, and loses a vector that is no longer true")
  func otherColumns() async throws {
    let file = try LegacyFile(
      """
      CREATE TABLE memory (id INTEGER PRIMARY KEY, key TEXT, value TEXT, importance INTEGER, embedding BLOB,
        metadata TEXT, created_at TEXT, updated_at TEXT);
      INSERT INTO memory VALUES (7, 'a', '1', 9, x'0000803F', '{"m": 1}', '2024-01-01 00:00:00', '2024-01-01 00:00:00');
      """)
    try await file.withAgent { try await $0.storeMemory("a", 2) }
    #expect(
      try file.rows(
        "SELECT id, key, value, importance, embedding, metadata, created_at, updated_at > '2025' FROM memory")
        == [[7, "a", "2", 9, .null, .null, "2024-01-01 00:00:00", 1]])
  }

  @Test("Uses and switches of a legacy tool are written where the old agent counts them")
  func tools() async throws {
    let file = try LegacyFile(
      """
      CREATE TABLE tools (name TEXT, description TEXT, usage_count INTEGER, enabled INTEGER);
      INSERT INTO tools VALUES ('search', 'finds', 3, 1);
      CREATE TABLE other_tools (name TEXT, note TEXT);
      INSERT INTO other_tools VALUES ('parse', 'n');
      """)
    try await file.withAgent { agent in
      try await agent.recordToolUse("search", count: 2)
      try await agent.setTool("search", isEnabled: false)
      try await agent.recordToolUse("parse")
      #expect(try await agent.tool("search")?.usageCount == 5)
      let parse = try #require(try await agent.tool("parse"))
      #expect(parse.usageCount == 1 && parse.configuration == ["name": "parse", "note": "n"])
    }
    #expect(try file.rows("SELECT * FROM tools") == [["search", "finds", 5, 0]])
    #expect(try file.rows("SELECT * FROM other_tools") == [["parse", "n"]])
    #expect(try file.rows("SELECT name, usage_count FROM agentbase_tools") == [["parse", 1]])
  }

  @Test("A measurement goes into a legacy table that has its columns")
  func metrics() async throws {
    let file = try LegacyFile(
      """
      CREATE TABLE metrics (id INTEGER PRIMARY KEY, metric_name TEXT, value REAL, timestamp REAL);
      INSERT INTO metrics (metric_name, value, timestamp) VALUES ('m', 1, 1705314600.5);
      """)
    try await file.withAgent { agent in
      try await agent.recordMetric("m", 2)
      try await agent.recordMetric("m", 3, unit: "ms")
      #expect(Set(try await agent.metrics("m").map(\.value)) == [1, 2, 3])
    }
    #expect(
      try file.rows("SELECT metric_name, value, typeof(timestamp) FROM metrics WHERE id = 2") == [
        ["m", 2.0, "real"]
      ])
    #expect(try file.rows("SELECT value, unit FROM agentbase_metrics") == [[3.0, "ms"]])
  }

  @Test("The sqlite3 command reads what the library wrote")
  func commandLine() async throws {
    let file = try LegacyFile("CREATE TABLE memory (key TEXT PRIMARY KEY, value TEXT, timestamp TEXT)")
    try await file.withAgent { agent in
      try await agent.storeMemory("a", ["text": "é 🧠"])
      let command = Process()
      command.executableURL = URL(filePath: "/usr/bin/sqlite3")
      command.arguments = [file.path, "SELECT json_extract(value, '$.text') FROM memory WHERE key = 'a'"]
      let output = Pipe()
      command.standardOutput = output
      try command.run()
      let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      command.waitUntilExit()
      #expect(text == "é 🧠\n")
    }
  }

  @Test("A new file has the library's tables alone, and a write-ahead log")
  func newFile() async throws {
    let file = try LegacyFile("")
    try await file.withAgent { try await $0.storeMemory("a", 1) }
    #expect(
      try file.tables() == [
        "agentbase_carried", "agentbase_cutover", "agentbase_differences", "agentbase_executions",
        "agentbase_followed", "agentbase_history", "agentbase_memories", "agentbase_metrics",
        "agentbase_mirrors", "agentbase_notes", "agentbase_outbox", "agentbase_restored",
        "agentbase_schema_audit",
        "agentbase_schema_versions", "agentbase_set_aside", "agentbase_spaces", "agentbase_tools",
        "agentbase_words", "agentbase_words_config", "agentbase_words_data", "agentbase_words_idx",
      ])
    #expect(try file.rows("PRAGMA journal_mode") == [["wal"]])
    #expect(
      try file.rows("SELECT agent_id, namespace, key, content, metadata FROM agentbase_memories") == [
        ["crawler", "", "a", "1", "{}"]
      ])
  }
}
