// Rows that Postgres cannot hold, or that this server does not want: put aside, and back in the rollback.

import AgentBase
import DemoFleet
import Foundation
import LegacyImport
import Postgres
import SQLite
import TestSupport
import Testing

@Suite struct RejectTests {
  private func scene(rows: Int, _ version: TestServer.Version = .v15) async throws -> SourceScene {
    let scene = try await SourceScene(version)
    try scene.write(
      "a/x.db",
      """
      CREATE TABLE memory (key TEXT PRIMARY KEY, value, data BLOB);
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(rows))
        INSERT INTO memory SELECT 'key' || i, i, x'00ff' FROM n;
      """)
    return scene
  }

  @Test(arguments: TestServer.versions)
  func theServerRefusesSomeRows(version: TestServer.Version) async throws {
    let scene = try await scene(rows: 1000, version)
    try scene.write("b/x.db", "CREATE TABLE memory (id INTEGER PRIMARY KEY, content TEXT)")
    // The tables are there before the rows.
    let files = try scene.open("a/x.db")
    try files.executeScript("CREATE TABLE kept AS SELECT * FROM memory; DELETE FROM memory")
    _ = try await scene.importAll()
    try await scene.execute(
      "ALTER TABLE agent_memories ADD CONSTRAINT no_sevens CHECK (right(key, 2) <> '77' AND key <> 'key1')")
    try files.executeScript("INSERT INTO memory SELECT * FROM kept")

    let report = try await scene.importAll { $0.batchSize = 300 }
    try await scene.expectWhole(report)
    #expect(report.exitCode == 3)
    #expect(report.rejected == 11)
    let table = try #require(report.tables.first { $0.table == "memory" && $0.file == "a/x.db" })
    #expect(table.loaded == 989)
    #expect(table.rejects.allSatisfy { $0.reason.contains("no_sevens") })
    let kept = try await scene.texts(
      "SELECT source_key::text, raw_values::text FROM agent_import_rejects ORDER BY 1 LIMIT 1")
    #expect(kept.first?.first == "\"key1\"")
    #expect(
      try JSON(parsing: kept.first?.last.flatMap { $0 } ?? "")
        == ["key": ["text": "key1"], "value": ["integer": 1], "data": ["blob_base64": "AP8="]])
    try await scene.expectIdenticalRollback()

    // Without the constraint: nothing is lost, nothing is there twice.
    try await scene.execute("ALTER TABLE agent_memories DROP CONSTRAINT no_sevens")
    let again = try await scene.importAll()
    try await scene.expectWhole(again)
    try await scene.expectIdenticalRollback()
    // A row of the chunk changes: all of it is read again, and the rejects are loaded.
    try files.executeScript(
      "UPDATE memory SET value = 'changed' WHERE key IN ('key2', 'key302', 'key602', 'key902')")
    let third = try await scene.importAll { $0.onConflict = .update }
    try await scene.expectWhole(third)
    #expect(third.rejected == 0)
    #expect(try await scene.count("SELECT count(*) FROM agent_import_rejects") == 0)
    try await scene.expectIdenticalRollback()
  }

  @Test func twoRowsThatExcludeEachOther() async throws {
    let scene = try await SourceScene()
    try scene.write("a/x.db", "CREATE TABLE tools (name TEXT, config TEXT)")
    _ = try await scene.importAll()
    try await scene.execute("CREATE UNIQUE INDEX my_own ON agent_tools (agent_id, lower(name))")
    try scene.write(
      "a/x.db", "INSERT INTO tools VALUES ('a', '1'), ('b', '2'), ('A', '3'), ('c', '4'), ('B', '5')")
    let report = try await scene.importAll()
    try await scene.expectWhole(report)
    #expect(report.rejected == 2)
    #expect(report.tables.first { $0.table == "tools" }?.loaded == 3)
    try await scene.expectIdenticalRollback()
  }

  @Test(arguments: [2590, 2600, 2601, 2700, 10_000])
  func keysAroundTheLimitOfAnIndex(bytes: Int) async throws {
    let scene = try await SourceScene()
    let connection = try scene.open("a/x.db")
    try connection.executeScript(
      """
      CREATE TABLE memory (key TEXT, value TEXT, agent_id TEXT); CREATE TABLE tools (name TEXT, agent TEXT);
      CREATE TABLE metrics (metric_name TEXT, value REAL); CREATE TABLE execution_log (task TEXT, agent TEXT);
      """)
    var random = SeededGenerator(seed: UInt64(bytes))
    // What does not compress.
    let key = String(
      decoding: (0..<bytes).map { _ in UInt8.random(in: 0x21...0x7E, using: &random) }, as: UTF8.self)
    try connection.execute("INSERT INTO memory VALUES (?1, 'v', NULL), ('k', 'v', ?1)", [.text(key)])
    try connection.execute("INSERT INTO tools VALUES (?1, NULL), ('k', ?1)", [.text(key)])
    try connection.execute("INSERT INTO metrics VALUES (?1, 1)", [.text(key)])
    try connection.execute("INSERT INTO execution_log VALUES (?1, NULL), ('k', ?1)", [.text(key)])
    let dry = try await scene.importAll { $0.isDryRun = true }
    let report = try await scene.importAll()
    try await scene.expectWhole(report)
    #expect(dry.tables.map(\.rejected) == report.tables.map(\.rejected))
    try await scene.expectIdenticalRollback()
  }

  @Test func aRowThatWasHeldAndCannotBeAnyMoreIsNoLongerThereWhereRowsAreBroughtUpToDate() async throws {
    let scene = try await scene(rows: 5)
    try scene.write("a/x.db", "ALTER TABLE memory ADD COLUMN namespace TEXT")
    _ = try await scene.importAll()
    let connection = try scene.open("a/x.db")
    let name = String(repeating: "n", count: 3000)
    try connection.execute("UPDATE memory SET namespace = ? WHERE key = 'key3'", [.text(name)])
    let report = try await scene.importAll { $0.onConflict = .update }
    try await scene.expectWhole(report)
    #expect(report.exitCode == 3 && report.rejected == 1)
    #expect(try await scene.count("SELECT count(*) FROM agent_memories") == 4)
    try await scene.expectIdenticalRollback()
    // And back, when it can be held again.
    try connection.execute("UPDATE memory SET namespace = NULL WHERE key = 'key3'")
    let again = try await scene.importAll { $0.onConflict = .update }
    try await scene.expectWhole(again)
    #expect(again.exitCode == 0)
    #expect(try await scene.count("SELECT count(*) FROM agent_import_rejects") == 0)
    try await scene.expectIdenticalRollback()
  }

  @Test func aRowThatWasHeldAndCannotBeAnyMore() async throws {
    let scene = try await scene(rows: 5)
    _ = try await scene.importAll()
    let name = String(repeating: "n", count: 3000)
    let connection = try scene.open("a/x.db")
    try connection.executeScript("ALTER TABLE memory ADD COLUMN namespace TEXT")
    try connection.execute("UPDATE memory SET namespace = ? WHERE key = 'key3'", [.text(name)])
    let report = try await scene.importAll()
    #expect(report.rejected == 1)
    #expect(report.tables.allSatisfy { $0.read == $0.loaded + $0.alreadyThere + $0.rejected })
    let (folder, rollback) = try await scene.rollBack()
    let restored = try SQLiteConnection(path: folder + "/a/x.db", access: .readOnly)
    #expect(try restored.queryOne("SELECT count(*) FROM memory")?[0] == 5, "\(rollback.warnings)")
  }
}
