// Agents that go on writing while their files are moved, and between two imports.

import DemoFleet
import Foundation
import LegacyImport
import SQLite
import TestSupport
import Testing

@Suite struct LivingSourceTests {
  @Test func anAgentGoesOnWriting() async throws {
    let scene = try await SourceScene()
    let path = try scene.path("a/x.db")
    let agent = try SQLiteConnection(path: path)
    _ = try agent.query("PRAGMA journal_mode = WAL")
    try agent.executeScript(
      """
      CREATE TABLE memory (id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT, value INT);
      CREATE TABLE metrics (metric_name TEXT, value INT);
      CREATE VIRTUAL TABLE search USING fts5(key);
      """)
    // Each step of the agent writes to three tables at once, so that what is consistent can be told.
    let steps = """
      BEGIN; INSERT INTO memory (key, value) VALUES ('k', 1); INSERT INTO metrics VALUES ('m', 1);
      INSERT INTO search VALUES ('k'); COMMIT;
      """
    for _ in 0..<500 { try agent.executeScript(steps) }
    let writer = Process()
    writer.executableURL = URL(filePath: "/usr/bin/env")
    writer.arguments = [
      "python3", "-c",
      """
      import sqlite3, sys
      c = sqlite3.connect(sys.argv[1], timeout=30)
      print("ready", flush=True)
      while True: c.executescript(sys.argv[2])
      """, path, steps,
    ]
    let output = Pipe()
    writer.standardOutput = output
    let (ends, end) = AsyncStream.makeStream(of: Void.self)
    writer.terminationHandler = { _ in end.finish() }
    try writer.run()
    defer {
      if writer.isRunning { kill(writer.processIdentifier, SIGKILL) }
    }
    _ = output.fileHandleForReading.availableData
    for _ in 0..<3 {
      let report = try await scene.importAll { $0.batchSize = 100 }
      #expect(report.exitCode == 0, "\(report.verification?.differences.prefix(3).map(\.description) ?? [])")
      let rows = Dictionary(uniqueKeysWithValues: report.tables.map { ($0.table, $0.read) })
      #expect(rows["memory"] == rows["metrics"] && rows["memory"] == rows["search_content"])
      #expect(try await scene.count("SELECT count(*) FROM agent_memories") == rows["memory"])
    }
    kill(writer.processIdentifier, SIGKILL)
    for await _ in ends {}
    let last = try await scene.importAll()
    try await scene.expectWhole(last)
    try await scene.expectIdenticalRollback()
  }

  // MARK: - Between two runs

  /// A file, imported once, with rows changed, deleted and added in the middle and at the end since.
  private func changedScene() async throws -> SourceScene {
    let scene = try await SourceScene()
    try scene.write(
      "a/x.db",
      """
      CREATE TABLE memory (id INTEGER PRIMARY KEY, content TEXT);
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
        INSERT INTO memory SELECT i * 2, 'content ' || i FROM n;
      """)
    _ = try await scene.importAll { $0.batchSize = 10 }
    try scene.write(
      "a/x.db",
      """
      UPDATE memory SET content = 'changed' WHERE id IN (50, 100);
      INSERT INTO memory VALUES (51, 'between'), (1, 'before'), (300, 'after');
      """)
    return scene
  }

  @Test func changedRowsAreLeftAsTheyAre() async throws {
    let scene = try await changedScene()
    let report = try await scene.importAll()
    #expect(report.tables.map(\.loaded) == [3] && report.tables.map(\.alreadyThere) == [100])
    #expect(report.exitCode == 4)
    #expect(report.verification?.differences.map(\.key) == ["50", "100"])
    #expect(
      report.verification?.differences.allSatisfy { $0.kind == .altered && $0.columns == ["content"] } == true
    )
    #expect(try await scene.count("SELECT count(*) FROM agent_memories") == 103)
  }

  @Test func changedRowsAreBroughtUpToDate() async throws {
    let scene = try await changedScene()
    let report = try await scene.importAll { $0.onConflict = .update }
    try await scene.expectWhole(report)
    #expect(report.exitCode == 0)
    #expect(
      try await scene.count("SELECT count(*) FROM agent_memories WHERE content ->> 'content' = 'changed'")
        == 2)
    let again = try await scene.importAll()
    #expect(again.tables.map(\.loaded) == [0])
    try await scene.expectIdenticalRollback()
  }

  @Test func changedRowsEndTheRunWhereTheUserSaysSo() async throws {
    let scene = try await changedScene()
    await #expect(throws: ImportError.self) { try await scene.importAll { $0.onConflict = .fail } }
    #expect(
      try await scene.count("SELECT count(*) FROM agent_memories WHERE content ->> 'content' = 'changed'")
        == 0)
    // Nothing was lost on the way.
    let report = try await scene.importAll { $0.onConflict = .update }
    try await scene.expectWhole(report)
    try await scene.expectIdenticalRollback()
  }

  @Test func aDeletedRowIsNamed() async throws {
    let scene = try await changedScene()
    try scene.write("a/x.db", "DELETE FROM memory WHERE id = 60")
    let report = try await scene.importAll { $0.onConflict = .update }
    #expect(report.exitCode == 4)
    #expect(report.verification?.differences.map(\.kind) == [.added])
    #expect(report.verification?.differences.map(\.key) == ["60"])
  }

  @Test func rowsThatWereReplacedDoNotKeepTheRollbackFromBeingMade() async throws {
    let scene = try await SourceScene()
    try scene.write(
      "a/x.db",
      """
      CREATE TABLE memory (id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT UNIQUE, value TEXT);
      INSERT INTO memory (key, value) VALUES ('a', '1'), ('b', '1'), ('c', '1');
      CREATE TABLE notes (key TEXT PRIMARY KEY, value TEXT);
      INSERT INTO notes VALUES ('a', '1'), ('b', '1');
      CREATE TABLE gone (x);
      INSERT INTO gone VALUES (1);
      """)
    _ = try await scene.importAll()
    // The time of a run is told in seconds.
    try await Task.sleep(for: .seconds(1.1))
    try scene.write(
      "a/x.db",
      """
      INSERT OR REPLACE INTO memory (key, value) VALUES ('a', '2');
      DELETE FROM notes WHERE key = 'b';
      INSERT INTO notes VALUES ('c', '2');
      DROP TABLE gone;
      ALTER TABLE memory ADD COLUMN more TEXT;
      """)
    _ = try await scene.importAll()
    let (folder, report) = try await scene.rollBack()
    #expect(report.warnings.count == 3, "\(report.warnings)")
    let restored = try SQLiteConnection(path: folder + "/a/x.db", access: .readOnly)
    #expect(
      try restored.query("SELECT key, value FROM memory ORDER BY key").map(\.values)
        == [["a", "2"], ["b", "1"], ["c", "1"]])
    #expect(
      try restored.query("SELECT key, value FROM notes ORDER BY key").map(\.values) == [
        ["a", "1"], ["c", "2"],
      ])
  }

  @Test func sourcesAreNotTouched() async throws {
    let scene = try await SourceScene()
    try Breakers.make(in: scene.root, largest: 1000)
    try scene.write("plain/x.db", "CREATE TABLE memory (content TEXT); INSERT INTO memory VALUES ('a')")
    // A journal that a crash has left: its transaction is undone in a copy, not here.
    let open = try scene.open("crashed/workshop")
    try open.executeScript(
      "PRAGMA cache_size = 1; CREATE TABLE memory (content TEXT); INSERT INTO memory VALUES ('before'); BEGIN;"
    )
    for _ in 0..<200 {
      try open.execute("INSERT INTO memory VALUES (?)", [.text(String(repeating: "x", count: 3000))])
    }
    for suffix in ["", "-journal"] {
      try FileManager.default.copyItem(
        atPath: scene.root + "/crashed/workshop" + suffix, toPath: scene.root + "/crashed/x.db" + suffix)
    }
    try open.executeScript("ROLLBACK")
    try FileManager.default.removeItem(atPath: scene.root + "/crashed/workshop")
    let before = try scene.bytes()
    #expect(
      before["crashed/x.db-journal"]?.isEmpty == false && before["odd/values/memory.db-wal"]?.isEmpty == false
    )
    _ = try await scene.importAll { $0.isDryRun = true }
    #expect(try scene.bytes() == before)
    let report = try await scene.importAll()
    #expect(report.tables.first { $0.file == "crashed/x.db" }?.read == 1)
    #expect(try scene.bytes() == before)
    _ = try await scene.verify()
    #expect(try scene.bytes() == before)
  }
}
