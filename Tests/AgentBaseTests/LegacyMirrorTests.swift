// What the library keeps in its own tables stands in the legacy ones as well: old code reads it, and the library reads it once.

import AgentBase
import Foundation
import SQLite
import TestSupport
import Testing

@Suite("Legacy files: mirrors") struct LegacyMirrorTests {
  /// Guide 1's four tables, with a row each.
  private static let guide1 = """
    CREATE TABLE memory (id INTEGER PRIMARY KEY AUTOINCREMENT, content TEXT NOT NULL, timestamp TEXT);
    CREATE TABLE tools (
      id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, description TEXT NOT NULL, config TEXT, enabled INTEGER,
      usage_count INTEGER DEFAULT 0, created_at TEXT);
    CREATE TABLE metrics (id INTEGER PRIMARY KEY, metric_name TEXT, value REAL, timestamp TEXT);
    CREATE TABLE execution_log (
      id INTEGER PRIMARY KEY, task TEXT, status TEXT, result TEXT, error TEXT, started_at TEXT, finished_at TEXT,
      duration_ms REAL);
    INSERT INTO memory (content, timestamp) VALUES ('User query about pricing', '2024-01-15 10:30:00');
    INSERT INTO tools (name, description, created_at) VALUES ('fetch', 'Gets a page', '2024-01-15 10:30:00');
    INSERT INTO metrics (metric_name, value, timestamp) VALUES ('latency', 1, '2024-01-15 10:30:00');
    INSERT INTO execution_log (task, status, started_at) VALUES ('crawl', 'completed', '2024-01-15 10:30:00');
    """

  @Test("Guide 1's tables take all four kinds, and the library reads each thing once, whole")
  func fourKinds() async throws {
    let file = try LegacyFile(Self.guide1)
    try await file.withAgent { agent in
      try await agent.storeMemory("user:42", ["theme": "dark"], metadata: ["m": 1], embedding: [0.5, 1])
      try await agent.storeMemory("note", "Prices are up")
      try await agent.registerTool("parse", configuration: ["k": 1.5])
      try await agent.recordMetric("latency", 12.5, unit: "ms", metadata: ["page": 7])
      try await agent.withExecution("summarise", input: ["i": 1]) { ["pages": 3] }
      _ = try? await agent.withExecution("fetch") { () -> Int in throw CancellationError() }
    }
    #expect(
      try file.rows(
        "SELECT content FROM memory WHERE content LIKE '%theme%' OR content LIKE '%up%' ORDER BY id")
        == [[#"{"theme": "dark"}"#], ["Prices are up"]])
    #expect(try file.rows("SELECT count(*) FROM memory WHERE timestamp LIKE '____-__-__ __:__:__'") == [[3]])
    #expect(
      try file.rows("SELECT name, description, config, enabled, usage_count FROM tools WHERE id > 1") == [
        ["parse", "", #"{"k": 1.5}"#, 1, 0]
      ])
    #expect(
      try file.rows("SELECT metric_name, value FROM metrics WHERE id > 1") == [["latency", 12.5]])
    #expect(
      try file.rows(
        "SELECT task, status, result, finished_at >= started_at, duration_ms > 0 FROM execution_log WHERE id > 1 ORDER BY id"
      ) == [
        ["summarise", "completed", #"{"pages": 3}"#, 1, 1], ["fetch", "cancelled", .null, 1, 1],
      ])
    try await file.withAgent { agent in
      #expect(try await agent.listMemories().memories.map(\.key) == ["1", "note", "user:42"])
      let memory = try #require(try await agent.memory("user:42"))
      #expect(memory.metadata == ["m": 1] && memory.embedding == [0.5, 1])
      #expect(try await agent.searchMemories(matching: "dark").hits.map(\.memory.key) == ["user:42"])
      #expect(try await agent.tools().map(\.name) == ["fetch", "parse"])
      #expect(try await agent.tool("parse")?.configuration == ["k": 1.5])
      let metrics = try await agent.metrics("latency")
      #expect(metrics.map(\.value) == [12.5, 1] && metrics[0].metadata == ["page": 7])
      #expect(try await agent.executions().count == 3)
      #expect(try await agent.executions(task: "summarise").first?.input == ["i": 1])
    }
  }

  @Test("What the library changes or deletes changes and goes where old code reads it")
  func changes() async throws {
    let file = try LegacyFile(Self.guide1)
    try await file.withAgent { agent in
      try await agent.storeMemory("a", "first")
      try await agent.storeMemory("b", "gone")
      try await agent.storeMemory("a", "second")
      try await agent.deleteMemory("b")
      try await agent.registerTool("parse", description: "d")
      try await agent.recordToolUse("parse", count: 3)
      try await agent.setTool("parse", isEnabled: false)
      try await agent.registerTool("gone")
      try await agent.deleteTool("gone")
      let run = try await agent.beginExecution("t")
      #expect(try file.rows("SELECT status FROM execution_log WHERE id = 2") == [["running"]])
      try await agent.finishExecution(run)
    }
    #expect(try file.rows("SELECT content FROM memory WHERE id > 1") == [["second"]])
    #expect(try file.rows("SELECT name, usage_count, enabled FROM tools WHERE id > 1") == [["parse", 3, 0]])
    #expect(try file.rows("SELECT status FROM execution_log WHERE id > 1") == [["completed"]])
    #expect(try file.rows("SELECT count(*) FROM agentbase_mirrors") == [[3]])
  }

  @Test("What old code changes counts, and what it deletes is gone")
  func oldCodeWrites() async throws {
    let file = try LegacyFile(
      Self.guide1.replacing("CREATE TABLE memory", with: "CREATE TABLE notes").replacing(
        "INTO memory", with: "INTO notes")
        + "CREATE TABLE memory (id INTEGER PRIMARY KEY, key TEXT, value TEXT, timestamp TEXT);")
    try await file.withAgent { agent in
      for key in ["changed", "deleted", "kept"] { try await agent.storeMemory(key, 1, metadata: ["m": 1]) }
      try await agent.registerTool("switched")
      try await agent.recordMetric("latency", 1, unit: "ms")
      let run = try await agent.beginExecution("t")
      try file.execute(
        """
        UPDATE memory SET value = '2' WHERE key = 'changed'; DELETE FROM memory WHERE key = 'deleted';
        UPDATE tools SET enabled = 0 WHERE name = 'switched';
        UPDATE metrics SET value = 7 WHERE id = 2;
        UPDATE execution_log SET status = 'completed' WHERE task = 't';
        """)
      #expect(try await agent.retrieveMemory("changed") == 2)
      #expect(try await agent.memory("deleted") == nil)
      #expect(try await agent.listMemories().memories.map(\.key) == ["changed", "kept"])
      #expect(try await agent.tool("switched")?.isEnabled == false)
      #expect(try await agent.metrics("latency").map(\.value) == [7, 1])
      #expect(try await agent.executions(task: "t").map(\.status) == [.completed])
      await #expect(throws: AgentBaseError.self) { try await agent.failExecution(run, message: "late") }
      // The library's next value counts again.
      try await agent.storeMemory("changed", 3, metadata: ["m": 1])
      try await agent.storeMemory("deleted", 3)
      #expect(try await agent.retrieveMemory("changed") == 3)
      #expect(try await agent.retrieveMemory("deleted") == 3)
      #expect(try await agent.listMemories().memories.map(\.key) == ["changed", "deleted", "kept"])
    }
  }

  @Test("A place that SQLite gives anew brings nothing back that old code has deleted")
  func placeGivenAnew() async throws {
    let file = try LegacyFile("CREATE TABLE memory (id INTEGER PRIMARY KEY, content TEXT)")
    try await file.withAgent { agent in
      try await agent.storeMemory("a", 1)
      try file.execute("DELETE FROM memory")
      #expect(try await agent.memory("a") == nil)
      try await agent.storeMemory("b", 2)
      #expect(try file.rows("SELECT id, content FROM memory") == [[1, "2"]])
      #expect(try await agent.listMemories().memories.map(\.key) == ["b"])
    }
  }

  /// A table, and what old code reads of it after `storeMemory("key", {"a": 1})`, a tool, a measurement and an execution.
  struct Shape: CustomTestStringConvertible {
    var sql: String
    var query: String
    var rows: [[SQLiteValue]]

    var testDescription: String { sql }
  }

  @Test(
    "Tables of many shapes take what they have columns for",
    arguments: [
      Shape(
        sql: "CREATE TABLE memory (id TEXT PRIMARY KEY, content TEXT) WITHOUT ROWID",
        query: "SELECT id, content FROM memory", rows: [["key", #"{"a": 1}"#]]),
      Shape(
        sql: "CREATE TABLE memory (id TEXT PRIMARY KEY, key TEXT, value TEXT)",
        query: "SELECT length(id), key, value FROM memory", rows: [[36, "key", #"{"a": 1}"#]]),
      Shape(
        sql:
          "CREATE TABLE memory (id INTEGER PRIMARY KEY, content TEXT NOT NULL, agent TEXT, created_at INTEGER NOT NULL) STRICT",
        query: "SELECT content, agent, created_at > 1700000000 FROM memory",
        rows: [[#"{"a": 1}"#, "crawler", 1]]),
      Shape(
        sql: "CREATE TABLE memory (key TEXT, value INTEGER)", query: "SELECT key, value FROM memory",
        rows: [["key", #"{"a": 1}"#]]),
      Shape(
        sql: """
          CREATE TABLE memory (id INTEGER PRIMARY KEY, content TEXT, at TEXT, length INTEGER AS (length(content)));
          CREATE TABLE seen (n); CREATE TRIGGER t AFTER INSERT ON memory BEGIN INSERT INTO seen VALUES (new.id); END
          """,
        query: "SELECT content, length, (SELECT count(*) FROM seen) FROM memory",
        rows: [[#"{"a": 1}"#, 8, 1]]),
      Shape(
        sql:
          "CREATE TABLE tools (name TEXT PRIMARY KEY, parameters TEXT, is_active TEXT, registered_at REAL)",
        query: "SELECT name, parameters, is_active, registered_at > 1.7e9 FROM tools",
        rows: [["tool", #"{"k": 1}"#, "true", 1]]),
      Shape(
        sql: "CREATE TABLE tools (id TEXT PRIMARY KEY, name TEXT, tags TEXT DEFAULT '[]' NOT NULL)",
        query: "SELECT length(id), name, tags FROM tools", rows: [[36, "tool", "[]"]]),
      Shape(
        sql: "CREATE TABLE performance (metric TEXT, score INTEGER, ts INTEGER)",
        query: "SELECT metric, score, ts > 1700000000 FROM performance", rows: [["m", 2.5, 1]]),
      Shape(
        sql: "CREATE TABLE tool_metrics (name TEXT, duration_ms REAL)",
        query: "SELECT name, duration_ms FROM tool_metrics", rows: [["m", 2.5]]),
      Shape(
        sql:
          "CREATE TABLE task_executions (id TEXT PRIMARY KEY, task TEXT, success INTEGER, start_time REAL) WITHOUT ROWID",
        query: "SELECT length(id), task, success, start_time > 1.7e9 FROM task_executions",
        rows: [[36, "task", 1, 1]]),
      Shape(
        sql: "CREATE TABLE execution_log (task TEXT, status TEXT NOT NULL, duration REAL, parameters TEXT)",
        query: "SELECT task, status, duration < 10, parameters FROM execution_log",
        rows: [["task", "completed", 1, #"{"i": 1}"#]]),
    ])
  func shapes(_ shape: Shape) async throws {
    let file = try LegacyFile(shape.sql)
    try await Self.writeAll(file)
    #expect(try file.rows(shape.query) == shape.rows)
    try await Self.expectAll(file)
    #expect(try file.rows("PRAGMA integrity_check") == [["ok"]])
  }

  @Test(
    "Tables that need what nobody has, or refuse, stay as they are, and nothing is lost",
    arguments: [
      "CREATE TABLE memory (content TEXT, kind TEXT NOT NULL)",
      "CREATE TABLE memory (a TEXT, b TEXT, content TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID",
      "CREATE TABLE memory (id INTEGER PRIMARY KEY, content TEXT CHECK (length(content) < 3))",
      "CREATE TABLE memory (id INTEGER PRIMARY KEY, content INTEGER) STRICT",
      "CREATE TABLE users (id INTEGER PRIMARY KEY); CREATE TABLE memory (content TEXT, user_id NOT NULL DEFAULT 1 REFERENCES users)",
      """
      CREATE TABLE memory (content TEXT);
      CREATE TRIGGER t BEFORE INSERT ON memory BEGIN SELECT RAISE(ABORT, 'no'); END
      """,
      """
      CREATE TABLE memory (content TEXT);
      CREATE TRIGGER t AFTER INSERT ON memory BEGIN UPDATE memory SET content = 'changed'; END
      """,
      "CREATE TABLE memory (content TEXT); CREATE TRIGGER t AFTER INSERT ON memory BEGIN DELETE FROM memory; END",
      "CREATE TABLE tools (name TEXT, id INTEGER NOT NULL)",
      "CREATE TABLE tool_metrics (name TEXT, success_rate REAL)",
      "CREATE TABLE execution_log (task INTEGER, status TEXT) STRICT",
    ])
  func refusing(_ sql: String) async throws {
    let file = try LegacyFile(sql)
    try await Self.writeAll(file)
    #expect(try file.rows("SELECT count(*) FROM agentbase_mirrors") == [[0]])
    for table in try file.tables() where !table.hasPrefix("agentbase_") {
      #expect(try file.rows("SELECT count(*) FROM \(table)") == [[0]], "\(table)")
    }
    try await Self.expectAll(file)
  }

  @Test("A column that is added later changes nothing of what is known")
  func addedColumn() async throws {
    let file = try LegacyFile(Self.guide1)
    try await file.withAgent { try await $0.storeMemory("a", 1) }
    try file.execute("ALTER TABLE memory ADD COLUMN tags TEXT")
    try await file.withAgent { agent in
      #expect(try await agent.listMemories().memories.map(\.key) == ["1", "a"])
      try await agent.storeMemory("a", 2)
      #expect(try await agent.listMemories().memories.map(\.key) == ["1", "a"])
    }
    #expect(try file.rows("SELECT content FROM memory WHERE id > 1") == [["2"]])
  }

  @Test("The library and old code write at random: the last writer's value counts, once")
  func atRandom() async throws {
    let seed = SeededGenerator.seed(for: "LegacyMirrorTests.atRandom")
    var random = SeededGenerator(seed: seed)
    let file = try LegacyFile(
      "CREATE TABLE memory (id INTEGER PRIMARY KEY, key TEXT, value TEXT, timestamp TEXT)")
    let newest = "(SELECT id FROM memory WHERE key = '%' ORDER BY timestamp DESC, id DESC LIMIT 1)"
    try await file.withAgent { agent in
      var model: [String: Int] = [:]
      for step in 1...200 {
        let key = random.one(of: ["a", "b", "c"])
        switch Int.random(in: 0..<6, using: &random) {
        case 0, 1:
          try await agent.storeMemory(key, step, metadata: ["m": 1])
          model[key] = step
        case 2:
          try await agent.storeMemory(key, step)
          model[key] = step
        case 3:
          #expect(try await agent.deleteMemory(key) == (model[key] != nil))
          model[key] = nil
        case 4:
          try file.execute(
            "UPDATE memory SET value = '\(step)' WHERE id = \(newest.replacing("%", with: key))")
          if model[key] != nil { model[key] = step }
        default:
          try file.execute("DELETE FROM memory WHERE key = '\(key)'")
          model[key] = nil
        }
        var found: [String: Int] = [:]
        for memory in try await agent.listMemories().memories {
          found[memory.key] = try memory.value.decode(as: Int.self)
        }
        try #require(found == model, "seed \(seed), step \(step)")
        // Old code that takes the newest row of a key reads the same.
        for (key, value) in model {
          let read = try file.rows("SELECT value FROM memory WHERE id = \(newest.replacing("%", with: key))")
          try #require(read == [[.text("\(value)")]], "seed \(seed), step \(step)")
        }
      }
    }
  }

  private static func writeAll(_ file: LegacyFile) async throws {
    try await file.withAgent { agent in
      try await agent.storeMemory("key", ["a": 1], metadata: ["m": 1])
      try await agent.registerTool("tool", configuration: ["k": 1], metadata: ["m": 1])
      try await agent.recordMetric("m", 2.5, unit: "ms", metadata: ["m": 1])
      try await agent.withExecution("task", input: ["i": 1], metadata: ["m": 1]) { 1 }
    }
  }

  private static func expectAll(_ file: LegacyFile) async throws {
    try await file.withAgent { agent in
      let memories = try await agent.listMemories().memories
      #expect(memories.count == 1 && memories.first?.metadata == ["m": 1] && memories.first?.key == "key")
      let tools = try await agent.tools()
      #expect(tools.count == 1 && tools.first?.configuration == ["k": 1])
      let metrics = try await agent.metrics("m")
      #expect(metrics.count == 1 && metrics.first?.value == 2.5 && metrics.first?.unit == "ms")
      let executions = try await agent.executions()
      #expect(executions.count == 1 && executions.first?.input == ["i": 1])
    }
  }
}
