// Guide 4's procedures on guide 4's tables, up and down, with rows written in between.

import Foundation
import Migrations
import TestSupport
import Testing

@Suite("Schema: guide 4") struct GuideChangeTests {
  static let paces: [SchemaChange.Pace] = [.atOnce, .gradual(batch: 3)]

  private func scene(_ backend: SchemaBackend, workers: Int = 20) async throws -> (
    MigrationScene, GuideTables
  ) {
    let scene = try await MigrationScene(backend)
    let tables = GuideTables(dialect: backend.dialect)
    try await scene.migrator([tables.base]).up()
    try await scene.execute(tables.rows(workers: workers))
    return (scene, tables)
  }

  private func routers(_ scene: MigrationScene) async throws -> [[String]] {
    try await scene.rows("SELECT router_id, metadata, schema_version FROM routers ORDER BY router_id")
  }

  /// JSON as SQLite and Postgres both write it here: without spaces.
  private func timeouts(_ scene: MigrationScene) async throws -> [String] {
    try await scene.rows(
      "SELECT metadata ->> '\(scene.backend == .sqlite ? "$." : "")timeout_seconds' FROM routers ORDER BY router_id"
    )
    .map { $0[0] }
  }

  @Test("All four, and back to the beginning: everything is as it was", arguments: SchemaBackend.all, paces)
  func allAndBack(_ backend: SchemaBackend, _ pace: SchemaChange.Pace) async throws {
    let (scene, tables) = try await scene(backend)
    let queries = ["routers", "planners", "workers", "worker_notes"].map { "SELECT * FROM \($0) ORDER BY 1" }
    func all() async throws -> [[[String]]] {
      var found: [[[String]]] = []
      for query in queries { found.append(try await scene.rows(query)) }
      return found
    }
    let before = try await all()
    let migrator = scene.migrator(tables.steps(pace))
    let runs = try await migrator.up()
    #expect(runs.count == (pace == .atOnce ? 4 : 10))

    // The guide's own verification.
    let versions = try await scene.rows(
      "SELECT schema_version FROM routers UNION SELECT schema_version FROM planners UNION SELECT schema_version FROM workers"
    )
    #expect(versions == [["2"]])
    #expect(try await scene.value("SELECT count(*) FROM routers") == "6")
    #expect(try await scene.value("SELECT count(*) FROM workers") == "20")
    #expect(
      try await scene.rows("SELECT router_id, timeout_seconds FROM routers ORDER BY 1").map { $0[1] }
        == ["300", "60", "300", "300", "300", "300"])
    #expect(try await timeouts(scene) == Array(repeating: "-", count: 6))
    #expect(try await scene.columns("planners").last == "conversation_context")
    #expect(try await scene.columns("workers").contains("priority"))
    #expect(try await scene.value("SELECT count(*) FROM workers_v1_backup") == "20")

    try await migrator.down(to: 1)
    let after = try await all()
    for (place, query) in queries.enumerated() { #expect(after[place] == before[place], "\(query)") }
    #expect(try await migrator.up().count == runs.count)
    #expect(try await migrator.verify().holds)
  }

  @Test(
    "An attribute: rows that have it keep it, and a way back takes only the default away",
    arguments: SchemaBackend.all, paces)
  func attribute(_ backend: SchemaBackend, _ pace: SchemaChange.Pace) async throws {
    let (scene, tables) = try await scene(backend)
    let before = try await routers(scene)
    let migrator = scene.migrator([tables.base] + tables.addTimeout(pace).migrations(from: 2))
    try await migrator.up()
    #expect(try await timeouts(scene) == ["300", "60", "300", "300", "300", "300"])
    // Somebody changes one, and adds one.
    let set =
      backend == .sqlite
      ? "json_set(metadata, '$.timeout_seconds', 900)" : "metadata || '{\"timeout_seconds\": 900}'"
    try await scene.execute(
      "UPDATE routers SET metadata = \(set) WHERE router_id = 'r1'; INSERT INTO routers (router_id, status, metadata) VALUES ('r7', 'new', '{\"timeout_seconds\":5}')"
    )
    try await migrator.down(to: 1)
    var expected = before
    expected[0][1] =
      backend == .sqlite
      ? "{\"model\":\"gpt-4\",\"timeout_seconds\":900}" : "{\"model\": \"gpt-4\", \"timeout_seconds\": 900}"
    expected.append(["r7", backend == .sqlite ? "{\"timeout_seconds\":5}" : "{\"timeout_seconds\": 5}", "1"])
    #expect(try await routers(scene) == expected)
    try await migrator.up()
    #expect(try await timeouts(scene) == ["900", "60", "300", "300", "300", "300", "5"])
  }

  @Test(
    "What is no JSON object, and what is no value of the column, stop a change before it begins",
    arguments: SchemaBackend.all, paces)
  func refused(_ backend: SchemaBackend, _ pace: SchemaChange.Pace) async throws {
    let (scene, tables) = try await scene(backend)
    func refusal(_ change: SchemaChange) async -> String? {
      let error = await MigrationScene.error {
        try await scene.migrator([tables.base] + change.migrations(from: 2)).up()
      }
      #expect(error?.code == .checkFailed)
      return error?.message
    }
    for metadata in backend == .sqlite ? ["{", "[1]", "7"] : ["[1]", "7"] {
      try await scene.execute("UPDATE routers SET metadata = '\(metadata)' WHERE router_id = 'r1'")
      for change in [tables.addTimeout(pace), tables.promoteTimeout(pace)] {
        #expect(
          await refusal(change)?.contains("1 rows of routers hold in metadata what is no JSON object") == true
        )
      }
    }
    for value in ["\"60\"", "60.5", "true", "[60]", "12345678901234567890"] {
      try await scene.execute(
        "UPDATE routers SET metadata = '{\"timeout_seconds\":\(value)}' WHERE router_id = 'r1'")
      #expect(
        await refusal(tables.promoteTimeout(pace))?.contains("hold a timeout_seconds that is no integer")
          == true, "\(value)")
    }
    try await scene.execute("UPDATE routers SET metadata = '{}', schema_version = 3 WHERE router_id = 'r1'")
    #expect(await refusal(tables.promoteTimeout(pace))?.contains("another schema_version than 1") == true)
    #expect(try await scene.columns("routers").count == 5)
  }

  @Test(
    "A column: what was written into it is there again after a way back and another way up",
    arguments: SchemaBackend.all)
  func column(_ backend: SchemaBackend) async throws {
    let (scene, tables) = try await scene(backend)
    let migrator = scene.migrator([tables.base] + tables.addContext.migrations(from: 2))
    try await migrator.up()
    try await scene.execute(
      "UPDATE planners SET conversation_context = 'of p1' WHERE planner_id = 'p1'; UPDATE planners SET conversation_context = 'of p2' WHERE planner_id = 'p2'"
    )
    try await migrator.down(to: 1)
    try await scene.execute(
      "UPDATE planners SET status = 'done' WHERE planner_id = 'p1'; DELETE FROM worker_notes; DELETE FROM workers WHERE planner_id = 'p2'; DELETE FROM planners WHERE planner_id = 'p2'; INSERT INTO planners (planner_id, router_id) VALUES ('p3', 'r3')"
    )
    try await migrator.up()
    #expect(
      try await scene.rows("SELECT planner_id, status, conversation_context FROM planners ORDER BY 1")
        == [["p1", "done", "of p1"], ["p3", "-", "-"]])
  }

  @Test(
    "A promotion: the way back carries what new code has written, and lets be what was never there",
    arguments: SchemaBackend.all, paces)
  func promotion(_ backend: SchemaBackend, _ pace: SchemaChange.Pace) async throws {
    let (scene, tables) = try await scene(backend)
    let before = try await routers(scene)
    let migrator = scene.migrator([tables.base] + tables.promoteTimeout(pace).migrations(from: 2))
    try await migrator.up()
    #expect(
      try await scene.rows("SELECT timeout_seconds FROM routers ORDER BY router_id").map { $0[0] }
        == ["300", "60", "300", "-", "300", "300"])
    try await scene.execute(
      """
      UPDATE routers SET timeout_seconds = 45 WHERE router_id = 'r1'; UPDATE routers SET timeout_seconds = NULL WHERE router_id = 'r2';
      INSERT INTO routers (router_id, status, timeout_seconds) VALUES ('r7', 'new', 7); DELETE FROM routers WHERE router_id = 'r6';
      """)
    try await migrator.down(to: 1)
    func json(_ text: String) -> String {
      backend == .sqlite ? text : text.replacing(":", with: ": ").replacing(",", with: ", ")
    }
    let expected = [
      ["r1", json("{\"model\":\"gpt-4\",\"timeout_seconds\":45}"), "1"],
      [
        "r2",
        backend == .sqlite
          ? "{\"model\":\"x\",\"timeout_seconds\":null}" : "{\"model\": \"x\", \"timeout_seconds\": null}",
        "1",
      ],
      before[2], before[3], before[4], ["r7", json("{\"timeout_seconds\":7}"), "1"],
    ]
    #expect(try await routers(scene) == expected)
    #expect(try await scene.columns("routers").contains("timeout_seconds") == false)
  }

  @Test(
    "A restructuring: the way back carries what was written, and what only the new table holds comes back",
    arguments: SchemaBackend.all, paces)
  func restructuring(_ backend: SchemaBackend, _ pace: SchemaChange.Pace) async throws {
    let (scene, tables) = try await scene(backend)
    let migrator = scene.migrator([tables.base] + tables.restructureWorkers(pace).migrations(from: 2))
    try await migrator.up()
    // Old code goes on, new code begins, and a reference leads to the new table.
    try await scene.execute(
      """
      INSERT INTO workers (worker_id, planner_id, task_status) VALUES ('old', 'p1', 'new');
      UPDATE workers SET priority = 9, task_status = 'running' WHERE worker_id = 'w1';
      DELETE FROM workers WHERE worker_id = 'w2';
      INSERT INTO worker_notes VALUES (2, 'old', 'second');
      """)
    try await migrator.down(to: 1)
    #expect(try await scene.columns("workers").contains("priority") == false)
    #expect(
      try await scene.rows(
        "SELECT worker_id, task_status FROM workers WHERE worker_id IN ('old', 'w1', 'w2') ORDER BY 1")
        == [["old", "new"], ["w1", "running"]])
    #expect(try await scene.value("SELECT count(*) FROM workers") == "20")
    try await scene.execute("UPDATE workers SET task_status = 'done' WHERE worker_id = 'w1'")
    try await migrator.up()
    #expect(
      try await scene.rows("SELECT task_status, priority FROM workers WHERE worker_id = 'w1'") == [
        ["done", "9"]
      ])
    #expect(
      try await scene.rows("SELECT count(*) FROM worker_notes JOIN workers USING (worker_id)") == [["2"]])
    if backend != .sqlite {
      await #expect(throws: (any Error).self) {
        try await scene.execute("INSERT INTO worker_notes VALUES (3, 'nobody', 'third')")
      }
    }
  }

  @Test("A copy that is not what the old table holds stops the change", arguments: SchemaBackend.all, paces)
  func differing(_ backend: SchemaBackend, _ pace: SchemaChange.Pace) async throws {
    let (scene, tables) = try await scene(backend)
    // A column that cuts what the old one holds.
    let change = SchemaChange.restructure(
      SchemaChange.Table("routers", key: "router_id", backend.dialect),
      definition:
        "router_id VARCHAR(32) PRIMARY KEY, status VARCHAR(50) NOT NULL, size INTEGER CHECK (size < 5)",
      columns: [
        .carried("router_id"), .carried("status"),
        .converted("size", from: "length(status)"),
      ], pace: pace)
    let error = await MigrationScene.error {
      try await scene.migrator([tables.base] + change.migrations(from: 2)).up()
    }
    #expect(error != nil)
    #expect(try await scene.value("SELECT count(*) FROM routers") == "6")
    #expect(try await scene.columns("routers").contains("size") == false)
  }

  @Test(
    "In Postgres rights go along with the name; a view and a trigger, which would not, stop the change",
    arguments: TestServer.versions)
  func rights(_ version: TestServer.Version) async throws {
    let (scene, tables) = try await scene(version == .v15 ? .postgres15 : .postgres18)
    let migrator = scene.migrator([tables.base] + tables.restructureWorkers(.atOnce).migrations(from: 2))
    let role = "reader_\(UInt32.random(in: 0...UInt32.max))"
    try await scene.execute(
      "CREATE ROLE \(role); GRANT SELECT, INSERT ON workers TO \(role); GRANT SELECT ON workers TO PUBLIC; CREATE VIEW pending AS SELECT * FROM workers"
    )
    let error = await MigrationScene.error { try await migrator.up() }
    #expect(error?.code == .checkFailed && error?.message.contains("a view reads workers: pending") == true)
    try await scene.execute(
      """
      DROP VIEW pending; CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
      CREATE TRIGGER theirs BEFORE INSERT ON workers FOR EACH ROW EXECUTE FUNCTION nothing();
      """)
    #expect(await MigrationScene.error { try await migrator.up() }?.message.contains("theirs") == true)
    try await scene.execute("DROP TRIGGER theirs ON workers")
    let rights =
      "SELECT has_table_privilege('\(role)', 'workers', 'INSERT'), has_table_privilege('\(role)', 'workers', 'UPDATE'), has_table_privilege('\(role)', 'workers', 'SELECT')"
    try await migrator.up()
    #expect(try await scene.rows(rights) == [["t", "f", "t"]])
    try await migrator.down(to: 1)
    #expect(try await scene.rows(rights) == [["t", "f", "t"]])
    try await scene.execute("DROP OWNED BY \(role); DROP ROLE \(role)")
  }
}
