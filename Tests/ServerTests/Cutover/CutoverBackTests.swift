// Postgres decides, and the file follows it: all that is written, once, in the last writer's state; and the way back to the file.

import AgentBase
import Foundation
import Postgres
import PrivateServer
import SQLite
import TestSupport
import Testing

@Suite("Cut-over: back") struct CutoverBackTests {
  /// A file whose agent writes to Postgres, and which follows it.
  private func scene(_ sql: String = "PRAGMA journal_mode = WAL", url: String? = nil) async throws
    -> CutoverScene
  {
    let scene = try await CutoverScene(sql, url: url)
    try await scene.set(.dualSQLite)
    let command = try await Command.run(
      ["import", "--sqlite", scene.path, "--agent", scene.id, "--postgres-url", scene.url, "--quiet"],
      in: scene.folder.path)
    #expect(command.exitCode == 0, "\(command.errors)")
    try await scene.set(.postgresPrimary)
    return scene
  }

  @Test("All that an agent writes to Postgres is in the file, as it wrote it")
  func carried() async throws {
    let scene = try await scene()
    let agent = try await scene.agent { $0.keepsHistory = true }
    try await agent.storeMemory("a", ["n": 1.10], metadata: ["m": [1]], embedding: [0.1, 2])
    try await agent.storeMemory("a", "again", namespace: "n/1", expiresIn: .seconds(3600))
    let version = try await agent.storeMemory("b", 1)
    try await agent.storeMemory("b", 2, expecting: .version(version))
    // New keys, and so many that they are copied.
    try await agent.storeMemories((0..<150).map { MemoryItem("many \($0)", $0) })
    try await agent.deleteMemory("many 7")
    try await agent.registerTool("parse", description: "d", configuration: ["k": 1.5], metadata: ["a": 1])
    try await agent.recordToolUse("parse", count: 2, succeeded: true, duration: .milliseconds(30))
    try await agent.registerTool("gone")
    try await agent.deleteTool("gone")
    try await agent.recordMetric("m", 2.5, unit: "ms", metadata: ["a": 1])
    try await agent.withExecution("task", input: ["i": 1], metadata: ["a": 1]) { ["o": 2] }
    let running = try await agent.beginExecution("running")
    try await agent.transaction { transaction in
      try await transaction.storeMemory("order", "paid")
      try await transaction.recordMetric("orders", 1)
    }
    _ = try? await agent.transaction { transaction in
      try await transaction.storeMemory("never", 1)
      throw CancellationError()
    }
    #expect(try await agent.cutoverStatus()?.phase == .postgresPrimary)
    try await scene.untilCarried(agent)
    try await scene.expectEqual()

    // Back in the file, which goes on from there.
    try await scene.set(.dualSQLite)
    #expect(try await agent.cutoverStatus()?.phase == .dualSQLite)
    let a = try await agent.memory("a")
    #expect(a?.embedding == [0.1, 2] && a?.metadata == ["m": [1]])
    #expect(try await agent.memory("a", namespace: "n/1")?.timeToLive == .seconds(3600))
    #expect(try await agent.memory("b")?.version == version + 1)
    #expect(try await agent.history(of: "b").versions.map(\.version) == [version])
    #expect(try await agent.memory("never") == nil)
    #expect(try await agent.searchMemories(matching: "again").hits.map(\.memory.key) == ["a"])
    try await agent.finishExecution(running, output: 1)
    try await agent.storeMemory("b", 3)
    try await agent.deleteMemory("order")
    try await scene.untilCarried(agent)
    try await scene.expectEqual()
    #expect(try await scene.count("SELECT count(*) FROM agent_metrics") == 2)
    #expect(try await scene.count("SELECT count(*) FROM agent_executions") == 2)
    await agent.close()
  }

  @Test("Nobody writes to the side that follows: neither an agent with it alone, nor SQL by hand")
  func fenced() async throws {
    let scene = try await CutoverScene()
    try await scene.set(.dualSQLite)
    let there = try await scene.agent(.postgres(url: scene.url))
    let early = await #expect(throws: AgentBaseError.self) { try await there.storeMemory("a", 1) }
    #expect(early?.code == .moved && early?.agent == scene.id)
    #expect(early?.advice?.contains("dual") == true)
    let batch = await #expect(throws: AgentBaseError.self) {
      try await there.storeMemories((0..<150).map { MemoryItem("many \($0)", $0) })
    }
    #expect(batch?.code == .moved)
    await #expect(throws: AgentBaseError.self) { try await there.recordMetric("m", 1) }
    await #expect(throws: AgentBaseError.self) { try await there.registerTool("t") }
    await #expect(throws: AgentBaseError.self) { try await there.beginExecution("e") }
    await #expect(throws: AgentBaseError.self) {
      try await there.transaction { try await $0.storeMemory("a", 1) }
    }
    let byHand = try await PostgresConnection.connect(try PostgresConfiguration(scene.url))
    let refused = await #expect(throws: PostgresError.self) {
      try await byHand.execute(
        "INSERT INTO agent_memories (agent_id, key, content) VALUES ('crawler', 'stray', '1')")
    }
    #expect(refused?.sqlState == "AB002")
    // Others are none of its business.
    let other = try await Agent(AgentConfig(name: "other", memoryBackend: .postgres(url: scene.url)))
    try await other.storeMemory("a", 1)
    #expect(try await other.deleteMemory("a"))
    await other.close()

    try await scene.set(.postgresPrimary)
    try await there.storeMemory("a", 1)
    _ = try await byHand.execute(
      "INSERT INTO agent_memories (agent_id, key, content) VALUES ('crawler', 'by hand', '7')")
    let old = try await scene.agent(.sqliteFile(scene.path))
    #expect(await #expect(throws: AgentBaseError.self) { try await old.storeMemory("a", 2) }?.code == .moved)
    await old.close()
    // An agent with Postgres alone is carried too, by whoever has both.
    let agent = try await scene.agent()
    try await scene.untilCarried(agent)
    try await scene.expectEqual()
    try await scene.set(.dualSQLite)
    #expect(try await agent.retrieveMemory("by hand", as: Int.self) == 7)
    let late = await #expect(throws: AgentBaseError.self) { try await there.storeMemory("a", 3) }
    #expect(late?.code == .moved)
    await byHand.close()
    await agent.close()
    // Where nobody is in a cut-over any more, nobody pays for it.
    try await scene.set(.postgresOnly)
    #expect(try await scene.count("SELECT count(*) FROM pg_trigger WHERE tgname = 'agentbase_insert'") == 0)
    try await there.storeMemory("a", 4)
    await there.close()
  }

  @Test("The hand-over under load, there and back: nothing is lost, and each process follows")
  func handOvers() async throws {
    let scene = try await scene(CutoverScene.legacySQL)
    let agent = try await scene.agent()
    let acknowledged = Shared<[String: Int]>([:])
    let isOver = Shared(false)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for task in 0..<6 {
        group.addTask {
          var number = 0
          while !isOver.withLock({ $0 }) {
            let key = number.isMultiple(of: 7) ? "old \(task)" : "live \(task) \(number % 5)"
            if number.isMultiple(of: 4) {
              let value = number
              try await agent.transaction { transaction in
                try await transaction.storeMemory(key, value)
                try await transaction.recordMetric("live", Double(value))
              }
            } else {
              try await agent.storeMemory(key, number)
            }
            let read = try await agent.retrieveMemory(key, as: Int.self)
            #expect(read == number)
            acknowledged.withLock { $0[key] = number }
            number += 1
            try await Task.sleep(for: .milliseconds(2))
          }
        }
      }
      for phase in [
        CutoverPhase.dualPostgres, .postgresPrimary, .postgresOnly, .postgresPrimary, .dualSQLite,
      ] {
        try await Task.sleep(for: .milliseconds(300))
        #expect(try await scene.set(phase).phase == phase)
      }
      try await Task.sleep(for: .milliseconds(700))
      isOver.withLock { $0 = true }
      try await group.waitForAll()
    }
    try await scene.untilCarried(agent)
    try await scene.expectEqual()
    for (key, number) in acknowledged.withLock({ $0 }) {
      #expect(try await agent.retrieveMemory(key, as: Int.self) == number, "\(key)")
    }
    #expect(acknowledged.withLock { $0.count } > 30)
    await agent.close()
  }

  @Test("Postgres alone, then the old file again: it is made what Postgres has become")
  func resumed() async throws {
    let scene = try await scene(CutoverScene.legacySQL)
    let agent = try await scene.agent()
    try await scene.set(.postgresOnly)
    try await agent.storeMemory("old 1", "changed")
    try await agent.deleteMemory("old 2")
    try await agent.storeMemory("new", [1, 2])
    try await agent.recordMetric("m", 1)
    let begun = try await agent.beginExecution("e")
    try await agent.registerTool("t")
    #expect(try await scene.set(.postgresPrimary).phase == .postgresPrimary)
    try await agent.finishExecution(begun)
    try await scene.untilCarried(agent)
    try await scene.expectEqual()
    // The agent's old code reads its table.
    let file = try SQLiteConnection(path: scene.path, access: .readOnly)
    #expect(try file.queryOne("SELECT value FROM memory WHERE key = 'old 1'")?[0] == .text("\"changed\""))
    #expect(try file.queryOne("SELECT value FROM memory WHERE key = 'old 2'") == nil)
    #expect(try file.queryOne("SELECT value FROM memory WHERE key = 'new'")?[0] == .text("[1, 2]"))
    #expect(try file.query("SELECT name FROM tools WHERE id > 1").map(\.values) == [["t"]])
    #expect(
      try file.query("SELECT metric_name, value FROM metrics WHERE id > 1").map(\.values) == [["m", 1.0]])
    #expect(
      try file.query("SELECT task, status FROM execution_log WHERE id > 1").map(\.values) == [
        ["e", "completed"]
      ])
    // What is deleted in Postgres goes there too.
    try await agent.deleteTool("t")
    try await scene.untilCarried(agent)
    #expect(try file.query("SELECT name FROM tools WHERE id > 1").isEmpty)
    try await scene.expectEqual()
    await agent.close()
  }

  @Test("A file of a rollback follows Postgres while agents go on; another agent's only file does not")
  func rolledBack() async throws {
    let scene = try await scene(CutoverScene.legacySQL)
    let agent = try await scene.agent()
    try await scene.set(.postgresOnly)
    for number in 0..<20 { try await agent.storeMemory("since \(number)", number) }
    try await agent.recordMetric("since", 1)
    try await agent.withExecution("since") { 1 }
    let again = try scene.folder.file("again/memory.db")
    let rollback = try await Command.run(
      ["rollback", "--postgres-url", scene.url, "--sqlite", again, "--agent", scene.id, "--quiet"],
      in: scene.folder.path)
    #expect(rollback.exitCode == 0, "\(rollback.errors)")
    #expect(try Self.legacyRows(again) == [[20, 1, 1]])
    // Written between the rollback and the phase.
    try await agent.storeMemory("since 3", "later")
    try await agent.recordMetric("since", 2)
    await agent.close()
    let new = CutoverScene(scene, path: again)
    #expect(try await new.set(.postgresPrimary).phase == .postgresPrimary)
    let next = try await new.agent()
    try await next.storeMemory("next", 1)
    try await new.untilCarried(next)
    try await new.expectEqual()
    #expect(try await next.metrics("since").count == 2)
    #expect(try Self.legacyRows(again) == [[20, 2, 1]])
    try await new.set(.dualSQLite)
    #expect(try await next.metrics("since").count == 2)
    #expect(try await next.executions(task: "since").count == 1)
    #expect(try await next.retrieveMemory("since 3", as: String.self) == "later")
    await next.close()

    // Nothing says that Postgres decides for this one: its file would be emptied.
    let own = try await CutoverScene(CutoverScene.legacySQL)
    let refused = await #expect(throws: AgentBaseError.self) { try await own.set(.postgresPrimary) }
    #expect(refused?.code == .cutover)
  }

  /// How many memories, measurements and executions of after the cut-over old code finds in its tables.
  private static func legacyRows(_ path: String) throws -> [[SQLiteValue]] {
    try SQLiteConnection(path: path, access: .readOnly).query(
      """
      SELECT (SELECT count(*) FROM memory WHERE key LIKE 'since%'), (SELECT count(*) FROM metrics WHERE metric_name = 'since'),
        (SELECT count(*) FROM execution_log WHERE task = 'since')
      """
    ).map(\.values)
  }

  @Test(
    "A hand-over that ends between the two commits is completed by whoever finds it",
    arguments: [false, true])
  func halfway(_ isBack: Bool) async throws {
    let scene = try await scene()
    let agent = try await scene.agent()
    try await agent.storeMemory("a", 1)
    try await scene.untilCarried(agent)
    if isBack {
      // As `set dual-sqlite` leaves it, killed behind Postgres' commit.
      _ = try await scene.count(
        "WITH changed AS (UPDATE agent_cutover SET phase = 'dual-sqlite', epoch = epoch + 1) SELECT 1::bigint"
      )
    } else {
      try await scene.set(.dualSQLite)
      // As `set postgres-primary` leaves it, killed behind the file's commit.
      try SQLiteConnection(path: scene.path).execute(
        "UPDATE agentbase_cutover SET phase = 'postgres-primary', epoch = epoch + 1")
    }
    try await agent.storeMemory("a", 2)
    try await agent.transaction { try await $0.storeMemory("b", 2) }
    let status = try await agent.cutoverStatus()
    #expect(status?.phase == (isBack ? .dualSQLite : .postgresPrimary))
    try await scene.untilCarried(agent)
    try await scene.expectEqual()
    #expect(try await agent.retrieveMemory("a", as: Int.self) == 2)
    await agent.close()
  }

  @Test("The file cannot be written: what waits is told, limited, and carried later")
  func fileLocked() async throws {
    let scene = try await scene()
    let agent = try await scene.agent {
      $0.outboxLimit = 50
      $0.waitLimit = .milliseconds(300)
    }
    try await agent.storeMemory("key", 0)
    try await scene.untilCarried(agent)
    let holder = try SQLiteConnection(path: scene.path)
    try holder.executeScript("BEGIN IMMEDIATE")
    var refused: AgentBaseError?
    for number in 1...500 where refused == nil {
      do {
        try await agent.storeMemory("key", number)
        try await Task.sleep(for: .milliseconds(20))
      } catch let error as AgentBaseError {
        refused = error
      }
    }
    #expect(refused?.code == .outboxFull && refused?.isSafeToRetry == true)
    let status = try await agent.cutoverStatus()
    #expect(status?.lag ?? 0 >= 50 && status?.waitingSince != nil)
    try await until { try await agent.cutoverStatus()?.failure != nil }
    try holder.executeScript("ROLLBACK")
    try await scene.untilCarried(agent)
    try await until { (try? await agent.storeMemory("key", "after")) != nil }
    try await scene.untilCarried(agent)
    try await scene.expectEqual()
    await agent.close()
  }
}
