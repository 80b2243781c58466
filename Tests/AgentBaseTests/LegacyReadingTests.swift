// Reading the files that agents have today.

import AgentBase
import Foundation
import SQLite
import Testing

@Suite("Legacy files: reading") struct LegacyReadingTests {
  @Test("Guide 1's table answers by its primary key, and the file stays as it is")
  func conversation() async throws {
    let file = try LegacyFile(
      """
      CREATE TABLE memory (id INTEGER PRIMARY KEY, content TEXT, timestamp TEXT);
      INSERT INTO memory VALUES (1, 'User query about pricing', '2024-01-15 10:30:00'),
        (2, '{"role": "user", "n": 1.10}', '2024-01-15 10:31:00'), (3, NULL, NULL);
      """)
    let before = try Data(contentsOf: URL(filePath: file.path))
    try await file.withAgent { (agent) async throws in
      #expect(try await agent.retrieveMemory("1", as: String.self) == "User query about pricing")
      let memory = try #require(try await agent.memory("1"))
      #expect(memory.createdAt == Date(timeIntervalSince1970: 1_705_314_600))
      #expect(memory.updatedAt == memory.createdAt && !memory.isImported && memory.metadata == [:])
      #expect(try await agent.retrieveMemory("2") == (try JSON(parsing: #"{"role": "user", "n": 1.10}"#)))
      #expect(try await agent.retrieveMemory("2", as: String.self) == #"{"role": "user", "n": 1.10}"#)
      #expect(try await agent.retrieveMemory("3", as: JSON.self) == JSON.null)
      #expect(try await agent.retrieveMemory("4", as: JSON.self) == nil)
      #expect(try await agent.listMemories().memories.map(\.key) == ["1", "2", "3"])
      #expect(try await agent.searchMemories("PRICING").map(\.key) == ["1"])
      #expect(try await agent.tools().isEmpty)
      #expect(try await agent.metrics().isEmpty)
      #expect(try await agent.executions().isEmpty)
    }
    #expect(try Data(contentsOf: URL(filePath: file.path)) == before)
  }

  @Test("Every storage class has its value")
  func storageClasses() async throws {
    let file = try LegacyFile(
      """
      CREATE TABLE memories (key TEXT, value);
      INSERT INTO memories VALUES ('integer', 9007199254740993), ('real', 2.5), ('whole', 5.0),
        ('text', 'plain'), ('json', '[1, 2]'), ('quoted', '"q"'), ('blob', x'00FF10'), ('null', NULL),
        ('infinite', 9e999), ('bytes', CAST(x'61FF62' AS TEXT)), ('nul', CAST(x'610062' AS TEXT)), ('empty', ''),
        ('number', '42'), ('broken', '{"a": ');
      """)
    try await file.withAgent { (agent) async throws in
      let expected: [(String, JSON)] = [
        ("integer", .integer(9_007_199_254_740_993)), ("real", 2.5), ("whole", 5.0), ("text", "plain"),
        ("json", [1, 2]), ("quoted", "q"), ("blob", "AP8Q"), ("null", nil), ("infinite", "Infinity"),
        ("bytes", "a\u{FFFD}b"), ("nul", "a\u{FFFD}b"), ("empty", ""), ("number", 42), ("broken", "{\"a\": "),
      ]
      for (key, value) in expected {
        let found = try await agent.retrieveMemory(key, as: JSON.self)
        #expect(found == value, "\(key)")
        #expect(found?.text == value.text, "\(key)")
      }
      #expect(try await agent.retrieveMemory("blob", as: Data.self) == Data([0, 0xFF, 0x10]))
      #expect(try await agent.retrieveMemory("number", as: String.self) == "42")
      #expect(try await agent.retrieveMemory("infinite", as: Double.self) == .infinity)
      #expect(try await agent.retrieveMemory("real", as: Double.self) == 2.5)
    }
  }

  @Test("The newest of a key's rows is the current one, in whatever table and spelling")
  func newest() async throws {
    let file = try LegacyFile(
      """
      CREATE TABLE memory (key TEXT, value TEXT, created_at TEXT, updated_at TEXT);
      CREATE TABLE conversation_memory (key TEXT, content TEXT, timestamp INTEGER);
      INSERT INTO memory VALUES ('a', 'old', '2024-01-01', NULL), ('a', 'new', '2023-01-01', '2024-02-01T00:00:00Z'),
        ('a', 'older', '2023-12-31 23:59:59.9', ''), ('b', 'first', NULL, NULL), ('b', 'second', 'never', NULL),
        ('c', 'text', '2024-01-01 00:00:00', NULL), ('d', 'x', '2024-01-01', NULL);
      INSERT INTO conversation_memory VALUES ('c', 'epoch', 1704067201), ('d', 'milliseconds', 1704067199999),
        ('b', 'with a time', 0);
      """)
    try await file.withAgent { (agent) async throws in
      #expect(try await agent.retrieveMemory("a", as: String.self) == "new")
      #expect(try await agent.retrieveMemory("b", as: String.self) == "with a time")
      #expect(try await agent.retrieveMemory("c", as: String.self) == "epoch")
      #expect(try await agent.retrieveMemory("d", as: String.self) == "x")
      let listed = try await agent.listMemories().memories
      #expect(try listed.map { try $0.decode(as: String.self) } == ["new", "with a time", "epoch", "x"])
      #expect(try await agent.searchMemories("old").isEmpty)
      #expect(try await agent.deleteMemory("c"))
    }
    #expect(try file.rows("SELECT count(*) FROM memory WHERE key = 'c'") == [[0]])
    #expect(try file.rows("SELECT count(*) FROM conversation_memory") == [[2]])
  }

  @Test("Keys are found whatever the column makes of them")
  func keys() async throws {
    let file = try LegacyFile(
      """
      CREATE TABLE memory (id TEXT PRIMARY KEY, key, value TEXT);
      INSERT INTO memory VALUES ('p1', NULL, 'by primary key'), ('p2', '', 'by primary key too'), ('p3', 7, 'integer'),
        ('p4', 7.0, 'real'), ('p5', x'6B6579', 'blob'), ('p6', CAST(x'6BFF' AS TEXT), 'bytes'), (NULL, NULL, 'by rowid'),
        ('p8', 'K', 'upper'), ('p9', 'k', 'lower'), ('p10', 1e300, 'large');
      CREATE TABLE numbered_memory (key INTEGER, value TEXT);
      INSERT INTO numbered_memory VALUES (11, 'a number'), ('x', 'no number'), (NULL, 'third');
      CREATE TABLE nocase_memories (key TEXT COLLATE NOCASE, value TEXT);
      INSERT INTO nocase_memories VALUES ('Nocase', 'n');
      CREATE TABLE pair_memory (a TEXT, b INTEGER, content TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID;
      INSERT INTO pair_memory VALUES ('x', 1, 'pair');
      """)
    try await file.withAgent { (agent) async throws in
      let expected = [
        "p1": "by primary key", "p2": "by primary key too", "7": "by rowid", "7.0": "real", "key": "blob",
        "k\u{FFFD}": "bytes", "K": "upper", "k": "lower", "1e+300": "large", "11": "a number",
        "x": "no number",
        "3": "third", "Nocase": "n", #"["x", 1]"#: "pair",
      ]
      for (key, value) in expected {
        #expect(try await agent.retrieveMemory(key, as: String.self) == value, "\(key)")
      }
      for key in ["p3", "nocase", "0", "kk"] {
        #expect(try await agent.retrieveMemory(key, as: String.self) == nil, "\(key)")
      }
      #expect(try await agent.retrieveMemory("7", as: String.self, namespace: "x") == nil)
      // Two rows of the first table are called 7: one by its key, and the later one by its rowid.
      #expect(try await agent.listMemories().memories.count == expected.count)
    }
  }

  @Test("Rows of other agents are not seen; those of nobody are everybody's")
  func agents() async throws {
    let file = try LegacyFile(
      """
      CREATE TABLE agent_memory (agent_id TEXT, namespace TEXT, key TEXT, value TEXT);
      INSERT INTO agent_memory VALUES ('crawler', NULL, 'a', '1'), ('other', '', 'a', '2'), (NULL, NULL, 'b', '3'),
        ('', 'space', 'a', '4'), ('other', NULL, 'c', '5');
      """)
    try await file.withAgent { (agent) async throws in
      #expect(try await agent.retrieveMemory("a", as: Int.self) == 1)
      #expect(try await agent.retrieveMemory("b", as: Int.self) == 3)
      #expect(try await agent.retrieveMemory("c", as: Int.self) == nil)
      #expect(try await agent.retrieveMemory("a", as: Int.self, namespace: "space") == 4)
      #expect(try await agent.searchMemories("").count == 3)
    }
    try await file.withAgent("other") { (agent) async throws in
      #expect(try await agent.retrieveMemory("a", as: Int.self) == 2)
      #expect(try await agent.listMemories().memories.map(\.key) == ["a", "b", "c"])
    }
  }

  @Test("Metadata, embeddings, expiry and rows without a value column")
  func others() async throws {
    let file = try LegacyFile(
      """
      CREATE TABLE memory (key TEXT, content TEXT, metadata TEXT, embedding BLOB, expires_at REAL);
      INSERT INTO memory VALUES ('a', 'x', '{"source": "web", "n": 1.10}', x'0000803F000000C0', NULL),
        ('b', 'x', 'no json', '[0.1, 2]', 4102444800.5), ('c', 'x', NULL, 'none', 1.0);
      CREATE TABLE plain_memories (id INTEGER PRIMARY KEY, subject TEXT, verb TEXT);
      INSERT INTO plain_memories VALUES (9, 'user', 'asked');
      """)
    try await file.withAgent { agent in
      let a = try #require(try await agent.memory("a"))
      #expect(a.metadata.members.map(\.name) == ["source", "n"])
      #expect(a.embedding == [1, -2])
      let b = try #require(try await agent.memory("b"))
      #expect(b.metadata == [:] && b.embedding == [0.1, 2])
      #expect(b.expiresAt == Date(timeIntervalSince1970: 4_102_444_800.5))
      #expect(try await agent.memory("c") == nil)
      #expect(try await agent.retrieveMemory("9") == (["subject": "user", "verb": "asked"] as JSON))
    }
  }

  @Test("Tools, metrics and executions of legacy tables are read")
  func otherKinds() async throws {
    let file = try LegacyFile(
      """
      CREATE TABLE tool_registry (id INTEGER PRIMARY KEY, tool_name TEXT, description TEXT, config TEXT, enabled TEXT,
        calls INTEGER, created_at INTEGER);
      INSERT INTO tool_registry VALUES (1, 'search', 'finds', '{"k": 1}', 'no', 12, 1705314600),
        (2, NULL, NULL, NULL, NULL, NULL, NULL);
      CREATE TABLE performance (id INTEGER PRIMARY KEY, metric TEXT, score REAL, ts TEXT);
      INSERT INTO performance VALUES (1, 'accuracy', 0.5, '2024-01-15'), (2, 'accuracy', 0.75, '2024-01-16'),
        (3, NULL, NULL, NULL);
      CREATE TABLE execution_log (id INTEGER PRIMARY KEY, task TEXT, success INTEGER, result TEXT, error TEXT,
        duration REAL, timestamp TEXT);
      INSERT INTO execution_log VALUES (1, 'crawl', 1, '{"pages": 2}', NULL, 1.5, '2024-01-15 10:30:00'),
        (2, 'parse', 0, NULL, 'broken', NULL, '2024-01-15 10:31:00');
      """)
    try await file.withAgent { agent in
      let tool = try #require(try await agent.tool("search"))
      #expect(tool.description == "finds" && tool.configuration == ["k": 1] && !tool.isEnabled)
      #expect(tool.usageCount == 12 && tool.createdAt == Date(timeIntervalSince1970: 1_705_314_600))
      #expect(try await agent.tools().map(\.name) == ["2", "search"])
      let metrics = try await agent.metrics()
      #expect(metrics.map(\.name) == ["accuracy", "accuracy", "score"])
      #expect(metrics.map(\.value) == [0.75, 0.5, nil])
      #expect(
        try await agent.metrics(since: Date(timeIntervalSince1970: 1_705_363_200)).map(\.value) == [0.75])
      let executions = try await agent.executions()
      #expect(executions.map(\.task) == ["parse", "crawl"])
      #expect(executions.map(\.status) == [.failed, .completed])
      #expect(executions[0].errorMessage == "broken" && executions[1].output == ["pages": 2])
      #expect(executions[1].durationMilliseconds == 1500)
    }
  }

  @Test("What is no database, or of a newer library, is refused with advice")
  func refused() async throws {
    let file = try LegacyFile("CREATE TABLE memory (key TEXT, value TEXT)")
    let folder = URL(filePath: file.path).deletingLastPathComponent()
    func refusal(_ path: String) async -> AgentBaseError? {
      await #expect(throws: AgentBaseError.self) {
        _ = try await Agent(AgentConfig(name: "a", memoryBackend: .sqliteFile(path)))
      }
    }
    #expect(await refusal(folder.path)?.code == .unavailable)
    #expect(
      await refusal(folder.path + "/none/memory.db")?.description.contains("there is no folder") == true)
    let text = folder.path + "/text.db"
    try String(repeating: "text ", count: 100).write(toFile: text, atomically: true, encoding: .utf8)
    let other = await refusal(text)
    #expect(other?.code == .unavailable && other?.description.contains("no SQLite database") == true)
    #expect(try String(contentsOfFile: text, encoding: .utf8).hasPrefix("text text"))

    try await file.withAgent { try await $0.storeMemory("key", 1, namespace: "space") }
    try file.execute("INSERT INTO agentbase_schema_versions VALUES (99, 'future', 'text', 'now')")
    let newer = await refusal(file.path)
    #expect(newer?.code == .schema && newer?.description.contains("version 99") == true)
    try file.execute("DELETE FROM agentbase_schema_versions WHERE version = 99")
    try file.execute("UPDATE agentbase_schema_versions SET applied_text = 'edited'")
    #expect(await refusal(file.path)?.code == .schema)
  }
}
