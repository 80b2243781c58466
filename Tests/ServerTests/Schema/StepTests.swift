// Steps up and down: all of a step or nothing of it, and each once.

import Foundation
import Migrations
import Postgres
import SQLite
import TestSupport
import Testing

@Suite("Schema: steps") struct StepTests {
  static let steps = [
    Migration(
      version: 1, name: "routers", up: "CREATE TABLE routers (id INTEGER PRIMARY KEY, name TEXT);\n",
      down: "DROP TABLE routers;\n",
      checkAfter: "SELECT count(*) = 0, 'routers are there already' FROM routers"),
    Migration(
      version: 2, name: "planners",
      up:
        "-- who plans\nCREATE TABLE planners (id INTEGER PRIMARY KEY);\nALTER TABLE routers ADD COLUMN status TEXT;\n",
      down: "ALTER TABLE routers DROP COLUMN status; DROP TABLE planners;"),
    Migration(
      version: 3, name: "index", up: "CREATE INDEX by_name ON routers (name)", down: "DROP INDEX by_name"),
  ]

  @Test("Up, to a version, down, and what is remembered", arguments: SchemaBackend.all)
  func ways(_ backend: SchemaBackend) async throws {
    let scene = try await MigrationScene(backend)
    let events = EventList()
    let migrator = scene.migrator(Self.steps, events: events)
    #expect(try await migrator.status().pendingCount == 3)
    let planned = try await migrator.steps(to: .up(to: 2))
    #expect(planned.map(\.sql) == Self.steps.prefix(2).map(\.up))
    #expect(try await migrator.up(to: 2).map(\.version) == [1, 2])
    #expect(try await migrator.up().map(\.version) == [3])
    #expect(try await migrator.up().isEmpty)
    let status = try await migrator.status()
    #expect(status.version == 3 && status.steps.allSatisfy { $0.state == .applied })
    for step in status.steps {
      let applied = try #require(step.applied)
      #expect(applied.appliedAt?.hasSuffix("Z") == true && applied.appliedBy?.isEmpty == false)
      #expect(
        (applied.durationMilliseconds ?? -1) >= 0 && applied.downText == Self.steps[step.version - 1].down)
    }
    #expect(events.all.count == 6)
    #expect(try await migrator.down(to: 1).map(\.version) == [3, 2])
    #expect(try await scene.columns("routers") == ["id", "name"])
    #expect(try await scene.columns("planners") == [])
    #expect(try await migrator.up().map(\.version) == [2, 3])
    #expect(try await migrator.down(to: 0).map(\.version) == [3, 2, 1])
    #expect(try await migrator.status().version == 0)
    let audit = try await scene.rows(
      "SELECT version, action, state, length(digest) FROM agentbase_migration_audit ORDER BY id")
    #expect(
      audit.map { "\($0[0]) \($0[1])" } == [
        "1 up", "2 up", "3 up", "3 down", "2 down", "2 up", "3 up", "3 down", "2 down", "1 down",
      ])
    #expect(audit.allSatisfy { $0[2] == "done" && $0[3] == "64" })
  }

  @Test("A step that fails leaves nothing of itself, and those before it", arguments: SchemaBackend.all)
  func failing(_ backend: SchemaBackend) async throws {
    let scene = try await MigrationScene(backend)
    var steps = Self.steps
    steps[1] = Migration(
      version: 2, name: "broken",
      up:
        "CREATE TABLE planners (id INTEGER);\nINSERT INTO planners VALUES (1);\n\nINSERT INTO nowhere VALUES (1);\n",
      down: nil)
    let error = await MigrationScene.error { try await scene.migrator(steps).up() }
    #expect(error?.code == .stepFailed && error?.version == 2 && error?.line == 4)
    #expect(error?.message.contains("step 2 (broken), line 4") == true, "\(error?.message ?? "")")
    #expect(try await scene.columns("planners") == [])
    #expect(try await scene.migrator(steps).status().version == 1)
    #expect(try await scene.value("SELECT count(*) FROM agentbase_migration_audit") == "1")
    // Mended, it goes on.
    #expect(try await scene.migrator(Self.steps).up().map(\.version) == [2, 3])
  }

  @Test("A check that does not hold undoes the step and says why", arguments: SchemaBackend.all)
  func checks(_ backend: SchemaBackend) async throws {
    let scene = try await MigrationScene(backend)
    func step(before: String? = nil, after: String? = nil, up: String = "CREATE TABLE t (a INTEGER)")
      -> [Migration]
    {
      [Migration(version: 1, name: "t", up: up, down: nil, checkBefore: before, checkAfter: after)]
    }
    let no = backend == .sqlite ? "0" : "false"
    for (steps, words) in [
      (
        step(before: "SELECT 1 = 1;\nSELECT \(no), 'three routers lack a status'"),
        "before it (line 2) failed: three routers"
      ),
      (step(after: "SELECT \(no)"), "after it (line 1) does not hold"),
      (
        step(
          after: "SELECT a = 1 FROM t", up: "CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1), (NULL)"),
        "does not hold"
      ),
      (step(after: "SELECT 'yes'"), "no truth value"),
      (step(before: "SELECT * FROM nowhere"), "cannot be asked"),
    ] {
      let error = await MigrationScene.error { try await scene.migrator(steps).up() }
      #expect(
        error?.code == .checkFailed && error?.message.contains(words) == true, "\(error?.message ?? "")")
      #expect(try await scene.columns("t") == [])
      #expect(try await scene.migrator(steps).status().version == 0)
    }
    // No row is nothing that does not hold.
    #expect(try await scene.migrator(step(after: "SELECT a = 1 FROM t")).up().count == 1)
  }

  private struct Refusal: Error {}

  @Test("The caller's own check undoes the step", arguments: SchemaBackend.all)
  func acceptance(_ backend: SchemaBackend) async throws {
    let scene = try await MigrationScene(backend)
    var migrator = scene.migrator(Self.steps)
    migrator.acceptance =
      backend == .sqlite
      ? .sqlite { connection, step in
        if try connection.queryOne("SELECT 1 FROM sqlite_schema WHERE name = 'planners'") != nil {
          throw Refusal()
        }
      }
      : .postgres { connection, step in
        let row = try await connection.queryOne("SELECT to_regclass('planners') IS NOT NULL")
        if try row?.decode(0, as: Bool.self) == true { throw Refusal() }
      }
    let error = await MigrationScene.error { try await migrator.up() }
    #expect(error?.code == .checkFailed && error?.underlying is Refusal)
    #expect(try await migrator.status().version == 1)
    #expect(try await scene.columns("planners") == [])
  }

  @Test("What a step may not hold is refused before anything is run", arguments: SchemaBackend.all)
  func scripts(_ backend: SchemaBackend) async throws {
    let scene = try await MigrationScene(backend)
    for (up, words) in [
      (
        "CREATE TABLE t (a INTEGER);\nCOMMIT;\nCREATE TABLE u (a INTEGER)",
        "line 2 begins or ends a transaction"
      ),
      ("BEGIN; CREATE TABLE t (a INTEGER); END", "begins or ends"),
      ("-- agentbase: batch\nUPDATE t SET a = 1", "batch in its one transaction"),
      ("-- agentbase: no-transactions\nSELECT 1", "no directive \"no-transactions\""),
      (
        "-- agentbase: no-transaction\nCREATE TABLE t (a INTEGER);\n-- agentbase: batch\nSELECT 1",
        "changes no rows"
      ),
      ("-- agentbase: no-transaction\nBEGIN; CREATE TABLE t (a INTEGER)", "without its COMMIT"),
      ("-- agentbase: no-transaction\nCOMMIT", "no place"),
    ] {
      let migrator = scene.migrator([Migration(version: 1, name: "t", up: up, down: nil)])
      let error = await MigrationScene.error { try await migrator.up() }
      #expect(
        error?.code == .invalidScript && error?.message.contains(words) == true, "\(error?.message ?? "")")
      #expect(
        await MigrationScene.error { _ = try await migrator.steps(to: .up(to: nil)) }?.code == .invalidScript)
      #expect(try await scene.columns("t") == [])
      #expect(try await migrator.status().version == 0)
    }
  }

  @Test("An edited, a lost and a newer step are refused, and told", arguments: SchemaBackend.all)
  func history(_ backend: SchemaBackend) async throws {
    let scene = try await MigrationScene(backend)
    try await scene.migrator(Self.steps).up()
    var edited = Self.steps
    edited[1] = Migration(version: 2, name: "planners", up: edited[1].up + " ", down: edited[1].down)
    #expect(await MigrationScene.error { try await scene.migrator(edited).up() }?.code == .edited)
    #expect(try await scene.migrator(edited).status().steps.map(\.state) == [.applied, .edited, .applied])
    let older = scene.migrator(Array(Self.steps.prefix(2)))
    let newer = await MigrationScene.error { try await older.up() }
    #expect(newer?.code == .newer && newer?.advice?.contains("schema down --to 2") == true)
    #expect(try await older.status().steps.map(\.state) == [.applied, .applied, .unknown])
    // The older program goes back by the SQL that the newer one has left.
    #expect(try await older.down(to: 2).map(\.version) == [3])
    #expect(try await older.up().isEmpty)
    try await scene.execute("DELETE FROM agentbase_migrations WHERE version = 1")
    #expect(await MigrationScene.error { try await older.up() }?.code == .missing)
  }

  @Test("Ten runners at once go each step once", arguments: SchemaBackend.all)
  func atOnce(_ backend: SchemaBackend) async throws {
    let scene = try await MigrationScene(backend)
    let runs = try await withThrowingTaskGroup(of: [MigrationRun].self) { group in
      for _ in 0..<10 { group.addTask { try await scene.migrator(Self.steps).up() } }
      return try await group.reduce(into: []) { $0 += $1 }
    }
    #expect(runs.map(\.version).sorted() == [1, 2, 3])
    #expect(try await scene.value("SELECT count(*) FROM agentbase_migration_audit") == "3")
  }

  @Test("Another runner is waited for no longer than the limit", arguments: SchemaBackend.all)
  func locked(_ backend: SchemaBackend) async throws {
    let scene = try await MigrationScene(backend)
    var migrator = scene.migrator(Self.steps)
    migrator.options.lockWait = .milliseconds(200)
    switch backend {
    case .sqlite:
      let other = try SQLiteConnection(path: scene.name)
      try other.executeScript("BEGIN IMMEDIATE")
      #expect(await MigrationScene.error { try await migrator.up() }?.code == .locked)
      try other.executeScript("ROLLBACK")
    default:
      let other = try await scene.connection()
      try await other.executeScript("BEGIN; SELECT pg_advisory_xact_lock(\(Int64(0x4167_656E_7442_6173)))")
      #expect(await MigrationScene.error { try await migrator.up() }?.code == .locked)
      await other.close()
    }
    #expect(try await migrator.up().count == 3)
  }

  @Test(
    "A connection that is lost in the middle leaves the step before it",
    arguments: SchemaBackend.all.filter { $0 != .sqlite })
  func lost(_ backend: SchemaBackend) async throws {
    let scene = try await MigrationScene(backend)
    var steps = Self.steps
    steps[1] = Migration(
      version: 2, name: "slow", up: "CREATE TABLE planners (id INTEGER); SELECT pg_sleep(30)", down: nil)
    let migrator = scene.migrator(steps)
    async let failure = MigrationScene.error { try await migrator.up() }
    let killer = try await scene.connection()
    while try await killer.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"
    ).isEmpty {
      try await Task.sleep(for: .milliseconds(10))
    }
    #expect(await failure?.code == .connectionLost)
    #expect(await failure?.version == 2)
    await killer.close()
    #expect(try await scene.columns("planners") == [])
    #expect(try await scene.migrator(Self.steps).up().map(\.version) == [2, 3])
  }

  @Test("A cancelled runner has undone its step", arguments: SchemaBackend.all)
  func cancelled(_ backend: SchemaBackend) async throws {
    let scene = try await MigrationScene(backend)
    var steps = Self.steps
    let slow =
      backend == .sqlite
      ? "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
      : "SELECT pg_sleep(30)"
    steps[1] = Migration(
      version: 2, name: "slow", up: "CREATE TABLE planners (id INTEGER); \(slow)", down: nil)
    let events = EventList()
    let migrator = scene.migrator(steps, events: events)
    let task = Task { try await migrator.up() }
    while events.all.count < 3 { try await Task.sleep(for: .milliseconds(10)) }
    try await Task.sleep(for: .milliseconds(50))
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(try await scene.columns("planners") == [])
    #expect(try await scene.migrator(Self.steps).up().map(\.version) == [2, 3])
  }

  @Test("References that a step breaks are found before the commit")
  func foreignKeys() async throws {
    let scene = try await MigrationScene(.sqlite)
    try await scene.execute(
      """
      CREATE TABLE planners (id INTEGER PRIMARY KEY);
      CREATE TABLE workers (id INTEGER PRIMARY KEY, planner INTEGER REFERENCES planners ON DELETE CASCADE);
      INSERT INTO planners VALUES (1), (2); INSERT INTO workers VALUES (1, 1), (2, 2), (3, 99);
      """)
    func step(_ up: String) -> [Migration] { [Migration(version: 1, name: "s", up: up, down: nil)] }
    let broken = await MigrationScene.error {
      try await scene.migrator(step("DELETE FROM planners WHERE id = 2")).up()
    }
    #expect(broken?.code == .checkFailed && broken?.message.contains("1 rows") == true)
    #expect(try await scene.value("SELECT count(*) FROM planners") == "2")
    // A table that is made anew takes nothing along, though it is dropped on the way; what was broken before may be.
    let anew = """
      CREATE TABLE new (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO new (id) SELECT id FROM planners;
      DROP TABLE planners; ALTER TABLE new RENAME TO planners;
      """
    #expect(try await scene.migrator(step(anew)).up().count == 1)
    #expect(try await scene.value("SELECT count(*) FROM workers") == "3")
  }

  @Test("What a step sets in the session is gone behind it, and its tables are where they were", .needs(.v15))
  func session() async throws {
    let scene = try await MigrationScene(.postgres15)
    try await scene.execute("CREATE SCHEMA other")
    let steps = [
      Migration(
        version: 1, name: "other", up: "SET search_path = other; CREATE TABLE a (b INTEGER)", down: nil),
      Migration(version: 2, name: "own", up: "CREATE TABLE c (d INTEGER)", down: nil),
    ]
    try await scene.migrator(steps).up()
    #expect(
      try await scene.rows(
        "SELECT relname, nspname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace WHERE relname IN ('a', 'c', 'agentbase_migrations') ORDER BY 1"
      ) == [["a", "other"], ["agentbase_migrations", "public"], ["c", "public"]])
  }
}
