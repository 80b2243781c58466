// Steps without a transaction: batches, indexes that are built beside writers, and the way on after a failure half way.

import Foundation
import Migrations
import Postgres
import SQLite
import TestSupport
import Testing

@Suite("Schema: steps without a transaction") struct BatchTests {
  private func filled(_ backend: SchemaBackend) async throws -> MigrationScene {
    let scene = try await MigrationScene(backend)
    try await scene.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, b INTEGER)")
    let insert =
      backend == .sqlite
      ? "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) INSERT INTO t SELECT i, i, NULL FROM n"
      : "INSERT INTO t SELECT i, i, NULL FROM generate_series(1, 1000) AS i"
    try await scene.execute(insert)
    return scene
  }

  private static let fill = Migration(
    version: 1, name: "fill",
    up: """
      -- agentbase: no-transaction

      -- agentbase: batch
      UPDATE t SET b = a * 2 WHERE id IN (SELECT id FROM t WHERE b IS NULL LIMIT 300);

      -- agentbase: batch
      BEGIN;
      UPDATE t SET a = -a WHERE id IN (SELECT id FROM t WHERE a > 0 LIMIT 400);
      COMMIT;
      """, down: "UPDATE t SET a = -a, b = NULL", checkAfter: "SELECT b = -2 * a FROM t")

  @Test("Batches run until they change no row, and tell how far they are", arguments: SchemaBackend.all)
  func batches(_ backend: SchemaBackend) async throws {
    let scene = try await filled(backend)
    let events = EventList()
    let migrator = scene.migrator([Self.fill], events: events)
    let runs = try await migrator.up()
    #expect(runs.map(\.batchRows) == [2000])
    #expect(events.progress == [300, 600, 900, 1000, 1400, 1800, 2000])
    #expect(try await scene.value("SELECT count(*) FROM t WHERE b = -2 * a AND a < 0") == "1000")
    #expect(try await migrator.down(to: 0).count == 1)
    #expect(try await scene.value("SELECT count(*) FROM t WHERE a = id AND b IS NULL") == "1000")
    if backend == .sqlite {
      #expect(!FileManager.default.fileExists(atPath: scene.name + "-schema-lock"))
    }
  }

  @Test("Ten runners at once go the batches once", arguments: SchemaBackend.all)
  func atOnce(_ backend: SchemaBackend) async throws {
    let scene = try await filled(backend)
    let runs = try await withThrowingTaskGroup(of: [MigrationRun].self) { group in
      for _ in 0..<10 { group.addTask { try await scene.migrator([Self.fill]).up() } }
      return try await group.reduce(into: []) { $0 += $1 }
    }
    #expect(runs.map(\.batchRows) == [2000])
    #expect(try await scene.value("SELECT count(*) FROM agentbase_migration_audit") == "1")
  }

  @Test("Half way, the state says how to go on, and the next run does", arguments: SchemaBackend.all)
  func halfWay(_ backend: SchemaBackend) async throws {
    let scene = try await filled(backend)
    func step(_ last: String) -> Migration {
      Migration(
        version: 1, name: "half",
        up: """
          -- agentbase: no-transaction
          -- agentbase: batch
          UPDATE t SET b = a * 2 WHERE id IN (SELECT id FROM t WHERE b IS NULL LIMIT 300);
          \(last);
          """, down: "-- agentbase: no-transaction\nDROP TABLE IF EXISTS later;\nUPDATE t SET b = NULL;")
    }
    let broken = scene.migrator([step("INSERT INTO nowhere VALUES (1)")])
    let error = await MigrationScene.error { try await broken.up() }
    #expect(error?.code == .stepFailed && error?.line == 4, "\(error?.message ?? "")")
    #expect(
      error?.advice?.contains("half done") == true && error?.advice?.contains("schema down --to 0") == true)
    let status = try await broken.status()
    #expect(status.version == 0 && status.steps.map(\.state) == [.unfinished])
    #expect(status.steps.first?.note?.contains("nowhere") == true)
    #expect(try await scene.value("SELECT count(*) FROM t WHERE b IS NOT NULL") == "1000")

    // On: the mended step is run again from its first statement, which finds nothing to do.
    let mended = scene.migrator([step("CREATE TABLE later (a INTEGER)")])
    #expect(try await mended.steps(to: .up(to: nil)).map(\.isResumed) == [true])
    #expect(try await mended.up().map(\.batchRows) == [0])
    #expect(try await mended.status().steps.map(\.state) == [.applied])
    #expect(try await mended.down(to: 0).count == 1)

    // Or back.
    _ = await MigrationScene.error { try await broken.up() }
    #expect(try await broken.down(to: 0).map(\.direction) == [.down])
    #expect(try await scene.value("SELECT count(*) FROM t WHERE b IS NOT NULL") == "0")
    #expect(try await broken.status().steps.map(\.state) == [.pending])
    #expect(
      try await scene.rows("SELECT action, state FROM agentbase_migration_audit ORDER BY id") == [
        ["up", "given up"], ["up", "done"], ["down", "done"], ["up", "given up"], ["down", "done"],
      ])
  }

  @Test(
    "An index that could not be built beside writers is dropped and built again",
    arguments: SchemaBackend.all.filter { $0 != .sqlite })
  func concurrentIndex(_ backend: SchemaBackend) async throws {
    let scene = try await filled(backend)
    try await scene.execute("UPDATE t SET a = 7 WHERE id < 3")
    // One that was invalid before is not ours to drop.
    await #expect(throws: PostgresError.self) {
      try await scene.execute("CREATE UNIQUE INDEX CONCURRENTLY theirs ON t (a)")
    }
    let step = Migration(
      version: 1, name: "unique",
      up: "-- agentbase: no-transaction\nCREATE UNIQUE INDEX CONCURRENTLY ours ON t (a);",
      down: "DROP INDEX ours")
    let migrator = scene.migrator([step])
    let error = await MigrationScene.error { try await migrator.up() }
    #expect(error?.code == .stepFailed && error?.message.contains("line 2") == true)
    let invalid = "SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid ORDER BY 1"
    #expect(try await scene.rows(invalid) == [["theirs"], ["ours"]])
    try await scene.execute("DELETE FROM t WHERE id < 3")
    try await scene.execute("INSERT INTO t VALUES (1, 1), (2, 2)")
    #expect(try await migrator.up().count == 1)
    #expect(try await scene.rows(invalid) == [["theirs"]])
  }

  @Test(
    "A connection that is lost between batches leaves whole batches, and the next run goes on behind them",
    arguments: SchemaBackend.all.filter { $0 != .sqlite })
  func lost(_ backend: SchemaBackend) async throws {
    let scene = try await filled(backend)
    let step = Migration(
      version: 1, name: "slow",
      up: """
        -- agentbase: no-transaction
        -- agentbase: batch
        UPDATE t SET b = a WHERE (SELECT pg_sleep(0.05)) IS NOT NULL AND id IN (SELECT id FROM t WHERE b IS NULL LIMIT 100);
        """, down: nil)
    let events = EventList()
    let migrator = scene.migrator([step], events: events)
    async let failure = MigrationScene.error { try await migrator.up() }
    while events.progress.count < 2 { try await Task.sleep(for: .milliseconds(5)) }
    try await scene.execute(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'agentbase schema' AND datname = current_database()"
    )
    #expect(await failure?.code == .connectionLost)
    #expect(await failure?.advice?.contains("agentbase schema up runs it again") == true)
    let done = Int(try await scene.value("SELECT count(*) FROM t WHERE b IS NOT NULL") ?? "") ?? -1
    #expect(done >= 200 && done < 1000 && done.isMultiple(of: 100))
    #expect(try await migrator.status().steps.map(\.state) == [.unfinished])
    #expect(try await migrator.up().map(\.batchRows) == [1000 - done])
    #expect(try await migrator.status().steps.map(\.state) == [.applied])
  }
}
