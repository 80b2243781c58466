// While a cut-over is under way, what is written to the file comes to Postgres: all of it, once, in the last writer's state.

import AgentBase
import Foundation
import PrivateServer
import SQLite
import TestSupport
import Testing

@Suite("Cut-over: both databases") struct DualWriteTests {
  @Test("All that an agent writes is in Postgres, as it wrote it")
  func carried() async throws {
    let scene = try await CutoverScene()
    try await scene.set(.dualSQLite)
    let agent = try await scene.agent { $0.keepsHistory = true }
    try await agent.storeMemory("a", ["n": 1.10], metadata: ["m": [1]], embedding: [0.1, 2])
    try await agent.storeMemory("a", "again", namespace: "n/1", expiresIn: .seconds(3600))
    let version = try await agent.storeMemory("b", 1)
    try await agent.storeMemory("b", 2, expecting: .version(version))
    try await agent.storeMemories((0..<50).map { MemoryItem("many \($0)", $0) })
    try await agent.deleteMemory("many 7")
    try await agent.registerTool("parse", description: "d", configuration: ["k": 1.5], metadata: ["a": 1])
    try await agent.recordToolUse("parse", count: 2, succeeded: true, duration: .milliseconds(30))
    try await agent.registerTool("gone")
    try await agent.deleteTool("gone")
    try await agent.recordMetric("m", 2.5, unit: "ms", metadata: ["a": 1])
    try await agent.withExecution("task", input: ["i": 1], metadata: ["a": 1]) { ["o": 2] }
    _ = try await agent.beginExecution("running")
    try await agent.transaction { transaction in
      try await transaction.storeMemory("order", "paid")
      try await transaction.recordMetric("orders", 1)
    }
    _ = try? await agent.transaction { transaction in
      try await transaction.storeMemory("never", 1)
      throw CancellationError()
    }
    try await scene.untilCarried(agent)
    try await scene.expectEqual()

    let there = try await scene.agent(.postgres(url: scene.url))
    let (mine, theirs) = (try await agent.memory("a"), try await there.memory("a"))
    #expect(theirs?.value.json == mine?.value.json && theirs?.metadata == mine?.metadata)
    #expect(theirs?.embedding == [0.1, 2] && theirs?.version == mine?.version)
    #expect(theirs?.createdAt == mine?.createdAt && theirs?.updatedAt == mine?.updatedAt)
    let expiring = try await there.memory("a", namespace: "n/1")
    #expect(expiring?.timeToLive == .seconds(3600) && expiring?.expiresAt != nil)
    #expect(try await there.memory("b")?.version == version + 1)
    #expect(try await there.history(of: "b").versions.map(\.version) == [version])
    #expect(try await there.memory("never") == nil)
    #expect(try await there.memory("many 7") == nil)
    #expect(try await there.searchMemories(matching: "again").hits.map(\.memory.key) == ["a"])
    await there.close()
    await agent.close()
  }

  @Test(
    "An agent begins, and writes, while the server is down; what waits is told, limited, and carried later")
  func serverDown() async throws {
    let server = try await TestServer.dedicated(TestServer.versions.last ?? .v15)
    let scene = try await CutoverScene(url: try await server.freshDatabase())
    try await scene.set(.dualSQLite)
    try await server.server.stop()
    let events = Shared<[AgentEvent]>([])
    let agent = try await scene.agent {
      $0.outboxLimit = 100
      $0.onEvent = { event in events.withLock { $0.append(event) } }
    }
    for number in 0..<100 { try await agent.storeMemory("key \(number % 10)", number) }
    let status = try #require(try await agent.cutoverStatus())
    #expect(status.lag == 100 && status.waitingSince != nil)
    try await until { try await agent.cutoverStatus()?.failure != nil }
    #expect(events.withLock { $0.contains { $0.kind == .replication && $0.level == .warning } })
    let full = await #expect(throws: AgentBaseError.self) { try await agent.storeMemory("key 1", 1) }
    #expect(full?.code == .outboxFull)
    #expect(try await agent.retrieveMemory("key 1", as: Int.self) == 91)

    try await server.server.start()
    try await scene.untilCarried(agent)
    try await agent.storeMemory("key 1", "after")
    try await scene.untilCarried(agent)
    try await scene.expectEqual()
    #expect(try await agent.cutoverStatus()?.failure == nil)
    #expect(events.withLock { $0.contains { $0.kind == .replication && $0.level == .info } })
    await agent.close()
    try await server.server.remove()
  }

  @Test("The import runs while the agent writes: nothing is there twice, and nothing comes back")
  func importWhileWriting() async throws {
    let scene = try await CutoverScene(CutoverScene.legacySQL)
    let before = try await scene.agent(.sqliteFile(scene.path))
    let begun = try await before.beginExecution("begun before")
    await before.close()
    try await scene.set(.dualSQLite)
    let agent = try await scene.agent()
    let writer = Task {
      for number in 1...200 {
        try await agent.storeMemory("old \(number)", "new \(number)")
        if number.isMultiple(of: 3) { try await agent.deleteMemory("old \(number)") }
        try await agent.recordMetric("live", Double(number))
        if number == 100 { try await agent.finishExecution(begun, output: 1) }
        try await agent.withExecution("live") { number }
      }
    }
    let words = [
      "import", "--sqlite", scene.path, "--agent", scene.id, "--postgres-url", scene.url, "--quiet",
    ]
    // The second one finds that rows have changed since the first, which is no fault while an agent writes.
    for more in [[], ["--no-verify"], ["--no-verify"]] {
      let command = try await Command.run(words + more, in: scene.folder.path)
      #expect(command.exitCode == 0, "\(command.errors)")
    }
    try await writer.value
    try await scene.untilCarried(agent)
    try await scene.expectEqual()
    #expect(try await scene.count("SELECT count(*) FROM agent_metrics WHERE metric_name = 'live'") == 200)
    #expect(try await scene.count("SELECT count(*) FROM agent_executions WHERE task_type <> 'old'") == 201)
    let there = try await scene.agent(.postgres(url: scene.url))
    #expect(try await there.memory("old 3") == nil)
    #expect(try await there.retrieveMemory("old 4", as: String.self) == "new 4")
    #expect(try await there.retrieveMemory("old 250", as: String.self) == "legacy 250")
    await there.close()
    // And once more, when all is quiet: what the outbox has carried is not imported.
    let command = try await Command.run(words + ["--no-verify"], in: scene.folder.path)
    #expect(command.exitCode == 0, "\(command.errors)")
    try await scene.expectEqual()
    await agent.close()
  }

  @Test("A deletion that an import has not seen is not undone by it")
  func buried() async throws {
    let scene = try await CutoverScene(CutoverScene.legacySQL)
    try await scene.set(.dualSQLite)
    let agent = try await scene.agent()
    // The file as an import has read it before the deletion.
    let snapshot = try scene.folder.file("snapshot/memory.db")
    try SQLiteConnection(path: scene.path).executeScript("VACUUM INTO '\(snapshot)'")
    try await agent.deleteMemory("old 5")
    try await agent.deleteTool("old tool")
    try await scene.untilCarried(agent)
    let command = try await Command.run(
      ["import", "--sqlite", snapshot, "--agent", scene.id, "--postgres-url", scene.url, "--quiet"],
      in: scene.folder.path)
    #expect(command.exitCode == 0, "\(command.errors)")
    try await scene.expectEqual()
    #expect(try await scene.count("SELECT count(*) FROM agent_import_deletions") == 2)
    await agent.close()
  }

  @Test("What differs is found, named and repaired")
  func repair() async throws {
    let scene = try await CutoverScene(CutoverScene.legacySQL)
    try await scene.set(.dualSQLite)
    let agent = try await scene.agent()
    try await agent.storeMemory("mine", 1)
    try await agent.registerTool("parse")
    try await scene.untilCarried(agent)
    let missing = try await scene.cutover { try await $0.compare() }
    // Nothing was imported: 300 memories, a tool, all metrics and all executions.
    #expect(missing.differenceCount == 303)
    _ = try await scene.count(
      "WITH gone AS (DELETE FROM agent_tools), changed AS (UPDATE agent_memories SET content = '2') SELECT 1::bigint"
    )
    _ = try await scene.count(
      """
      WITH added AS (INSERT INTO agent_memories (agent_id, key, content) VALUES ('crawler', 'stray', '1')) SELECT 1::bigint
      """)
    let repaired = try await scene.cutover { cutover in
      _ = try await cutover.compare(repair: true)
      return try await cutover.compare()
    }
    #expect(Set(repaired.differences.map(\.kind)) == ["metrics", "executions"])
    await agent.close()
  }

  @Test("Any number of processes carry at once, and each change comes once")
  func manyCarriers() async throws {
    let scene = try await CutoverScene()
    try await scene.set(.dualSQLite)
    let agent = try await scene.agent()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for task in 0..<8 {
        group.addTask {
          for number in 0..<100 {
            try await agent.storeMemory("key \(number % 7)", "\(task) \(number)")
            try await agent.recordMetric("m", Double(number))
          }
        }
      }
      for _ in 0..<4 {
        group.addTask {
          try await scene.cutover { cutover in
            for _ in 0..<20 { _ = try await cutover.drain(for: .milliseconds(100)) }
          }
        }
      }
      try await group.waitForAll()
    }
    try await scene.untilCarried(agent)
    try await scene.expectEqual()
    #expect(try await scene.count("SELECT count(*) FROM agent_metrics") == 800)
    await agent.close()
  }
}

@Suite("Cut-over: history") struct CutoverHistoryTests {
  @Test(
    "What is carried and imported is one version: the history is that of the file", arguments: [true, false])
  func once(_ importsFirst: Bool) async throws {
    let scene = try await CutoverScene(CutoverScene.legacySQL)
    let before = try await scene.agent(.sqliteFile(scene.path)) { $0.keepsHistory = true }
    for number in 1...3 {
      for key in ["own", "old 1"] {
        try await before.storeMemory(key, number, namespace: key == "own" ? "n" : "")
      }
    }
    await before.close()
    try await scene.set(.dualSQLite)
    let agent = try await scene.agent { $0.keepsHistory = true }
    let words = [
      "import", "--sqlite", scene.path, "--agent", scene.id, "--postgres-url", scene.url, "--quiet",
      "--no-verify",
    ]
    for imports in [importsFirst, !importsFirst] {
      if imports {
        let command = try await Command.run(words, in: scene.folder.path)
        #expect(command.exitCode == 0, "\(command.errors)")
      } else {
        try await agent.storeMemory("own", 4, namespace: "n")
        try await agent.storeMemory("old 1", 4)
        try await agent.storeMemory("fresh", 1)
        try await agent.storeMemory("fresh", 2)
        try await scene.untilCarried(agent)
      }
    }
    let there = try await scene.agent(.postgres(url: scene.url))
    for (key, namespace) in [("own", "n"), ("old 1", ""), ("fresh", "")] {
      let mine = try await agent.history(of: key, namespace: namespace).versions
      let theirs = try await there.history(of: key, namespace: namespace).versions
      // The import brings what a legacy row was before the library wrote it, where it has read it before.
      #expect(theirs.map(\.value.json).prefix(mine.count) == mine.map(\.value.json)[...], "\(key)")
      #expect(Set(theirs.map(\.version)).count == theirs.count, "\(key): a version is there twice")
    }
    await there.close()
    await agent.close()
  }
}
