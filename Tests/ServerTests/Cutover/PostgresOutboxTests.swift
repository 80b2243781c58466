// The outbox of Postgres: what each statement's changes leave there, whoever made them.

import AgentBase
import Foundation
import Postgres
import SQLite
import TestSupport
import Testing

@Suite("Cut-over: Postgres' outbox") struct PostgresOutboxTests {
  @Test(
    "A statement notes what it has changed, whoever runs it; one that carries, or is undone, notes nothing")
  func noted() async throws {
    let scene = try await CutoverScene()
    try await scene.set(.dualSQLite)
    try await scene.set(.postgresPrimary)
    let agent = try await scene.agent()
    let connection = try await PostgresConnection.connect(try PostgresConfiguration(scene.url))
    _ = try await connection.query("SELECT pg_advisory_lock(agentbase_cutover_key(\(scene.id)))")
    func lines() async throws -> Int { try await scene.count("SELECT count(*) FROM agent_outbox") }
    for _ in 0..<2 {
      let before = try await lines()
      try await agent.storeMemories((0..<500).map { MemoryItem("many \($0)", $0) })
      #expect(try await lines() == before + 500)
    }
    for number in 0..<3 { try await agent.storeMemory("one", number) }
    #expect(try await lines() == 1003)
    _ = try? await agent.transaction { transaction in
      try await transaction.storeMemory("undone", 1)
      throw CancellationError()
    }
    try await agent.registerTool("tool")
    try await agent.recordMetric("m", 1)
    #expect(try await lines() == 1005)
    // By hand: several rows, none, and another agent's, who is in no cut-over.
    try await connection.executeScript(
      "UPDATE agent_memories SET metadata = '{\"a\": 1}' WHERE key IN ('many 1', 'many 2', 'one')")
    #expect(try await lines() == 1008)
    try await connection.executeScript("UPDATE agent_memories SET metadata = '{}' WHERE key = 'none'")
    try await connection.executeScript(
      """
      INSERT INTO agents (id, name) VALUES ('other', 'other');
      INSERT INTO agent_memories (agent_id, key, content) VALUES ('other', 'x', '1'), ('crawler', 'by hand', '1')
      """)
    #expect(try await lines() == 1009)
    try await connection.executeScript(
      "BEGIN; SET LOCAL agentbase.carrying = 'on'; DELETE FROM agent_memories WHERE key = 'none'; COMMIT")
    try await connection.executeScript("DELETE FROM agent_memories WHERE key = 'many 3'")
    #expect(try await lines() == 1010)
    await connection.close()
    try await scene.untilCarried(agent)
    try await scene.expectEqual()
    #expect(
      try SQLiteConnection(path: scene.path).queryOne("SELECT count(*) FROM agentbase_memories")?[0] == 501)
    await agent.close()
  }

  @Test("The triggers of the step before do the same, on the way up and back")
  func before() async throws {
    let scene = try await CutoverScene()
    try await scene.set(.dualSQLite)
    try await scene.set(.postgresPrimary)
    let agent = try await scene.agent()
    try await agent.storeMemory("a", 1)
    try await scene.untilCarried(agent)
    let triggers = """
      SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'agentbase\\_%' AND pg_get_triggerdef(oid) LIKE '%carrying%'
      """
    #expect(try await scene.count(triggers) == 0)
    func schema(_ words: String...) async throws {
      let command = try await Command.run(
        ["schema"] + words + ["--database", scene.url, "--quiet"], in: scene.folder.path)
      #expect(command.exitCode == 0, "\(command.errors)")
    }
    try await schema("down", "--to", "10")
    #expect(try await scene.count(triggers) == 15)
    try await agent.storeMemory("b", 2)
    try await scene.untilCarried(agent)
    try await schema("up")
    #expect(try await scene.count(triggers) == 15)
    try await agent.storeMemory("c", 3)
    try await scene.untilCarried(agent)
    try await scene.expectEqual()
    // What is carried to Postgres is noted by neither.
    try await scene.set(.dualSQLite)
    try await agent.storeMemory("d", 4)
    try await scene.untilCarried(agent)
    #expect(try await scene.count("SELECT count(*) FROM agent_outbox") == 0)
    try await scene.expectEqual()
    await agent.close()
  }
}
