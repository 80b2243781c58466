// Rows that are there already: what each policy makes of them, when the target was changed behind our back.

import AgentBase
import LegacyImport
import Postgres
import TestSupport
import Testing

@Suite struct ConflictTests {
  /// A scene in which one row was altered and one deleted by hand, and one deleted by its agent.
  private func tamperedScene() async throws -> ImportScene {
    let scene = try await ImportScene(.v15)
    _ = try await scene.importAll()
    let agent = try await Agent(
      AgentConfig(name: "operational_crawler", memoryBackend: .postgres(url: scene.url)))
    #expect(try await agent.deleteMemory("3"))
    await agent.close()
    let mine = "agent_id = 'operational_crawler' AND metadata ->> 'source_table' = 'memory'"
    try await scene.execute(
      PostgresStatement(
        sql: "UPDATE agent_memories SET content = '{\"content\": \"forged\"}' WHERE key = '1' AND \(mine)"))
    try await scene.execute(PostgresStatement(sql: "DELETE FROM agent_memories WHERE key = '2' AND \(mine)"))
    return scene
  }

  @Test func skipLeavesTheTargetAsItIs() async throws {
    let scene = try await tamperedScene()
    let report = try await scene.importAll()
    #expect(report.tables.allSatisfy { $0.loaded == 0 })
    #expect(report.exitCode == 4)
    #expect(Set(report.verification?.differences.map(\.kind) ?? []) == [.altered, .missing])
    #expect(report.verification?.deleted == 1)
  }

  @Test func updatePutsTheSourcesRowsBackButNotThoseThatAnAgentDeleted() async throws {
    let scene = try await tamperedScene()
    let report = try await scene.importAll { $0.onConflict = .update }
    #expect(report.exitCode == 0)
    #expect(report.tables.reduce(0) { $0 + $1.loaded } == 2)
    #expect(report.tables.allSatisfy { $0.read == $0.loaded + $0.alreadyThere + $0.rejected })
    #expect(report.verification?.deleted == 1)
    #expect(
      try await scene.count(
        "SELECT count(*) FROM agent_memories WHERE agent_id = 'operational_crawler' AND key = '3'") == 0)
    let again = try await scene.importAll()
    #expect(again.exitCode == 0)
    #expect(again.tables.allSatisfy { $0.loaded == 0 })
  }

  @Test func failStopsBeforeAnythingIsWritten() async throws {
    let scene = try await tamperedScene()
    let error = await #expect(throws: ImportError.self) {
      try await scene.importAll { $0.onConflict = .fail }
    }
    #expect(error?.code == .conflict)
    #expect(
      try await scene.count(
        "SELECT count(*) FROM agent_memories WHERE agent_id = 'operational_crawler' AND key = '2'") == 0)
  }

  @Test func failIsNoObstacleToAFirstImport() async throws {
    let scene = try await ImportScene(.v15)
    #expect(try await scene.importAll { $0.onConflict = .fail }.exitCode == 0)
  }

  @Test func aMissingRightIsFoundBeforeTheFirstRow() async throws {
    let server = try await TestServer.shared(.v15)
    let scene = try await ImportScene(.v15)
    _ = try await scene.importAll()
    let role = "reader_\(UInt32.random(in: 0...UInt32.max))"
    try await server.createRole(role, password: "secret")
    try await scene.execute(
      PostgresStatement(sql: "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO \(role)")
    )
    try await scene.execute(PostgresStatement(sql: "REVOKE INSERT ON agent_metrics FROM \(role)"))
    var configuration = try PostgresConfiguration(scene.url)
    configuration["user"] = role
    let url = scene.url.replacing("user=postgres", with: "user=\(role)&password=secret")
    for isDryRun in [true, false] {
      let error = await #expect(throws: ImportError.self) {
        var options = ImportOptions(postgresURL: url)
        options.isDryRun = isDryRun
        return try await Importer(scene.discovery(), options: options).run()
      }
      #expect(error?.description.contains("agent_metrics") == true)
      #expect(error?.description.contains("secret") == false)
    }
  }
}
