// Copies into tables that are there: keys, conflicts, parents, circles, rejects that are tried again, sequences.

import AgentBase
import Foundation
import LegacyImport
import SQLite
import TestSupport
import Testing

@Suite struct CopiedTableTests {
  // MARK: - Rows that are there

  private func sceneWithRowsThere() async throws -> CopyScene {
    let scene = try await CopyScene()
    try scene.write(
      """
      CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, email TEXT);
      INSERT INTO t VALUES (1, 'one', 'a@x'), (2, 'two', 'b@x'), (3, 'three', 'c@x'), (4, 'four', 'd@x');
      """)
    // Row 1 is the same, row 2 is another, row 9 has the email of row 4.
    try await scene.execute(
      """
      CREATE TABLE t (id int PRIMARY KEY, name text, email text UNIQUE);
      INSERT INTO t VALUES (1, 'one', 'a@x'), (2, 'ours', 'b@x'), (9, 'nine', 'd@x');
      """)
    return scene
  }

  @Test func rowsWhoseKeyIsThereStayAsTheyAre() async throws {
    let scene = try await sceneWithRowsThere()
    let report = try await scene.copy { $0.verifies = false }
    try await scene.expectWhole(report)
    let table = try report.table("t")
    #expect(table.loaded == 1 && table.alreadyThere == 2 && table.rejected == 1)
    #expect(table.rejects.first?.reason.contains("t_email_key") == true)
    #expect(try await scene.column("SELECT name FROM t ORDER BY id") == ["one", "ours", "three", "nine"])
  }

  @Test func rowsWhoseKeyIsThereAreUpdated() async throws {
    let scene = try await sceneWithRowsThere()
    let report = try await scene.copy { $0.onConflict = .update }
    #expect(report.tables[0].loaded == 2 && report.tables[0].alreadyThere == 1 && report.rejected == 1)
    #expect(try await scene.column("SELECT name FROM t ORDER BY id") == ["one", "two", "three", "nine"])
    // What was changed in Postgres since is put right again.
    try await scene.execute("UPDATE t SET name = 'changed' WHERE id = 3; DELETE FROM t WHERE id = 1")
    let again = try await scene.copy { $0.onConflict = .update }
    #expect(again.tables[0].loaded == 2)
    #expect(try await scene.column("SELECT name FROM t ORDER BY id") == ["one", "two", "three", "nine"])
  }

  @Test func rowsWhoseKeyIsThereEndTheCopy() async throws {
    let scene = try await sceneWithRowsThere()
    let report = try await scene.copy { $0.onConflict = .fail }
    #expect(report.exitCode == 1)
    #expect(report.errors.first?.contains("2 rows are in t already") == true)
    #expect(try await scene.count("SELECT count(*) FROM t") == 3)
  }

  @Test func rowsThatATriggerRefusesArePutAside() async throws {
    let scene = try await CopyScene()
    try scene.write("CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1), (5), (9)")
    try await scene.execute(
      """
      CREATE TABLE t (id int PRIMARY KEY);
      CREATE FUNCTION no_fives() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN IF new.id = 5 THEN RAISE EXCEPTION 'no fives'; END IF; RETURN new; END $$;
      CREATE TRIGGER no_fives BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION no_fives();
      """)
    let dry = try await scene.copy { $0.isDryRun = true }
    let report = try await scene.copy()
    try await scene.expectWhole(report)
    #expect(report.loaded == 2 && report.exitCode == 3 && report.tables[0].rejects[0].reason == "no fives")
    #expect(dry.tables[0].rejects.map(\.reason) == ["no fives"])
  }

  @Test func rowsThatATriggerSuppressesArePutAside() async throws {
    let scene = try await CopyScene(.v18)
    try scene.write("CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1), (5), (9)")
    try await scene.execute(
      """
      CREATE TABLE t (id int PRIMARY KEY);
      CREATE FUNCTION no_fives() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN IF new.id = 5 THEN RETURN null; END IF; RETURN new; END $$;
      CREATE TRIGGER no_fives BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION no_fives();
      """)
    let dry = try await scene.copy { $0.isDryRun = true }
    let report = try await scene.copy()
    try await scene.expectWhole(report)
    #expect(report.loaded == 2 && report.exitCode == 3)
    #expect(report.tables[0].rejects[0].reason.contains("suppresses"))
    #expect(dry.tables[0].rejects.map(\.reason) == report.tables[0].rejects.map(\.reason))
    try await scene.execute("DROP TRIGGER no_fives ON t")
    let retried = try await scene.copy { $0.retriesRejects = true }
    try await scene.expectWhole(retried)
    #expect(retried.loaded == 1 && retried.exitCode == 0)
  }

  @Test func whereAllWereRejectedASecondRunDoesNotTryAgain() async throws {
    let scene = try await CopyScene()
    try scene.write("CREATE TABLE t (id INTEGER PRIMARY KEY, x); INSERT INTO t VALUES (1, 'a'), (2, 'b')")
    try await scene.execute("CREATE TABLE t (id int PRIMARY KEY, x int)")
    let report = try await scene.copy()
    try await scene.expectWhole(report)
    #expect(report.rejected == 2)
    try await scene.execute("ALTER TABLE t ALTER COLUMN x TYPE text")
    let second = try await scene.copy()
    try await scene.expectWhole(second)
    #expect(second.rejected == 2 && second.loaded == 0)
    let third = try await scene.copy { $0.retriesRejects = true }
    #expect(third.rejected == 0 && third.loaded == 2)
  }

  @Test func rowsThatAreNotCopiedAreNoSuccess() async throws {
    let scene = try await CopyScene()
    try scene.write(
      """
      CREATE TABLE seen (id INTEGER PRIMARY KEY); INSERT INTO seen VALUES (1), (2); CREATE TABLE bare (other TEXT);
      CREATE TABLE t (id INTEGER PRIMARY KEY, sum INT); INSERT INTO t VALUES (1, 7);
      """)
    try await scene.execute(
      """
      CREATE VIEW seen AS SELECT 1 AS id; CREATE TABLE bare (id int);
      CREATE TABLE t (id int PRIMARY KEY, sum int GENERATED ALWAYS AS (id + 1) STORED);
      """)
    for isDryRun in [true, false] {
      let report = try await scene.copy { $0.isDryRun = isDryRun }
      // Without rows there is nothing to lose.
      #expect(report.errors == ["table seen, 2 rows: seen is a view: its rows are not copied"])
      #expect(report.exitCode == 1 && report.read == 1)
      #expect(report.omissions.contains { $0.name == "sum" && $0.reason.contains("generates it") })
    }
  }

  @Test func namesThatTheFileLacks() async throws {
    let scene = try await CopyScene()
    try scene.write("CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)")
    let error = await #expect(throws: ImportError.self) { try await scene.copy { $0.tables = ["x", "y"] } }
    #expect(error?.description.contains("app.db has no table x, y") == true)
    #expect(error?.advice == "it has t")
    let report = try await scene.copy { $0.tables = ["T", "y"] }
    #expect(report.exitCode == 0 && report.loaded == 1 && report.notInFile == ["y"])
  }

  @Test func twoRowsOfTheFileWithOneKey() async throws {
    let scene = try await CopyScene()
    try scene.write(
      """
      CREATE TABLE t (id, name TEXT);
      INSERT INTO t VALUES (1, 'first'), ('1', 'second'), (2, 'x'), (1.0, 'third'), (NULL, 'no key');
      """)
    try await scene.execute("CREATE TABLE t (id int PRIMARY KEY, name text)")
    for batchSize in [1, 2, 100] {
      try await scene.execute("TRUNCATE t")
      let report = try await scene.copy { $0.batchSize = batchSize }
      try await scene.expectWhole(report)
      #expect(report.tables[0].loaded == 2 && report.rejected == 3, "\(batchSize)")
      #expect(try await scene.column("SELECT name FROM t ORDER BY id") == ["first", "x"])
    }
  }

  @Test func tablesWithoutAKeyAreFilledExactlyOnce() async throws {
    let scene = try await CopyScene()
    try scene.write(
      "CREATE TABLE t (a, b); INSERT INTO t VALUES (1, 1), (1, 1), (1, 1), (2, 2); CREATE TABLE u (a); INSERT INTO u VALUES (1)"
    )
    try await scene.execute("CREATE TABLE t (a int, b int); CREATE TABLE u (a int)")
    #expect(try await scene.copy { $0.batchSize = 2 }.loaded == 5)
    try scene.write("INSERT INTO t VALUES (3, 3)")
    let second = try await scene.copy { $0.batchSize = 2 }
    #expect(second.loaded == 1)
    #expect(try await scene.count("SELECT count(*) FROM t") == 5)
    // A row that has changed cannot be found again: it is told, nothing is loaded twice, and the other table goes on.
    try scene.write("UPDATE t SET b = 9 WHERE rowid = 1; INSERT INTO u VALUES (2)")
    let third = try await scene.copy { $0.batchSize = 2 }
    #expect(third.exitCode == 1)
    #expect(third.errors.first?.contains("has no key") == true)
    #expect(try await scene.count("SELECT count(*) FROM t") == 5)
    #expect(try await scene.count("SELECT count(*) FROM u") == 2)
    // As it advises: the table is emptied.
    try await scene.execute("TRUNCATE t")
    let fourth = try await scene.copy()
    try await scene.expectWhole(fourth)
    #expect(try await scene.count("SELECT count(*) FROM t WHERE b = 9") == 1)
  }

  // MARK: - Parents

  @Test(arguments: TestServer.versions)
  func orphansAreRejectedAndRowsInCirclesAreNot(version: TestServer.Version) async throws {
    let scene = try await CopyScene(version)
    try scene.write(
      """
      CREATE TABLE a_employees (id INTEGER PRIMARY KEY, boss INT, department INT NOT NULL);
      CREATE TABLE b_departments (id INTEGER PRIMARY KEY, head INT NOT NULL, name TEXT);
      CREATE TABLE c_badges (employee INT, code TEXT);
      WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
        INSERT INTO a_employees SELECT i, iif(i < 3000, i + 1, NULL), i % 30 + 1 FROM n;
      INSERT INTO b_departments SELECT id, id * 7, 'D' || id FROM a_employees WHERE id <= 30;
      INSERT INTO c_badges SELECT id, 'x' FROM a_employees;
      -- Nobody is 9999; their children and grandchildren cannot be there either, nor what has a wrong name.
      INSERT INTO a_employees VALUES (5000, 9999, 1), (5001, 5000, 1), (5002, 5001, 1), (5003, NULL, 77);
      INSERT INTO b_departments VALUES (40, 5002, 'D'), (41, 1, 'wrong');
      INSERT INTO c_badges VALUES (5002, 'y'), (NULL, 'z');
      """)
    try await scene.execute(
      """
      CREATE TABLE a_employees (id int PRIMARY KEY, boss int REFERENCES a_employees (id), department int NOT NULL);
      CREATE TABLE b_departments (id int PRIMARY KEY, head int NOT NULL REFERENCES a_employees (id),
        name text CHECK (name <> 'wrong'));
      ALTER TABLE a_employees ADD FOREIGN KEY (department) REFERENCES b_departments (id);
      CREATE TABLE c_badges (employee int REFERENCES a_employees (id), code text);
      """)
    let dry = try await scene.copy {
      $0.isDryRun = true
      $0.batchSize = 400
    }
    let report = try await scene.copy { $0.batchSize = 400 }
    try await scene.expectWhole(report)
    let rejected = try await scene.column(
      "SELECT source_row FROM agent_import_rejects ORDER BY agent_import_rejects.source_row")
    #expect(rejected.compactMap(\.self).prefix(20) == ["40", "41", "3001", "5000", "5001", "5002", "5003"])
    #expect(dry.reasons == report.reasons)
    #expect(try await scene.count("SELECT count(*) FROM a_employees") == 3000)
    #expect(try await scene.count("SELECT count(*) FROM c_badges") == 3001)
    #expect(try report.table("b_departments").rejects.contains { $0.reason.contains("check constraint") })
    let second = try await scene.copy { $0.batchSize = 400 }
    try await scene.expectWhole(second)
    #expect(second.loaded == 0 && second.rejected == report.rejected)
  }

  @Test func constraintsThatArePutOffAreNotPutOff() async throws {
    let scene = try await CopyScene()
    try scene.write(
      """
      CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (id INTEGER PRIMARY KEY, p INT);
      INSERT INTO p VALUES (1); INSERT INTO c VALUES (1, 1), (2, 2), (3, NULL);
      """)
    try await scene.execute(
      """
      CREATE TABLE p (id int PRIMARY KEY);
      CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES p (id) DEFERRABLE INITIALLY DEFERRED);
      """)
    let report = try await scene.copy()
    try await scene.expectWhole(report)
    #expect(report.loaded == 3 && report.rejected == 1)
  }

  // MARK: - Rejects that are tried again

  @Test(arguments: TestServer.versions)
  func afterAFixWhatHasBecomeLoadableIsLoaded(version: TestServer.Version) async throws {
    let scene = try await CopyScene(version)
    try scene.write(
      """
      CREATE TABLE p (id INTEGER PRIMARY KEY, code TEXT); CREATE TABLE c (k TEXT PRIMARY KEY, p INT, n INT) WITHOUT ROWID;
      INSERT INTO p VALUES (1, 'ok'), (2, 'too long'), (3, NULL);
      WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
        INSERT INTO c SELECT printf('k%04d', i), i % 4, i * 100 FROM n;
      """)
    try await scene.execute(
      """
      CREATE TABLE p (id int PRIMARY KEY, code varchar(4) NOT NULL);
      CREATE TABLE c (k text PRIMARY KEY, p int REFERENCES p (id), n smallint CHECK (n <> 500));
      """)
    let first = try await scene.copy { $0.batchSize = 90 }
    try await scene.expectWhole(first)
    #expect(first.rejected > 900)
    // Nothing is mended: nothing changes.
    let same = try await scene.copy { $0.retriesRejects = true }
    try await scene.expectWhole(same)
    #expect(same.loaded == 0 && same.rejected == first.rejected)
    try await scene.execute(
      """
      ALTER TABLE p ALTER code TYPE text; ALTER TABLE c ALTER n TYPE int; INSERT INTO p VALUES (0, 'here');
      """)
    let second = try await scene.copy { $0.retriesRejects = true }
    try await scene.expectWhole(second)
    // Of p the row with NULL is left; of c its children, and the one that the check forbids.
    #expect(second.rejected == 252)
    #expect(try second.table("c").loaded == first.table("c").rejected - 251)
    #expect(
      try await scene.count("SELECT count(*) FROM agent_import_rejects WHERE reason LIKE '%c_n_check%'") == 1)
    try await scene.execute("ALTER TABLE p ALTER code DROP NOT NULL; ALTER TABLE c DROP CONSTRAINT c_n_check")
    let third = try await scene.copy { $0.retriesRejects = true }
    try await scene.expectWhole(third)
    #expect(third.rejected == 0 && third.exitCode == 0)
    #expect(try await scene.count("SELECT count(*) FROM c") == 1000)
  }

  // MARK: - Columns

  @Test(arguments: TestServer.versions)
  func columnsThatPostgresFillsByItself(version: TestServer.Version) async throws {
    let scene = try await CopyScene(version)
    try scene.write(
      """
      CREATE TABLE "Orders" ("Id" INTEGER PRIMARY KEY, price REAL, qty INT, total AS (price * qty) STORED,
        label TEXT AS ('#' || qty));
      INSERT INTO "Orders" ("Id", price, qty) VALUES (5, 2.5, 4), (6, 0.5, 2);
      CREATE TABLE events (id INTEGER PRIMARY KEY, at TEXT, note TEXT);
      INSERT INTO events VALUES (1, '2024-03-01', 'a'), (2, '2025-03-01', 'b'), (3, '2030-01-01', 'no partition');
      """)
    try await scene.execute(
      """
      CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, price float8, qty int,
        total float8 GENERATED ALWAYS AS (price * qty) STORED, label text NOT NULL, made timestamptz NOT NULL DEFAULT now());
      CREATE TABLE events (id int, at date, note text) PARTITION BY RANGE (at);
      CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
      CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
      """)
    let report = try await scene.copy()
    try await scene.expectWhole(report)
    #expect(report.rejected == 1)
    #expect(
      try await scene.texts("SELECT id, total, label FROM orders ORDER BY id")
        == [["5", "10", "#4"], ["6", "1", "#2"]])
    #expect(try await scene.count("SELECT count(*) FROM events_2025") == 1)
    try await scene.execute("INSERT INTO orders (price, qty, label) VALUES (1, 1, 'x')")
    #expect(try await scene.count("SELECT max(id) FROM orders") == 7)
  }

  @Test func aColumnThatTheSourceLacksAndPostgresWants() async throws {
    let scene = try await CopyScene()
    try scene.write("CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1), (2)")
    try await scene.execute("CREATE TABLE t (id int PRIMARY KEY, owner text NOT NULL)")
    let report = try await scene.copy()
    try await scene.expectWhole(report)
    #expect(report.rejected == 2)
    #expect(report.tables[0].rejects[0].reason.contains("owner") == true)
    try await scene.execute("ALTER TABLE t ALTER owner SET DEFAULT 'nobody'")
    let second = try await scene.copy { $0.retriesRejects = true }
    #expect(second.loaded == 2 && second.exitCode == 0)
  }

  @Test func theBooksStandBesideTablesOfTheSameNamesAsOurs() async throws {
    let scene = try await CopyScene()
    try scene.write(
      "CREATE TABLE agents (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO agents VALUES (7, 'Bond')")
    try await scene.execute(
      "CREATE TABLE agents (id int PRIMARY KEY, name text); CREATE SCHEMA app; CREATE TABLE app.agents (id int, name text)"
    )
    #expect(try await scene.copy().loaded == 1)
    let other = try await scene.copy { $0.schema = "app" }
    #expect(other.loaded == 1)
    #expect(try await scene.column("SELECT name FROM app.agents") == ["Bond"])
    #expect(try await scene.copy { $0.schema = "app" }.loaded == 0)
    #expect(
      try await scene.column(
        "SELECT relname FROM pg_class WHERE relname LIKE 'agent%' AND relkind = 'r' ORDER BY 1")
        == [
          "agent_import_files", "agent_import_rejects", "agent_import_sources", "agent_imports",
          "agentbase_schema_audit", "agentbase_schema_versions", "agents", "agents",
        ])
  }

  @Test func timesWithoutAZoneAreInTheZoneThatIsSaid() async throws {
    let scene = try await CopyScene()
    try scene.write(
      "CREATE TABLE t (a, b, c); INSERT INTO t VALUES ('2024-07-01 12:00:00', '2024-07-01 12:00:00', 0)")
    try await scene.execute("CREATE TABLE t (a timestamptz, b timestamp, c timestamptz)")
    let zone = try #require(TimeZone(identifier: "Europe/Berlin"))
    _ = try await scene.copy { $0.time = .init(naiveZone: zone) }
    #expect(
      try await scene.texts("SELECT a AT TIME ZONE 'UTC', b, c AT TIME ZONE 'UTC' FROM t")
        == [["2024-07-01 10:00:00", "2024-07-01 12:00:00", "1970-01-01 00:00:00"]])
  }
}
