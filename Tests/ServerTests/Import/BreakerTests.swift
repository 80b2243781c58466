// All that is known to break importers: every row accounted for, proved, predicted by the dry run, and back.

import AgentBase
import DemoFleet
import Foundation
import LegacyImport
import Postgres
import SQLite
import TestSupport
import Testing

@Suite struct BreakerTests {
  @Test(arguments: TestServer.versions)
  func everyBreakerIsAccountedForAndComesBack(version: TestServer.Version) async throws {
    try await checkTheWholeWay(largest: 5_000_000, version)
  }

  @Test(.enabled(if: runsLongTests))
  func valuesOf100Megabytes() async throws { try await checkTheWholeWay(largest: 100_000_000, .v15) }

  private func checkTheWholeWay(largest: Int, _ version: TestServer.Version) async throws {
    let scene = try await SourceScene(version)
    let files = try Breakers.make(in: scene.root, largest: largest)
    let before = try scene.bytes()

    let dry = try await scene.importAll { $0.isDryRun = true }
    let report = try await scene.importAll()
    try await scene.expectWhole(report)
    #expect(report.exitCode == 3)
    try await expectEveryLabel(of: files, in: scene)
    expectPredicted(report, by: dry)

    let again = try await scene.importAll()
    try await scene.expectWhole(again)
    #expect(again.tables.allSatisfy { $0.loaded == 0 })
    #expect(again.rejected == report.rejected)
    #expect(try await scene.verify().exitCode == 0)
    #expect(try scene.bytes() == before)
    try await scene.expectIdenticalRollback()
  }

  /// Checks that each labelled row is in Postgres or among the rejects, as often as it is in the file.
  private func expectEveryLabel(of files: [DemoFile], in scene: SourceScene) async throws {
    // The row as it was is in one of these, by the kind of its table; of a reject, in its raw values.
    let held = try await scene.texts(
      """
      SELECT path, table_name, coalesce(label ->> 'label', label #>> '{label,text}'), count(*)::text FROM (
        SELECT source_id, content AS label FROM agent_memories
        UNION ALL SELECT source_id, configuration FROM agent_tools
        UNION ALL SELECT source_id, metadata -> 'legacy' FROM agent_metrics
        UNION ALL SELECT source_id, metadata -> 'legacy' FROM agent_executions
        UNION ALL SELECT source_id, content FROM agent_import_rows
        UNION ALL SELECT source_id, jsonb_build_object('label', raw_values #> '{label,text}') FROM agent_import_rejects
      ) AS rows JOIN agent_import_sources USING (source_id) JOIN agent_import_files USING (file_id)
      WHERE label ? 'label' GROUP BY 1, 2, 3
      """)
    let counts = Dictionary(uniqueKeysWithValues: held.map { ($0.prefix(3).map { $0 ?? "" }, $0[3] ?? "") })
    for file in files {
      let source = try SQLiteConnection.snapshot(of: file.path)
      for table in file.tables where table.kind == .ordinary {
        let name = SQLiteIdentifier.quoted(table.name)
        guard
          try source.queryOne("SELECT 1 FROM pragma_table_info(?) WHERE name = 'label'", [.text(table.name)])
            != nil
        else { continue }
        for row in try source.query("SELECT label, count(*) FROM \(name) GROUP BY label") {
          let label = row[0].string ?? ""
          let count = counts[[file.relativePath, table.name, label]]
          #expect(count == row[1].int64.map(String.init), "\(table.name): \(label)")
        }
      }
    }
  }

  /// Checks that a dry run has told what the import then found.
  private func expectPredicted(_ report: ImportReport, by dry: ImportReport) {
    #expect(dry.tables.count == report.tables.count)
    for (predicted, found) in zip(dry.tables, report.tables) {
      #expect(predicted.table == found.table)
      #expect(predicted.loaded == found.loaded, "\(found.table)")
      #expect(predicted.rejects.map(\.key) == found.rejects.map(\.key), "\(found.table)")
      #expect(predicted.rejects.map(\.reason) == found.rejects.map(\.reason), "\(found.table)")
    }
  }

  // MARK: - Files

  @Test func brokenFilesAreToldAndTheOthersMoved() async throws {
    let scene = try await SourceScene()
    let broken = try Breakers.makeBroken(in: scene.root)
    try scene.write(
      "sound/x.db", "CREATE TABLE memory (content TEXT); INSERT INTO memory VALUES ('a'), ('b')")
    for isDryRun in [true, false] {
      let report = try await scene.importAll { $0.isDryRun = isDryRun }
      #expect(report.exitCode == 1)
      let errors = report.agents.flatMap(\.errors) + report.unreadable.map { "\($0.path): \($0.reason)" }
      for file in broken {
        let isTold = errors.contains { $0.contains(file.relativePath) }
        #expect(isTold == file.holdsData, "\(file.about): \(errors)")
      }
      #expect(report.agents.first { $0.id == "sound" }?.tables.first?.loaded == 2)
    }
    #expect(try await scene.count("SELECT count(*) FROM agent_memories") == 2)
  }

  @Test func rowsThatAreThereAlready() async throws {
    let scene = try await SourceScene()
    let files = try Breakers.make(in: scene.root, largest: 1000)
    let first = try await scene.importAll()
    // The ledger is gone, as after a restore of the agents' tables alone: every row is there.
    try await scene.execute("DELETE FROM agent_imports")
    let second = try await scene.importAll { $0.batchSize = 300 }
    try await scene.expectWhole(second)
    for (before, after) in zip(first.tables, second.tables) where !after.isInternal {
      #expect(after.loaded == 0 && after.alreadyThere == before.loaded, "\(after.table)")
      #expect(after.rejected == before.rejected, "\(after.table)")
    }
    try await expectEveryLabel(of: files, in: scene)
    try await scene.expectIdenticalRollback()
  }

  @Test func anImportThatWasInterruptedGoesOn() async throws {
    let scene = try await SourceScene()
    let files = try Breakers.make(in: scene.root, largest: 1000)
    for _ in 0..<4 {
      let task = Task { try await scene.importAll { $0.batchSize = 11 } }
      try await Task.sleep(for: .milliseconds(150))
      task.cancel()
      _ = await task.result
    }
    try await scene.expectWhole(scene.importAll())
    try await expectEveryLabel(of: files, in: scene)
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
