// All that is known to break importers, as a whole database: every row is copied or a reject, and the dry run predicts which.

import DemoFleet
import Foundation
import LegacyImport
import SQLite
import TestSupport
import Testing

@Suite struct CopyBreakerTests {
  @Test(arguments: TestServer.versions)
  func everyRowIsAccountedForWhereTablesAreMade(version: TestServer.Version) async throws {
    let scene = try await CopyScene(version, name: "odd/all/memory.db")
    try await checkAccount(scene)
  }

  @Test func everyRowIsAccountedForWhereTablesAreThere() async throws {
    let scene = try await CopyScene(name: "odd/all/memory.db")
    // What the columns are declared as, taken by its word.
    let types = [
      "integers": "bigint", "tiny_integers": "smallint", "reals": "real", "amounts": "numeric(10,2)",
      "flags": "boolean", "moments": "timestamptz", "days": "date", "stamps": "timestamp", "words": "text",
      "short_words": "varchar(10)", "bytes": "bytea", "documents": "jsonb", "untyped": "double precision",
    ]
    for (table, type) in types {
      try await scene.execute("CREATE TABLE \(table) (id bigint PRIMARY KEY, label text, value \(type))")
    }
    let report = try await checkAccount(scene)
    for table in types.keys {
      let account = try report.table(table)
      #expect(account.loaded > 0 && (account.rejected > 0 || ["words", "bytes"].contains(table)), "\(table)")
    }
  }

  @discardableResult
  private func checkAccount(_ scene: CopyScene) async throws -> CopyReport {
    // What a copy refuses has a test of its own.
    let file = try Breakers.makeOne(
      in: scene.folder.path, largest: 1_000_000, leavingOut: [Breakers.namesByComposition])
    let before = FileManager.default.contents(atPath: file.path)
    let dry = try await scene.copy { $0.isDryRun = true }
    let report = try await scene.copy()
    #expect(FileManager.default.contents(atPath: file.path) == before)
    try await scene.expectWhole(report)
    #expect(report.exitCode == (report.rejected > 0 ? 3 : 0))
    // Every table of the file, but for those that the report names with a reason.
    let copied = Set(report.tables.map(\.table))
    for table in file.tables where table.kind == .ordinary && table.rows > 0 {
      let isNamed = report.omissions.contains { "\($0)".contains(table.name) }
      #expect(copied.contains(table.name) || isNamed, "\(table.name) is neither copied nor named")
    }
    for table in report.tables {
      #expect(table.read == file.rows(of: table.table), "\(table.table)")
    }
    expectPredicted(report, by: dry)
    try await expectEveryLabel(of: file, report, in: scene)
    let again = try await scene.copy()
    #expect(
      again.tables.allSatisfy { $0.loaded == 0 }, "\(again.tables.filter { $0.loaded > 0 }.map(\.table))")
    #expect(again.rejected == report.rejected)
    return report
  }

  @Test func namesThatOnlyBytesTellApartAreTwo() async throws {
    let scene = try await CopyScene()
    try scene.write(
      """
      CREATE TABLE "caf\u{E9}" (id INTEGER PRIMARY KEY, x TEXT); INSERT INTO "caf\u{E9}" VALUES (1, 'composed');
      CREATE TABLE "cafe\u{301}" (id INTEGER PRIMARY KEY, x TEXT); INSERT INTO "cafe\u{301}" VALUES (1, 'decomposed');
      CREATE TABLE columns ("\u{E9}" TEXT, "e\u{301}" TEXT); INSERT INTO columns VALUES ('composed', 'decomposed');
      CREATE TABLE plain (ctid TEXT, xmin INT); INSERT INTO plain VALUES ('a', 1);
      """)
    let report = try await scene.copy()
    try await scene.expectWhole(report)
    #expect(report.exitCode == 0 && report.loaded == 4)
    #expect(try await scene.column("SELECT x FROM \"caf\u{E9}\"") == ["composed"])
    // A reader would take the two for one: the second has another name, which is told.
    let renamed = report.omissions.filter { $0.kind == .name }.map(\.reason)
    #expect(renamed.contains("it is cafe\u{301}_2"), "\(renamed)")
    #expect(try await scene.column("SELECT x FROM \"cafe\u{301}_2\"") == ["decomposed"])
    #expect(
      try await scene.texts("SELECT \"\u{E9}\", \"e\u{301}_2\" FROM columns") == [["composed", "decomposed"]])
    #expect(try await scene.texts("SELECT ctid_2, xmin_2 FROM plain") == [["a", "1"]])
  }

  private func expectPredicted(_ report: CopyReport, by dry: CopyReport) {
    #expect(dry.tables.map(\.table) == report.tables.map(\.table))
    for (predicted, found) in zip(dry.tables, report.tables) {
      #expect(predicted.loaded == found.loaded, "\(found.table)")
      #expect(predicted.rejects.map(\.key) == found.rejects.map(\.key), "\(found.table)")
      #expect(predicted.rejects.map(\.reason) == found.rejects.map(\.reason), "\(found.table)")
    }
  }

  /// Checks that each labelled row is in its table or among the rejects, as often as it is in the file.
  private func expectEveryLabel(of file: DemoFile, _ report: CopyReport, in scene: CopyScene) async throws {
    let source = try SQLiteConnection.snapshot(of: file.path)
    let rejected = try await scene.texts(
      """
      SELECT table_name, raw_values #>> '{label,text}', count(*) FROM agent_import_rejects
      JOIN agent_import_sources USING (agent_id, source_id) GROUP BY 1, 2
      """)
    for table in report.tables {
      let name = SQLiteIdentifier.quoted(table.table)
      let columns = try source.query("SELECT name FROM pragma_table_info(?)", [.text(table.table)])
      guard columns.contains(where: { $0[0] == "label" }), let target = table.target else { continue }
      var counts: [String: Int] = [:]
      for row in try await scene.texts("SELECT label, count(*) FROM \(target) GROUP BY label") {
        counts[row[0] ?? "", default: 0] += row[1].flatMap { Int($0) } ?? 0
      }
      for row in rejected where row[0] == table.table {
        counts[row[1] ?? "", default: 0] += row[2].flatMap { Int($0) } ?? 0
      }
      for row in try source.query("SELECT label, count(*) FROM \(name) GROUP BY label") {
        let label = row[0].string ?? ""
        #expect(counts[label] == row[1].int64.map { Int($0) }, "\(table.table): \(label)")
      }
    }
  }

  /// Found by the disturbance harness.
  @Test func aRunThatEndsBetweenForgettingRowsAndReadingThemAgain() async throws {
    let scene = try await CopyScene()
    try scene.write(
      """
      CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);
      INSERT INTO users VALUES (1, 'a'), (2, 'b'), (3, 'c');
      """)
    try await scene.expectWhole(scene.copy())
    try await scene.execute(
      """
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not now'; END $$;
      CREATE TRIGGER refuse BEFORE INSERT ON agent_imports FOR EACH ROW EXECUTE FUNCTION refuse();
      """)
    await #expect(throws: (any Error).self) { try await scene.copy { $0.onConflict = .update } }
    try await scene.execute("DROP TRIGGER refuse ON agent_imports")
    // A row that the ledger has forgotten, and that is another one now.
    try scene.write("UPDATE users SET name = 'changed' WHERE id = 2")
    let report = try await scene.copy { $0.onConflict = .update }
    try await scene.expectWhole(report)
    #expect(report.rejected == 0)
    #expect(try await scene.column("SELECT name FROM users ORDER BY id") == ["a", "changed", "c"])
  }
}
