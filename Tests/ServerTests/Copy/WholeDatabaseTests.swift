// Whole databases into an empty Postgres: tables, rows, keys, sequences, and the proof.

import Foundation
import LegacyImport
import SQLite
import TestSupport
import Testing

@Suite struct WholeDatabaseTests {
  @Test(arguments: TestServer.versions)
  func guide2IntoAnEmptyDatabase(version: TestServer.Version) async throws {
    let scene = try await CopyScene(version, name: "unified.db")
    try scene.write(Guide2Database.sqlite)
    let dry = try await scene.copy { $0.isDryRun = true }
    #expect(
      try await scene.count("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace") == 0)
    let report = try await scene.copy { $0.batchSize = 1000 }
    try await scene.expectWhole(report)
    #expect(report.exitCode == 0, "\(report.reasons)")
    #expect(dry.loaded == report.loaded && dry.omissions == report.omissions)
    for table in Guide2Database.tables {
      #expect(try await scene.count("SELECT count(*) FROM \(table.name)") == table.rows, "\(table.name)")
    }
    // The guide's types, by the values that are there.
    let types = try await scene.texts(
      """
      SELECT table_name || '.' || column_name, data_type FROM information_schema.columns
      WHERE (table_name, column_name) IN (('users', 'is_active'), ('users', 'created_at'), ('users', 'id'),
        ('conversation_messages', 'id')) ORDER BY 1
      """)
    #expect(
      types == [
        ["conversation_messages.id", "bigint"], ["users.created_at", "timestamp with time zone"],
        ["users.id", "text"], ["users.is_active", "boolean"],
      ])
    #expect(
      try await scene.count(
        "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated AND conname NOT LIKE 'agent_import%'"
      ) == 14)
    #expect(try await scene.count("SELECT nextval(pg_get_serial_sequence('memory_tags', 'id'))") == 2001)
    let second = try await scene.copy()
    try await scene.expectWhole(second)
    #expect(second.loaded == 0 && second.omissions == report.omissions)
  }

  @Test(arguments: TestServer.versions)
  func tablesOfEveryKind(version: TestServer.Version) async throws {
    let scene = try await CopyScene(version)
    try scene.write(
      """
      CREATE TABLE "select" (id INTEGER PRIMARY KEY, "group by" TEXT, "camelCase" INT, "a""b" TEXT, untyped);
      INSERT INTO "select" VALUES (-9223372036854775808, 'x', 1, 'q', 1), (0, NULL, NULL, NULL, 'text'),
        (9223372036854775807, 'y', 2, 'r', 2.5);
      CREATE TABLE keyed (a TEXT, b INT, c REAL, PRIMARY KEY (b, a)) WITHOUT ROWID;
      INSERT INTO keyed VALUES ('x', 1, 0.1), ('y', 1, 1e300), ('x', 0, 5e-324), ('z', -5, -0.0);
      CREATE TABLE nullkey (k TEXT PRIMARY KEY, v TEXT); INSERT INTO nullkey VALUES (NULL, 'a'), (NULL, 'b'), ('k', 'c');
      CREATE TABLE doubled (a, b); INSERT INTO doubled VALUES (1, 'x'), (1, 'x'), (NULL, NULL), (1, 'x');
      CREATE TABLE strict_one (id INTEGER PRIMARY KEY, r REAL, b BLOB, any ANY) STRICT;
      INSERT INTO strict_one VALUES (1, 1, x'', 'a'), (2, NULL, x'00ff', 5);
      CREATE TABLE made (id INTEGER PRIMARY KEY, a INT, b INT AS (a * 2) STORED, c TEXT AS ('n' || a));
      INSERT INTO made (a) VALUES (1), (2), (NULL);
      CREATE TABLE mixed (v); INSERT INTO mixed VALUES (1), ('a'), (x'00'), (NULL), (1.5),
        (CAST(x'ff' AS TEXT)), ('a' || char(0) || 'b');
      CREATE TABLE empty (id INTEGER PRIMARY KEY AUTOINCREMENT, b BOOLEAN, d DATE, j JSON);
      CREATE TABLE counter (id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO counter VALUES (500); DELETE FROM counter;
      CREATE TABLE tree (id INTEGER PRIMARY KEY, parent INT REFERENCES tree (id));
      INSERT INTO tree VALUES (1, 3), (2, 1), (3, 2), (4, 99), (5, NULL);
      CREATE VIRTUAL TABLE notes USING fts5(title, body); INSERT INTO notes VALUES ('a', 'b'), ('c', 'd');
      CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1); INSERT INTO boxes VALUES (7, 1, 2), (-3, 0, 5);
      CREATE VIEW seen AS SELECT id, a FROM made WHERE a > 1; CREATE INDEX made_a ON made (a DESC) WHERE a IS NOT NULL;
      """)
    let dry = try await scene.copy { $0.isDryRun = true }
    let report = try await scene.copy { $0.batchSize = 2 }
    try await scene.expectWhole(report)
    #expect(dry.reasons == report.reasons)
    // A text that no text of Postgres holds, or a blob among texts: all else is there.
    #expect(report.tables.filter { $0.rejected > 0 }.map(\.table) == ["mixed"], "\(report.reasons)")
    #expect(try await scene.count("SELECT count(*) FROM doubled") == 4)
    #expect(try await scene.count("SELECT count(*) FROM nullkey WHERE k IS NULL") == 2)
    #expect(try await scene.column("SELECT b FROM made ORDER BY id") == ["2", "4", nil])
    #expect(try await scene.column("SELECT title FROM notes ORDER BY rowid") == ["a", "c"])
    #expect(try await scene.column("SELECT id FROM boxes ORDER BY id") == ["-3", "7"])
    #expect(
      try await scene.column("SELECT c::text FROM keyed ORDER BY b, a") == ["0", "5e-324", "0.1", "1e+300"])
    #expect(try await scene.count("SELECT nextval(pg_get_serial_sequence('counter', 'id'))") == 501)
    #expect(try await scene.column("SELECT a FROM seen") == ["2"])
    #expect(report.omissions.contains { $0.kind == .foreignKey && $0.table == "tree" })
    let second = try await scene.copy { $0.batchSize = 2 }
    try await scene.expectWhole(second)
    #expect(second.loaded == 0)
    // Whatever changes in the file is found again by the keys that are there now.
    try scene.write(
      "UPDATE made SET a = 7 WHERE id = 1; INSERT INTO keyed VALUES ('m', 0, 3); DELETE FROM tree WHERE id = 5"
    )
    let third = try await scene.copy {
      $0.onConflict = .update
      $0.tables = ["made", "keyed", "tree"]
    }
    #expect(
      third.loaded == 2 && third.exitCode == 0, "\(third.errors) \(third.verification?.differences ?? [])")
  }

  @Test func aChosenSchemaAndChosenTables() async throws {
    let scene = try await CopyScene()
    try scene.write(
      "CREATE TABLE a (x INT); CREATE TABLE b (x INT); CREATE TABLE c (x INT); INSERT INTO a VALUES (1); INSERT INTO b VALUES (2)"
    )
    let report = try await scene.copy {
      $0.schema = "Mein Schema"
      $0.tables = ["a", "B", "nowhere"]
    }
    #expect(report.tables.map(\.table).sorted() == ["a", "b"])
    #expect(report.notInFile == ["nowhere"])
    #expect(try await scene.column("SELECT x FROM \"Mein Schema\".b") == ["2"])
    #expect(try await scene.count("SELECT count(*) FROM pg_class WHERE relname = 'c'") == 0)
  }
}

/// Copies that are killed, and copies that run twice at once.
@Suite(.serialized) struct CopyExactlyOnceTests {
  /// Tables with keys, without, with parents, and rows that are rejected; `existing` are made beforehand.
  private func scene(existing: Bool) async throws -> CopyScene {
    let scene = try await CopyScene()
    try scene.write(
      """
      CREATE TABLE parents (id INTEGER PRIMARY KEY, name TEXT);
      CREATE TABLE children (k TEXT PRIMARY KEY, parent INT REFERENCES parents (id), n INT) WITHOUT ROWID;
      CREATE TABLE log (at TEXT, line TEXT);
      WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
        INSERT INTO parents SELECT i, 'name ' || i FROM n;
      INSERT INTO children SELECT printf('k%05d', id), id, id FROM parents;
      INSERT INTO log SELECT '2024-01-15 10:30:00', 'equal' FROM parents;
      INSERT INTO log VALUES ('2024-01-15 10:30:00', CAST(x'ff' AS TEXT));
      """)
    if existing {
      try await scene.execute(
        """
        CREATE TABLE parents (id int PRIMARY KEY, name text);
        CREATE TABLE children (k text PRIMARY KEY, parent int REFERENCES parents (id), n smallint CHECK (n <> 1500));
        CREATE TABLE log (at timestamptz, line text);
        """)
    }
    return scene
  }

  private func expectComplete(_ scene: CopyScene, rejected: Int, _ comment: Comment) async throws {
    let report = try await scene.copy { $0.batchSize = 500 }
    try await scene.expectWhole(report)
    #expect(report.rejected == rejected, comment)
    #expect(report.exitCode == 3, comment)
    #expect(try await scene.count("SELECT count(*) FROM parents") == 3000, comment)
    #expect(try await scene.count("SELECT count(*) FROM children") == 3001 - rejected, comment)
    #expect(try await scene.count("SELECT count(*) FROM log") == 3000, comment)
  }

  @Test(arguments: [true, false]) func killedAtRandomMoments(existing: Bool) async throws {
    let seed = SeededGenerator.seed(for: "copyKilledAtRandomMoments")
    var random = SeededGenerator(seed: seed)
    var kills = 0
    for round in 0..<(runsLongTests ? 40 : 2) {
      let scene = try await scene(existing: existing)
      for _ in 0..<6 {
        let copy = try RunningCommand(
          [
            "copy", "--sqlite", scene.path, "--postgres-url", scene.url, "--batch-size", "100", "--no-verify",
          ],
          in: scene.folder.path)
        // A whole copy takes some hundred milliseconds, the program's start some tens.
        try await Task.sleep(for: .milliseconds(Int.random(in: 20...(kills == 0 ? 90 : 600), using: &random)))
        copy.signal(SIGKILL)
        if await copy.ended().exitCode == SIGKILL { kills += 1 }
      }
      try await expectComplete(scene, rejected: existing ? 2 : 1, "seed \(seed), round \(round)")
    }
    #expect(kills > 0)
  }

  @Test(arguments: [true, false]) func severalAtOnce(existing: Bool) async throws {
    let scene = try await scene(existing: existing)
    let reports = try await withThrowingTaskGroup(of: CopyReport.self) { group in
      for _ in 0..<3 { group.addTask { try await scene.copy { $0.batchSize = 300 } } }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(reports.reduce(0) { $0 + $1.loaded } == (existing ? 8999 : 9000))
    try await expectComplete(scene, rejected: existing ? 2 : 1, "three at once")
  }

  @Test func outOfTimeAndGoingOn() async throws {
    let scene = try await scene(existing: true)
    for milliseconds in [50, 200, 400] {
      do {
        _ = try await scene.copy {
          $0.batchSize = 50
          $0.timeout = .milliseconds(milliseconds)
        }
      } catch let error as ImportError {
        #expect(error.code == .timeout)
      }
    }
    try await expectComplete(scene, rejected: 2, "after timeouts")
  }
}
