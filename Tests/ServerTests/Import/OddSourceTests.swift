// All that is known to break importers, in two files: there, proved, and back.

import DemoFleet
import LegacyImport
import SQLite
import TestSupport
import Testing

@Suite struct OddSourceTests {
  @Test(arguments: TestServer.versions)
  func everyRowIsAccountedForAndComesBack(version: TestServer.Version) async throws {
    let scene = try await SourceScene(version)
    try OddSource.write(to: scene.path("odd/agent/memory.db"))
    try OddSource.writeUTF16(to: scene.path("odd/wide/memory.db"))
    let before = try scene.bytes()

    let dry = try await scene.importAll { $0.isDryRun = true }
    let report = try await scene.importAll()
    try await scene.expectWhole(report)
    // One key is longer than an index of Postgres holds.
    #expect(report.rejected == 1)
    #expect(report.exitCode == 3)
    #expect(dry.tables.map(\.rejects.count) == report.tables.map(\.rejects.count))
    for (predicted, found) in zip(dry.tables, report.tables) {
      #expect(predicted.rejects.map(\.key) == found.rejects.map(\.key))
      #expect(predicted.rejects.map(\.reason) == found.rejects.map(\.reason))
      #expect(predicted.loaded == found.loaded, "\(found.table)")
    }
    #expect(
      try await scene.count(
        "SELECT count(*) FROM agent_memories WHERE content ->> 'content' = 'only in the log'") == 1)

    let again = try await scene.importAll()
    try await scene.expectWhole(again)
    #expect(again.tables.allSatisfy { $0.loaded == 0 })
    #expect(again.rejected == 1)
    #expect(try await scene.verify().exitCode == 0)
    #expect(try scene.bytes() == before)
    try await scene.expectIdenticalRollback()
  }

  @Test func aTableOfAModuleThatIsNotThereComesBack() async throws {
    let scene = try await SourceScene()
    try scene.write(
      "a/x.db",
      """
      CREATE TABLE vectors_chunks (id INTEGER PRIMARY KEY, data BLOB);
      INSERT INTO vectors_chunks VALUES (1, x'0102');
      CREATE TABLE memory (id INTEGER PRIMARY KEY, content TEXT);
      INSERT INTO memory VALUES (1, 'a');
      PRAGMA writable_schema = ON;
      INSERT INTO sqlite_schema VALUES ('table', 'vectors', 'vectors', 0, 'CREATE VIRTUAL TABLE vectors USING vec0(x float[4])');
      PRAGMA writable_schema = RESET;
      """)
    let report = try await scene.importAll()
    try await scene.expectWhole(report)
    let (folder, rollback) = try await scene.rollBack()
    #expect(rollback.exitCode == 0 && rollback.warnings.isEmpty)
    // Its rows cannot be read without the module: they are compared as the tables that hold them.
    for sql in ["SELECT * FROM vectors_chunks", "SELECT type, name, sql FROM sqlite_schema ORDER BY name"] {
      let rows = try [scene.root, folder].map { folder in
        try SQLiteConnection(path: folder + "/a/x.db", access: .readOnly).query(sql).map(\.values)
      }
      #expect(!rows[0].isEmpty && rows[0] == rows[1])
    }
  }

  @Test func whatCountedIsGoneAndTheCountIsNot() async throws {
    let scene = try await SourceScene()
    try scene.write(
      "a/x.db",
      """
      CREATE TABLE old (id INTEGER PRIMARY KEY AUTOINCREMENT);
      INSERT INTO old VALUES (7);
      CREATE TABLE memory (id INTEGER PRIMARY KEY, content TEXT);
      DROP TABLE old;
      """)
    try await scene.expectWhole(scene.importAll())
    try await scene.expectIdenticalRollback()
  }
}
