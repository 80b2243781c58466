// Our own schema up and down with agents' data in it, and databases that are a version behind or ahead.

import AgentBase
import Foundation
import Migrations
import Postgres
import PrivateServer
import SQLite
import Schema
import Synchronization
import TestSupport
import Testing

@Suite("Schema: our own") struct OwnSchemaTests {
  private func agent(
    _ scene: MigrationScene, url: String? = nil, events: (@Sendable (AgentEvent) -> Void)? = nil
  )
    async throws -> Agent
  {
    var config = AgentConfig(
      name: "own",
      memoryBackend: scene.backend == .sqlite ? .sqliteFile(scene.name) : .postgres(url: url ?? scene.name))
    config.keepsHistory = true
    config.eventHandler = nil
    if let events { config.onEvent = events }
    return try await Agent(config)
  }

  /// All that an agent reads, as one text.
  private func reading(_ scene: MigrationScene) async throws -> String {
    let agent = try await agent(scene)
    var lines: [String] = []
    for try await memory in agent.memories(in: .all) {
      lines.append(
        "\(memory.key) \(memory.value.json.text) \(memory.version) \(memory.timeToLive as Any) \(memory.embedding as Any)"
      )
      for old in try await agent.history(of: memory.key, namespace: memory.namespace).versions {
        lines.append("  was \(old.version)")
      }
    }
    for hit in try await agent.searchMemories(matching: "cats").hits {
      lines.append("found \(hit.memory.key)")
    }
    for tool in try await agent.tools() {
      lines.append("tool \(tool.name) \(tool.usageCount) \(tool.successRate as Any)")
    }
    for metric in try await agent.metrics("latency") { lines.append("metric \(metric.value as Any)") }
    for execution in try await agent.executions() { lines.append("execution \(execution.status.rawValue)") }
    await agent.close()
    return lines.joined(separator: "\n")
  }

  @Test(
    "Down to any version and up again: all that agents keep is there as it was", arguments: SchemaBackend.all)
  func roundTrip(_ backend: SchemaBackend) async throws {
    let scene = try await MigrationScene(backend)
    let agent = try await agent(scene)
    try await agent.storeMemory("plan", "a plan of cats", expiresIn: .seconds(9_000_000))
    try await agent.storeMemory("plan", "a second plan of cats", expiresIn: .seconds(9_000_000))
    try await agent.storeMemory("vector", 1, embedding: [1, 2.5])
    try await agent.storeMemory("nested", ["a": [1, 2]] as JSON, namespace: "users/1")
    try await agent.registerTool("search", description: "Looks it up")
    try await agent.recordToolUse("search", count: 3, succeeded: true, duration: .milliseconds(60))
    try await agent.recordMetric("latency", 12.5, unit: "ms")
    _ = try await agent.withExecution("crawl") { 17 }
    await agent.close()
    let before = try await reading(scene)
    #expect(before.contains("was ") && before.contains("found plan") && before.contains("tool search 3"))
    let migrator = OwnSchema.migrator(scene.database)
    let newest = migrator.plan.migrations.count
    for version in (0..<newest).reversed() {
      try await migrator.down(to: version)
      #expect(try await migrator.status().version == version)
      try await migrator.up()
      #expect(try await reading(scene) == before, "down to \(version) and up")
      let kept =
        backend == .sqlite
        ? "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'agentbase_schema_kept%'"
        : "SELECT count(*) FROM pg_class WHERE relname LIKE 'agentbase_schema_kept%' AND relkind = 'r'"
      #expect(try await scene.value(kept) == "0", "down to \(version)")
    }
    let verification = OwnSchema.withoutWhatMayDiffer(try await migrator.verify())
    #expect(verification.holds, "\(verification.differences)")
  }

  @Test(
    "What was written while the schema was older stays, and what it could not hold comes back beside it",
    arguments: SchemaBackend.all)
  func writtenBetween(_ backend: SchemaBackend) async throws {
    let scene = try await MigrationScene(backend)
    let agent = try await agent(scene)
    for key in ["kept", "changed", "gone"] {
      try await agent.storeMemory(key, "of cats", expiresIn: .seconds(9_000_000))
    }
    let versions = try await agent.memories(in: .all).reduce(into: [:]) { $0[$1.key] = $1.version }
    await agent.close()
    let migrator = OwnSchema.migrator(scene.database)
    let old = backend == .sqlite ? 1 : 3
    try await migrator.down(to: old)
    let table = backend == .sqlite ? "agentbase_memories" : "agent_memories"
    let text = backend == .sqlite ? "'\"of dogs\"'" : "'\"of dogs\"'::jsonb"
    let time = "'2031-01-01T00:00:00.000000Z'"
    #expect(try await !scene.columns(table).contains("words"))
    try await scene.execute(
      """
      UPDATE \(table) SET content = \(text), updated_at = \(time) WHERE key = 'changed';
      DELETE FROM \(table) WHERE key = 'gone';
      INSERT INTO \(table) (agent_id, namespace, key, content, metadata, created_at, updated_at\(backend == .sqlite ? "" : ", written_by"))
        VALUES ('own', '', 'new', \(text), '{}', \(time), \(time)\(backend == .sqlite ? "" : ", 'agent'"));
      """)
    try await migrator.up()
    let again = try await self.agent(scene)
    let memories = try await again.memories(in: .all).reduce(into: [:]) { $0[$1.key] = $1 }
    #expect(memories.keys.sorted() == ["changed", "kept", "new"])
    #expect(memories["kept"]?.version == versions["kept"])
    #expect(memories["kept"]?.timeToLive == .seconds(9_000_000))
    #expect(memories["changed"]?.version != versions["changed"])
    #expect(memories["changed"]?.value.json == "of dogs")
    #expect(
      try await again.searchMemories(matching: "dogs").hits.map(\.memory.key).sorted() == ["changed", "new"])
    #expect(try await again.searchMemories(matching: "cats").hits.map(\.memory.key) == ["kept"])
    await again.close()
  }

  @Test(
    "A database of the version before is read and written by a user who may not change it",
    arguments: TestServer.versions)
  func versionBefore(_ version: TestServer.Version) async throws {
    let scene = try await MigrationScene(version == .v15 ? .postgres15 : .postgres18)
    let migrator = OwnSchema.migrator(scene.database)
    let newest = migrator.plan.migrations.count
    // The version before, whichever that is now.
    let oldest = newest - 1
    try await migrator.up(to: oldest)
    let server = try await TestServer.shared(version)
    let role = "user_\(UInt32.random(in: 0...UInt32.max))"
    try await scene.execute(
      """
      CREATE ROLE \(role) LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC;
      GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO \(role)
      """)
    guard case .postgres(let configuration) = scene.database else { return }
    let url = server.server.url(database: try #require(configuration.database), user: role)
    let told = Told()
    let agent = try await agent(scene, url: url) { told.add($0.message) }
    try await agent.storeMemory("key", "of cats", embedding: [1, 2])
    try await agent.storeMemory("key", "of more cats", embedding: [1, 3])
    #expect(try await agent.retrieveMemory("key", as: String.self) == "of more cats")
    #expect(try await agent.searchMemories(matching: "more").hits.map(\.memory.key) == ["key"])
    #expect(try await agent.history(of: "key").versions.count == 1)
    try await agent.registerTool("search")
    try await agent.recordMetric("latency", 1)
    _ = try await agent.withExecution("crawl") { 1 }
    #expect(try await agent.deleteMemory("key"))
    await agent.close()
    #expect(
      told.all.contains { $0.contains("\(newest - oldest) behind") && $0.contains("agentbase schema up") },
      "\(told.all)")

    // One that is further behind is refused, with what to do.
    try await migrator.down(to: oldest - 1)
    let refused = await #expect(throws: AgentBaseError.self) { _ = try await self.agent(scene, url: url) }
    #expect(refused?.code == .permission && refused?.description.contains("agentbase schema up") == true)
    try await scene.execute("DROP OWNED BY \(role); DROP ROLE \(role)")
  }

  private final class Told: Sendable {
    private let messages = Mutex<[String]>([])
    func add(_ message: String) { messages.withLock { $0.append(message) } }
    var all: [String] { messages.withLock { $0 } }
  }

  @Test(
    "A database that is newer than the program is refused, and an older program can take it back",
    arguments: SchemaBackend.all)
  func newer(_ backend: SchemaBackend) async throws {
    let scene = try await MigrationScene(backend)
    var migrator = OwnSchema.migrator(scene.database)
    let newest = migrator.plan.migrations.count
    let step = Migration(
      version: newest + 1, name: "future", up: "CREATE TABLE future (a INTEGER)", down: "DROP TABLE future")
    migrator.plan = MigrationPlan(migrator.plan.migrations + [step])
    try await migrator.up()
    try await scene.execute("INSERT INTO future VALUES (7)")
    if backend != .sqlite {
      let refused = await #expect(throws: AgentBaseError.self) { _ = try await self.agent(scene) }
      #expect(refused?.code == .schema && refused?.message.contains("version \(newest + 1)") == true)
      #expect(refused?.advice?.contains("agentbase schema down --to \(newest)") == true)
    }
    let today = OwnSchema.migrator(scene.database)
    #expect(await MigrationScene.error { try await today.up() }?.code == .newer)
    #expect(try await today.down(to: newest).map(\.name) == ["future"])
    let opened = try await agent(scene)
    try await opened.storeMemory("key", 1)
    await opened.close()
    try await migrator.up()
    #expect(try await scene.value("SELECT a FROM future") == "7")
  }

  @Test("Tables from before there were audit lines are understood", arguments: SchemaBackend.all)
  func withoutAudit(_ backend: SchemaBackend) async throws {
    let scene = try await MigrationScene(backend)
    let migrator = OwnSchema.migrator(scene.database)
    try await migrator.up(to: 2)
    try await scene.execute("DROP TABLE agentbase_schema_audit")
    let status = try await migrator.status()
    #expect(
      status.version == 2 && status.steps[1].state == .applied && status.steps[1].applied?.appliedAt != nil)
    #expect(try await migrator.up().count == migrator.plan.migrations.count - 2)
    #expect(try await migrator.down(to: 1).last?.version == 2)
  }
}
