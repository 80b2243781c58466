// Old and new code side by side: whatever either writes, both shapes say the same, until the change is completed.

import Foundation
import Migrations
import Synchronization
import TestSupport
import Testing

@Suite("Schema: old and new code side by side") struct SideBySideTests {
  private func scene(_ backend: SchemaBackend) async throws -> (MigrationScene, GuideTables) {
    let scene = try await MigrationScene(backend)
    let tables = GuideTables(dialect: backend.dialect)
    try await scene.migrator([tables.base]).up()
    try await scene.execute(tables.rows(workers: 12))
    return (scene, tables)
  }

  @Test("A promotion", arguments: SchemaBackend.all)
  func promotion(_ backend: SchemaBackend) async throws {
    let (scene, tables) = try await scene(backend)
    let migrator = scene.migrator(
      [tables.base] + tables.promoteTimeout(.gradual(batch: 2)).migrations(from: 2))
    var random = SeededGenerator(seed: SeededGenerator.seed(for: "promotion"))
    let attribute =
      backend == .sqlite ? "metadata ->> '$.timeout_seconds'" : "(metadata ->> 'timeout_seconds')::bigint"
    let has = backend == .sqlite ? "metadata -> '$.timeout_seconds'" : "metadata -> 'timeout_seconds'"
    let differing =
      "SELECT router_id, metadata, timeout_seconds FROM routers WHERE CASE WHEN \(has) IS NULL THEN 300 ELSE \(attribute) END \(backend == .sqlite ? "IS NOT" : "IS DISTINCT FROM") timeout_seconds"
    func setting(_ value: String) -> String {
      backend == .sqlite
        ? "json_set(coalesce(metadata, '{}'), '$.timeout_seconds', \(value))"
        : "coalesce(metadata, '{}') || jsonb_build_object('timeout_seconds', \(value))"
    }
    let removing =
      backend == .sqlite ? "json_remove(metadata, '$.timeout_seconds')" : "metadata - 'timeout_seconds'"
    var next = 10
    func write() async throws {
      let router = "r\(Int.random(in: 1...next, using: &random))"
      let value =
        random.chance(0.1)
        ? "NULL" : random.chance(0.2) ? "300" : String(Int.random(in: 0...999, using: &random))
      switch Int.random(in: 0..<7, using: &random) {
      case 0:
        try await scene.execute(
          "UPDATE routers SET metadata = \(setting(value)) WHERE router_id = '\(router)'")
      case 1:
        try await scene.execute("UPDATE routers SET metadata = \(removing) WHERE router_id = '\(router)'")
      case 2:
        try await scene.execute("UPDATE routers SET timeout_seconds = \(value) WHERE router_id = '\(router)'")
      case 3: try await scene.execute("UPDATE routers SET metadata = NULL WHERE router_id = '\(router)'")
      case 4:
        next += 1
        try await scene.execute(
          "INSERT INTO routers (router_id, status, timeout_seconds) VALUES ('r\(next)', 'new', \(value))")
      case 5:
        next += 1
        let json = value == "NULL" ? "{}" : "{\"timeout_seconds\":\(value)}"
        try await scene.execute(
          "INSERT INTO routers (router_id, status, metadata) VALUES ('r\(next)', 'old', '\(json)')")
      default:
        try await scene.execute(
          "DELETE FROM routers WHERE router_id = '\(router)' AND router_id NOT IN ('r1', 'r2')")
      }
    }
    try await migrator.up(to: 2)
    for _ in 0..<10 { try await write() }
    try await migrator.up(to: 3)
    #expect(try await scene.rows(differing) == [])
    for _ in 0..<60 {
      try await write()
      let rows = try await scene.rows(differing)
      #expect(rows == [])
      if !rows.isEmpty { return }
    }
    let values = try await scene.rows("SELECT router_id, timeout_seconds FROM routers ORDER BY 1")
    // To the end and back into the time of both, in which all is in step again.
    try await migrator.up()
    #expect(try await scene.rows("SELECT router_id, timeout_seconds FROM routers ORDER BY 1") == values)
    try await migrator.down(to: 3)
    #expect(try await scene.rows(differing) == [])
    for _ in 0..<20 { try await write() }
    #expect(try await scene.rows(differing) == [])
    let read =
      "SELECT router_id, CASE WHEN \(has) IS NULL THEN 300 ELSE \(attribute) END FROM routers ORDER BY 1"
    let last = try await scene.rows("SELECT router_id, timeout_seconds FROM routers ORDER BY 1")
    try await migrator.down(to: 1)
    #expect(try await scene.rows(read) == last)
  }

  @Test("A restructuring", arguments: SchemaBackend.all)
  func restructuring(_ backend: SchemaBackend) async throws {
    let (scene, tables) = try await scene(backend)
    let migrator = scene.migrator(
      [tables.base] + tables.restructureWorkers(.gradual(batch: 5)).migrations(from: 2))
    var random = SeededGenerator(seed: SeededGenerator.seed(for: "restructuring"))
    let shared = "worker_id, planner_id, task_status, task_description, CAST(metadata AS text)"
    func differing() async throws -> [[String]] {
      try await scene.rows("SELECT \(shared) FROM workers EXCEPT SELECT \(shared) FROM workers_v2")
        + scene.rows("SELECT \(shared) FROM workers_v2 EXCEPT SELECT \(shared) FROM workers")
    }
    var next = 12
    func write(_ tables: [String]) async throws {
      let table = random.one(of: tables)
      let worker = "w\(Int.random(in: 1...next, using: &random))"
      switch Int.random(in: 0..<5, using: &random) {
      case 0, 1:
        try await scene.execute(
          "UPDATE \(table) SET task_status = 's\(next)', metadata = '{\"v\":\(next)}' WHERE worker_id = '\(worker)'"
        )
      case 2:
        try await scene.execute("DELETE FROM \(table) WHERE worker_id = '\(worker)' AND worker_id <> 'w1'")
      case 3:
        next += 1
        try await scene.execute(
          "INSERT INTO \(table) (worker_id, planner_id, task_status) VALUES ('w\(next)', 'p1', 'new')")
      default:
        next += 1
        try await scene.execute(
          "UPDATE \(table) SET worker_id = 'w\(next)' WHERE worker_id = '\(worker)' AND worker_id <> 'w1'")
      }
    }
    try await migrator.up(to: 2)
    // In the time of the copy old code alone is there.
    for _ in 0..<10 { try await write(["workers"]) }
    try await migrator.up(to: 3)
    #expect(try await differing() == [])
    for _ in 0..<50 {
      try await write(["workers", "workers_v2"])
      let rows = try await differing()
      #expect(rows == [])
      if !rows.isEmpty { return }
    }
    let rows = try await scene.rows("SELECT \(shared) FROM workers ORDER BY 1")
    try await migrator.up()
    #expect(try await scene.rows("SELECT \(shared) FROM workers ORDER BY 1") == rows)
    for _ in 0..<10 { try await write(["workers"]) }
    try await migrator.down(to: 3)
    #expect(try await differing() == [])
    for _ in 0..<20 { try await write(["workers", "workers_v2"]) }
    #expect(try await differing() == [])
    let last = try await scene.rows("SELECT \(shared) FROM workers ORDER BY 1")
    try await migrator.down(to: 1)
    #expect(try await scene.rows("SELECT \(shared) FROM workers ORDER BY 1") == last)
  }

  @Test("An attribute: rows that old code writes get it", arguments: SchemaBackend.all)
  func attribute(_ backend: SchemaBackend) async throws {
    let (scene, tables) = try await scene(backend)
    let migrator = scene.migrator([tables.base] + tables.addTimeout(.gradual(batch: 2)).migrations(from: 2))
    let lacking =
      "SELECT router_id FROM routers WHERE metadata ->> '\(backend == .sqlite ? "$." : "")timeout_seconds' IS NULL"
    try await migrator.up(to: 2)
    try await scene.execute(
      "INSERT INTO routers (router_id, status) VALUES ('r8', 'x'); INSERT INTO routers (router_id, status, metadata) VALUES ('r9', 'x', '{\"a\":1}')"
    )
    try await migrator.up(to: 3)
    #expect(try await scene.rows(lacking) == [])
    // Old code that writes the object whole does not lose what others have set.
    try await scene.execute(
      "UPDATE routers SET metadata = '{\"b\":2}' WHERE router_id = 'r2'; UPDATE routers SET metadata = NULL WHERE router_id = 'r1'"
    )
    #expect(try await scene.rows(lacking) == [])
    #expect(
      try await scene.rows(
        "SELECT metadata ->> '\(backend == .sqlite ? "$." : "")timeout_seconds' FROM routers WHERE router_id IN ('r1', 'r2') ORDER BY router_id"
      ) == [["300"], ["60"]])
    try await migrator.up()
    try await scene.execute("INSERT INTO routers (router_id, status) VALUES ('r10', 'x')")
    #expect(try await scene.rows(lacking) == [["r10"]])
  }

  @Test("Batches do not keep writers waiting", arguments: SchemaBackend.all)
  func writers(_ backend: SchemaBackend) async throws {
    let (scene, tables) = try await scene(backend)
    let fill =
      backend == .sqlite
      ? "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 40000) INSERT INTO routers (router_id, status, metadata) SELECT 'r' || i, 'x', '{\"timeout_seconds\":5}' FROM n"
      : "INSERT INTO routers (router_id, status, metadata) SELECT 'r' || i, 'x', '{\"timeout_seconds\":5}'::jsonb FROM generate_series(100, 40000) AS i"
    try await scene.execute(fill)
    let events = EventList()
    let migrator = scene.migrator(
      [tables.base] + tables.promoteTimeout(.gradual(batch: 1000)).migrations(from: 2), events: events)
    let running = Task { try await migrator.up(to: 3) }
    var longest = Duration.zero
    var writes = 0
    while events.progress.isEmpty { try await Task.sleep(for: .milliseconds(1)) }
    let isDone = Flagged()
    Task {
      _ = try? await running.value
      isDone.set()
    }
    while !isDone.value {
      let start = ContinuousClock.now
      try await scene.execute("UPDATE routers SET status = 'w\(writes)' WHERE router_id = 'r\(100 + writes)'")
      longest = max(longest, ContinuousClock.now - start)
      writes += 1
    }
    let runs = try await running.value
    print(
      "\(backend): \(runs.last?.batchRows ?? 0) rows in \(runs.last?.durationMilliseconds ?? 0) ms; \(writes) writes meanwhile, the longest \(longest)"
    )
    #expect(runs.last?.batchRows ?? 0 >= 39_901 && events.progress.count >= 40)
    #expect(writes > 3)
    #expect(longest.components.seconds < 2)
    #expect(try await scene.value("SELECT count(*) FROM routers WHERE timeout_seconds = 5") == "39901")
  }
}

/// Whether something has happened.
private final class Flagged: Sendable {
  private let state = Atomic<Bool>(false)
  func set() { state.store(true, ordering: .releasing) }
  var value: Bool { state.load(ordering: .acquiring) }
}
