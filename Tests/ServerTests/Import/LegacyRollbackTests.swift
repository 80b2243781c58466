// After a rollback the agents' old code reads everything: what was imported, as it was, and what agents wrote since.

import AgentBase
import DemoFleet
import Foundation
import LegacyImport
import Postgres
import SQLite
import TestSupport
import Testing

@Suite("Rollback: what old code reads") struct LegacyRollbackTests {
  /// What an agent writes in Postgres, of each kind one new thing.
  private func write(_ id: String, to url: String) async throws {
    let agent = try await Self.agent(id, .postgres(url: url))
    try await agent.storeMemory("since:1", ["page": "https://example.org"], metadata: ["m": 1])
    try await agent.storeMemory("since:2", "plain words")
    try await agent.registerTool("since tool", description: "new", configuration: ["k": 1.5])
    try await agent.recordToolUse("since tool", count: 2)
    try await agent.recordMetric(
      "since", 2.5, unit: "ms", metadata: ["m": 1], timestamp: Date(timeIntervalSince1970: 1_750_000_000.5))
    try await agent.withExecution("since task", input: ["i": 1], metadata: ["m": 1]) { ["o": 1] }
    await agent.close()
  }

  @Test("Each file of the fleet: old rows as they were, new ones where old code looks, and the way round")
  func fleet() async throws {
    let scene = try await ImportScene(TestServer.versions.last ?? .v15)
    _ = try await scene.importAll()
    for code in OldCode.fleet { try await write(code.agent, to: scene.url) }
    let first = scene.folder.path + "/first"
    let report = try await Rollback(postgresURL: scene.url, destination: .folder(first)).run()
    #expect(report.exitCode == 0 && report.warnings.isEmpty, "\(report.warnings)")
    try expectOldCode(first, report, scene)

    // An agent with the library sees each thing once.
    for code in OldCode.fleet {
      try await expectSame(code.agent, .sqliteFile(first + "/" + code.file), .postgres(url: scene.url))
    }

    // The same files into the same Postgres: it has all of it.
    let before = try await counts(scene)
    let again = try await Importer(
      Discovery(root: first), options: ImportOptions(postgresURL: scene.url)
    ).run()
    #expect(again.exitCode == 0, "\(again.verification?.differences.map(\.description) ?? [])")
    #expect(try await counts(scene) == before)
    let verified = try await Verifier(Discovery(root: first), options: ImportOptions(postgresURL: scene.url))
      .run()
    #expect(verified.exitCode == 0, "\(verified.differences.map(\.description))")

    // And back once more.
    let second = scene.folder.path + "/second"
    let report2 = try await Rollback(postgresURL: scene.url, destination: .folder(second)).run()
    #expect(report2.exitCode == 0 && report2.warnings.isEmpty, "\(report2.warnings)")
    try expectOldCode(second, report2, scene)
    for code in OldCode.fleet {
      try await expectSame(code.agent, .sqliteFile(second + "/" + code.file), .postgres(url: scene.url))
    }

    // Into another Postgres everything comes, once.
    let other = try await TestServer.freshDatabase(.v15)
    let moved = try await Importer(Discovery(root: second), options: ImportOptions(postgresURL: other)).run()
    #expect(moved.exitCode == 0, "\(moved.verification?.differences.map(\.description) ?? [])")
    for code in OldCode.fleet {
      try await expectSame(code.agent, .postgres(url: other), .postgres(url: scene.url))
    }
  }

  @Test("An agent that never had a file: guide 1's tables, which its old code reads")
  func newcomer() async throws {
    let scene = try SourceScene(url: try await TestServer.freshDatabase(.v15))
    try await write("newcomer", to: scene.url)
    let (folder, report) = try await scene.rollBack()
    #expect(report.exitCode == 0 && report.files.map(\.mirrored) == [5] && report.files[0].left.isEmpty)
    let path = folder + "/newcomer/memory.db"
    let file = try SQLiteConnection(path: path)
    #expect(
      try file.query(
        "SELECT content FROM memory WHERE content LIKE '%' || ? || '%' ORDER BY timestamp DESC LIMIT 5",
        ["words"]
      )
      .map(\.values) == [["plain words"]])
    #expect(
      try file.query("SELECT name, config FROM tools").map(\.values) == [["since tool", #"{"k": 1.5}"#]])
    #expect(
      try file.query("SELECT metric_name, value, unit FROM metrics").map(\.values) == [["since", 2.5, "ms"]])
    #expect(
      try file.query("SELECT task, status, result FROM execution_log").map(\.values) == [
        ["since task", "completed", #"{"o": 1}"#]
      ])
    try await expectSame("newcomer", .sqliteFile(path), .postgres(url: scene.url))
    // The old code writes as it did.
    try file.execute("INSERT INTO memory (content, timestamp) VALUES ('by old code', '2030-01-01 00:00:00')")
    let report2 = try await Importer(Discovery(root: folder), options: ImportOptions(postgresURL: scene.url))
      .run()
    #expect(report2.exitCode == 0)
    #expect(report2.tables.filter { $0.target != nil }.reduce(0) { $0 + $1.loaded } == 1)
    #expect(try await scene.count("SELECT count(*) FROM agent_memories") == 3)
  }

  @Test(
    "A key that was imported and stored again: the old row, and the new value where the table has room for both"
  )
  func replacedKey() async throws {
    let scene = try SourceScene(url: try await TestServer.freshDatabase(.v15))
    try scene.write(
      "a/unique.db",
      "CREATE TABLE memory (key TEXT PRIMARY KEY, value TEXT, timestamp TEXT); INSERT INTO memory VALUES ('k', 'old', '2024-01-15 10:30:00')"
    )
    try scene.write(
      "b/log.db",
      "CREATE TABLE memory (key TEXT, value TEXT, timestamp TEXT); INSERT INTO memory VALUES ('k', 'old', '2024-01-15 10:30:00')"
    )
    _ = try await scene.importAll()
    for id in ["a", "b"] {
      let agent = try await Self.agent(id, .postgres(url: scene.url))
      try await agent.storeMemory("k", "new")
      await agent.close()
    }
    let (folder, report) = try await scene.rollBack()
    #expect(report.exitCode == 0)
    func rows(_ file: String) throws -> [[SQLiteValue]] {
      try SQLiteConnection(path: folder + "/" + file, access: .readOnly).query(
        "SELECT value FROM memory WHERE key = 'k' ORDER BY timestamp DESC"
      ).map(\.values)
    }
    #expect(try rows("a/unique.db") == [["old"]])
    #expect(try rows("b/log.db") == [["new"], ["old"]])
    let left = try #require(report.files.first { $0.agent == "a" }?.left)
    #expect(left.map(\.rows) == [1] && left[0].reason.contains("UNIQUE"), "\(left)")
    for id in ["a", "b"] {
      let agent = try await Self.agent(
        id, .sqliteFile(folder + (id == "a" ? "/a/unique.db" : "/b/log.db")))
      #expect(try await agent.retrieveMemory("k") == "new")
      #expect(try await agent.listMemories().memories.count == 1)
      await agent.close()
    }
  }

  @Test("What old code changes after a rollback is noticed, and nothing else comes a second time")
  func changedSince() async throws {
    let scene = try SourceScene(url: try await TestServer.freshDatabase(.v15))
    try scene.write(
      "a/memory.db",
      """
      CREATE TABLE memory (key TEXT PRIMARY KEY, value TEXT, timestamp TEXT) WITHOUT ROWID;
      CREATE TABLE execution_log (id INTEGER PRIMARY KEY, task TEXT, status TEXT, started_at INTEGER);
      INSERT INTO memory VALUES ('old', '1', '2024-01-15 10:30:00'), ('since:12', '2', '2024-01-15 10:30:00');
      INSERT INTO execution_log (task, status, started_at) VALUES ('old', 'completed', 1705314600);
      """)
    _ = try await scene.importAll()
    try await write("a", to: scene.url)
    let (folder, report) = try await scene.rollBack()
    #expect(report.exitCode == 0)
    let path = folder + "/a/memory.db"
    try SQLiteConnection(path: path).executeScript(
      """
      UPDATE memory SET value = 'changed' WHERE key = 'since:1';
      INSERT INTO memory VALUES ('since:0', 'new', '2030-01-01 00:00:00');
      """)
    let agent = try await Self.agent("a", .sqliteFile(path))
    #expect(try await agent.retrieveMemory("since:1") == "changed")
    #expect(try await agent.retrieveMemory("since:2") == "plain words")
    let keys = try await agent.listMemories().memories.map(\.key)
    #expect(keys == ["old", "since:0", "since:1", "since:12", "since:2"])
    #expect(try await agent.executions().count == 2)
    await agent.close()
    let again = try await Importer(
      Discovery(root: folder), options: ImportOptions(postgresURL: scene.url)
    ).run()
    #expect(again.exitCode == 0, "\(again.verification?.differences.map(\.description) ?? [])")
    #expect(try await scene.count("SELECT count(*) FROM agent_memories WHERE source_id IS NOT NULL") == 4)
    #expect(try await scene.count("SELECT count(*) FROM agent_memories WHERE source_id IS NULL") == 2)
    #expect(try await scene.count("SELECT count(*) FROM agent_executions") == 2)
    // Once more nothing comes at all.
    let third = try await Importer(
      Discovery(root: folder), options: ImportOptions(postgresURL: scene.url)
    ).run()
    #expect(third.exitCode == 0 && third.tables.reduce(0) { $0 + $1.loaded } == 0)
  }

  private static func agent(_ id: String, _ backend: MemoryBackend) async throws -> Agent {
    var config = AgentConfig(name: id, memoryBackend: backend)
    config.eventHandler = nil
    return try await Agent(config)
  }

  @Test("Triggers do nothing to old rows, and a full-text index finds the new ones")
  func triggers() async throws {
    let scene = try SourceScene(url: try await TestServer.freshDatabase(.v15))
    try scene.write(
      "a/memory.db",
      """
      CREATE TABLE memory (id INTEGER PRIMARY KEY AUTOINCREMENT, content TEXT NOT NULL CHECK (content <> ''), timestamp TEXT);
      CREATE TABLE counts (name TEXT PRIMARY KEY, n INTEGER) WITHOUT ROWID;
      CREATE VIRTUAL TABLE words USING fts5 (content, content='memory', content_rowid='id');
      CREATE TRIGGER ai AFTER INSERT ON memory BEGIN
        INSERT INTO words (rowid, content) VALUES (new.id, new.content);
      END;
      CREATE TRIGGER ad AFTER DELETE ON memory BEGIN
        INSERT INTO words (words, rowid, content) VALUES ('delete', old.id, old.content);
      END;
      CREATE TRIGGER counting AFTER INSERT ON memory BEGIN UPDATE counts SET n = n + 1; END;
      INSERT INTO counts VALUES ('memory', 0);
      INSERT INTO memory (content, timestamp) VALUES ('first', '2024-01-15 10:30:00'), ('second', '2024-01-15 10:31:00');
      """)
    _ = try await scene.importAll()
    try await write("a", to: scene.url)
    let (folder, report) = try await scene.rollBack()
    #expect(report.exitCode == 0 && report.warnings.isEmpty, "\(report.warnings)")
    let file = try SQLiteConnection(path: folder + "/a/memory.db")
    #expect(try file.query("SELECT n FROM counts").map(\.values) == [[2]])
    #expect(
      try file.query(
        "SELECT memory.content FROM words JOIN memory ON id = words.rowid WHERE words MATCH 'plain'"
      )
      .map(\.values) == [["plain words"]])
    try file.execute("INSERT INTO words (words, rank) VALUES ('integrity-check', 1)")
    // The old code goes on: all its triggers are there.
    try file.execute("DELETE FROM memory WHERE content = 'plain words'")
    try file.execute("INSERT INTO memory (content) VALUES ('third')")
    #expect(try file.query("SELECT n FROM counts").map(\.values) == [[3]])
    try file.execute("INSERT INTO words (words, rank) VALUES ('integrity-check', 1)")
  }

  private func expectOldCode(_ folder: String, _ report: RollbackReport, _ scene: ImportScene) throws {
    for code in OldCode.fleet {
      let path = folder + "/" + code.file
      let comparison = try SQLiteComparison(old: scene.root + "/" + code.file, new: path)
      let changed = comparison.differences.filter { difference in
        difference.kind != .added
      }
      #expect(comparison.keepsAll && changed.isEmpty, "\(code.file): \(changed)")
      let file = try SQLiteConnection(path: path, access: .readOnly)
      for (query, rows) in code.reads {
        #expect(try file.query(query).map(\.values) == rows, "\(code.file): \(query)")
      }
      #expect(try file.integrityCheck() == [])
      let written = try #require(report.files.first { $0.path == path })
      #expect(Set(written.left.map(\.table)) == code.beside, "\(code.file): \(written.left)")
      #expect(written.mirrored + written.left.reduce(0) { $0 + $1.rows } == 5, "\(code.file)")
    }
  }

  /// The rows of the four kinds in Postgres, and of the importer's own.
  private func counts(_ scene: ImportScene) async throws -> [Int] {
    var counts: [Int] = []
    for table in [
      "agent_memories", "agent_tools", "agent_metrics", "agent_executions", "agent_memory_history",
      "agent_import_rejects",
    ] {
      counts.append(try await scene.count("SELECT count(*) FROM \(identifier: table)"))
    }
    return counts
  }

  /// Expects that an agent reads the same from both: what it has written, with all that belongs to it, and how much there is.
  private func expectSame(_ id: String, _ left: MemoryBackend, _ right: MemoryBackend) async throws {
    let answers = try await [left, right].asyncMap { try await Self.answers(id, $0) }
    #expect(answers[0] == answers[1], "\(id)")
  }

  private static func answers(_ id: String, _ backend: MemoryBackend) async throws -> [String] {
    let agent = try await agent(id, backend)
    var answers: [String] = []
    for try await memory in agent.memories(in: .all, pageSize: 1000) where memory.key.hasPrefix("since") {
      answers.append("\(memory.key) \(memory.value.json.jsonbText) \(memory.metadata)")
    }
    // Rows of nobody in a shared file are everybody's there, and the file's own agent's in Postgres.
    if id != "coder" {
      answers.append("\(try await agent.listMemories(in: .all, limit: 10_000).memories.count)")
    }
    for tool in try await agent.tools() where id != "coder" || tool.name.hasPrefix("since") {
      answers.append("\(tool.name) \(tool.isEnabled) \(tool.usageCount)")
    }
    let metrics = try await agent.metrics("since").map {
      "\($0.value ?? 0) \($0.unit ?? "") \($0.timestamp?.timeIntervalSince1970 ?? 0) \($0.metadata["m"] ?? .null)"
    }
    let executions = try await agent.executions(task: "since task").map {
      "\($0.status) \($0.input?.jsonbText ?? "") \($0.output?.jsonbText ?? "") \($0.metadata["m"] ?? .null)"
    }
    answers += metrics + executions
    answers.append("\(try await agent.executions(limit: 10_000).count)")
    await agent.close()
    return answers
  }
}

extension Array {
  fileprivate func asyncMap<Value>(_ body: (Element) async throws -> Value) async rethrows -> [Value] {
    var values: [Value] = []
    for element in self { values.append(try await body(element)) }
    return values
  }
}
