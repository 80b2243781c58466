// A change that the other side refuses: it is named, what was changed before it is carried, and it can be set aside.

import AgentBase
import Foundation
import Postgres
import PrivateServer
import SQLite
import TestSupport
import Testing

@Suite("Cut-over: refusals") struct CutoverRefusalTests {
  private func run(_ scene: CutoverScene, _ words: String...) async throws -> Command {
    try await Command.run(
      ["cutover"] + words + ["--agent", scene.id, "--sqlite", scene.path, "--postgres-url", scene.url],
      in: scene.folder.path)
  }

  @Test(
    "By either side: all else is carried, what is refused is set aside, and tried again",
    arguments: [false, true])
  func refused(_ isBack: Bool) async throws {
    let scene = try await CutoverScene()
    try await scene.set(.dualSQLite)
    let agent = try await scene.agent()
    try await agent.storeMemory("a", 1)
    try await scene.untilCarried(agent)
    if isBack {
      try await scene.set(.postgresPrimary)
      try SQLiteConnection(path: scene.path).executeScript(
        """
        CREATE TRIGGER no_bad BEFORE INSERT ON agentbase_memories WHEN new.key LIKE 'bad%' BEGIN
          SELECT RAISE(ABORT, 'no bad ones');
        END
        """)
    } else {
      let connection = try await PostgresConnection.connect(try PostgresConfiguration(scene.url))
      try await connection.executeScript(
        "ALTER TABLE agent_memories ADD CONSTRAINT no_bad CHECK (key NOT LIKE 'bad%')")
      await connection.close()
    }
    for number in 0..<30 { try await agent.storeMemory("before \(number)", number) }
    try await agent.storeMemory("bad 1", ["kept": true])
    for number in 0..<30 { try await agent.storeMemory("after \(number)", number) }
    try await agent.storeMemory("bad 2", 2)
    try await agent.recordMetric("m", 1)
    try await until { try await agent.cutoverStatus()?.failure?.contains("bad 1") ?? false }
    let health = await agent.healthCheck()
    #expect(health.isHealthy && health.cutover?.lag ?? 0 > 30 && health.cutover?.failure != nil)
    let status = try await run(scene, "status")
    #expect(status.exitCode == 0 && status.output.contains("warning: the memory \"bad 1\" is refused"))
    // What was changed before it is there.
    try await until { try await agent.cutoverStatus()?.lag ?? 0 <= 33 }

    let aside = try await run(scene, "set-aside")
    let lines = aside.output.split(separator: "\n").map(String.init)
    #expect(aside.exitCode == 0 && lines.count >= 4, "\(aside.output)\(aside.errors)")
    #expect(lines.first?.hasPrefix("set aside: memory bad 1: ") == true, "\(aside.output)")
    #expect(lines.contains("2 changes set aside, as the other side has refused them"), "\(aside.output)")
    try await scene.untilCarried(agent)
    #expect(try await agent.cutoverStatus()?.setAside == 2)
    let compared = try await run(scene, "compare")
    #expect(compared.exitCode == 4 && compared.output.contains("differs: memory bad 1"))
    #expect(!compared.output.contains("after"))
    let kept =
      isBack
      ? try await scene.count(
        "SELECT count(*) FROM agent_outbox_set_aside WHERE state -> 'value' = '{\"kept\": true}'")
      : try Int(
        #require(
          SQLiteConnection(path: scene.path).queryOne(
            "SELECT count(*) FROM agentbase_set_aside WHERE state ->> '$.value.kept' = 1")?[0].int64))
    #expect(kept == 1)

    // Nothing refuses it any more.
    if isBack {
      try SQLiteConnection(path: scene.path).executeScript("DROP TRIGGER no_bad")
    } else {
      let connection = try await PostgresConnection.connect(try PostgresConfiguration(scene.url))
      try await connection.executeScript("ALTER TABLE agent_memories DROP CONSTRAINT no_bad")
      await connection.close()
    }
    #expect(try await run(scene, "compare", "--repair").exitCode == 0)
    try await scene.expectEqual()
    #expect(try await agent.cutoverStatus()?.setAside == 0)
    await agent.close()
  }

  @Test("Events tell how many changes wait, and when none does any more")
  func lag() async throws {
    let server = try await TestServer.dedicated(TestServer.versions.last ?? .v15)
    let scene = try await CutoverScene(url: try await server.freshDatabase())
    try await scene.set(.dualSQLite)
    try await server.server.stop()
    let events = Shared<[AgentEvent]>([])
    let agent = try await scene.agent {
      $0.onEvent = { event in if event.kind == .replication { events.withLock { $0.append(event) } } }
    }
    try await agent.storeMemories((0..<1200).map { MemoryItem("key \($0)", $0) })
    try await until { events.withLock { $0.contains { $0.count ?? 0 >= 1000 && $0.level == .warning } } }
    try await server.server.start()
    try await until { events.withLock { $0.contains { $0.count == 0 && $0.level == .info } } }
    try await scene.expectEqual()
    await agent.close()
    try await server.server.remove()
  }
}
