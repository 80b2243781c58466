// Phases: who may write where, the hand-over to Postgres under load, and databases that do not belong together.

import AgentBase
import Foundation
import SQLite
import TestSupport
import Testing

@Suite("Cut-over: phases") struct CutoverPhaseTests {
  @Test("Without a phase the file is alone; phases follow in order, and back")
  func order() async throws {
    let scene = try await CutoverScene()
    let agent = try await scene.agent()
    try await agent.storeMemory("a", 1)
    #expect(try await agent.cutoverStatus() == nil)
    let tooSoon = await #expect(throws: AgentBaseError.self) { try await scene.set(.postgresOnly) }
    #expect(tooSoon?.code == .cutover)
    #expect(try await scene.set(.dualSQLite).epoch == 1)
    #expect(try await scene.set(.dualSQLite).epoch == 1)
    try await agent.storeMemory("b", 1)
    #expect(try await agent.cutoverStatus()?.phase == .dualSQLite)
    #expect(try await scene.set(.sqliteOnly).phase == .sqliteOnly)
    let lag = try await agent.cutoverStatus()?.lag
    try await agent.storeMemory("c", 1)
    #expect(try await agent.cutoverStatus()?.lag == lag)
    #expect(try await scene.set(.dualSQLite).epoch == 3)
    // What was stored before, and in between, was not carried: the step is refused until it is.
    await #expect(throws: CutoverRefusal.self) { try await scene.set(.postgresOnly) }
    #expect(try await agent.cutoverStatus()?.phase == .dualSQLite)
    let comparison = try await scene.cutover { try await $0.compare(repair: true) }
    #expect(Set(comparison.differences.map(\.key)) == ["a", "c"])
    #expect(try await scene.set(.postgresOnly).phase == .postgresOnly)
    #expect(try await agent.retrieveMemory("c", as: Int.self) == 1)
    let back = await #expect(throws: AgentBaseError.self) { try await scene.set(.sqliteOnly) }
    #expect(back?.code == .cutover)
    await agent.close()
  }

  @Test("The hand-over under load: every acknowledged write is in Postgres, and no later one in the file")
  func handOver() async throws {
    let scene = try await CutoverScene(CutoverScene.legacySQL)
    try await scene.set(.dualSQLite)
    let command = try await Command.run(
      ["import", "--sqlite", scene.path, "--agent", scene.id, "--postgres-url", scene.url, "--quiet"],
      in: scene.folder.path)
    #expect(command.exitCode == 0, "\(command.errors)")
    let agent = try await scene.agent()
    let old = try await scene.agent(.sqliteFile(scene.path))
    let acknowledged = Shared<[String: Int]>([:])
    let isOver = Shared(false)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for task in 0..<6 {
        group.addTask {
          var number = 0
          while !isOver.withLock({ $0 }) {
            let key = "live \(task) \(number % 5)"
            if number.isMultiple(of: 4) {
              let value = number
              try await agent.transaction { try await $0.storeMemory(key, value) }
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
      // An agent that knows nothing of the cut-over: its changes are carried, until it is told to go.
      group.addTask {
        var number = 0
        while true {
          do {
            try await old.storeMemory("old agent", number)
            acknowledged.withLock { $0["old agent"] = number }
          } catch let error as AgentBaseError where error.code == .moved {
            return
          }
          number += 1
          try await Task.sleep(for: .milliseconds(2))
        }
      }
      try await Task.sleep(for: .milliseconds(500))
      #expect(try await scene.set(.postgresOnly).phase == .postgresOnly)
      try await Task.sleep(for: .milliseconds(700))
      isOver.withLock { $0 = true }
      try await group.waitForAll()
    }
    let there = try await scene.agent(.postgres(url: scene.url))
    for (key, number) in acknowledged.withLock({ $0 }) {
      #expect(try await there.retrieveMemory(key, as: Int.self) == number, "\(key)")
    }
    #expect(acknowledged.withLock { $0.count } == 31)
    #expect(try await agent.retrieveMemory("old 7", as: String.self) == "legacy 7")
    #expect(try await scene.count("SELECT count(*) FROM agent_cutover WHERE phase = 'postgres-only'") == 1)
    for agent in [there, old, agent] { await agent.close() }
  }

  @Test("A hold that nobody ends lets the writers go by itself")
  func abandonedHold() async throws {
    let scene = try await CutoverScene()
    try await scene.set(.dualSQLite)
    let agent = try await scene.agent()
    try await agent.storeMemory("a", 1)
    let until = Int64((Date().timeIntervalSince1970 + 1.5) * 1e6)
    try SQLiteConnection(path: scene.path).execute(
      "UPDATE agentbase_cutover SET held_until = ?", [.integer(until)])
    let start = ContinuousClock.now
    try await agent.storeMemory("a", 2)
    #expect(ContinuousClock.now - start > .seconds(1))
    let hasty = try await scene.agent(.sqliteFile(scene.path)) { $0.waitLimit = .milliseconds(100) }
    try SQLiteConnection(path: scene.path).execute(
      "UPDATE agentbase_cutover SET held_until = ?", [.integer(until + 60_000_000)])
    let held = await #expect(throws: AgentBaseError.self) { try await hasty.storeMemory("a", 3) }
    #expect(held?.code == .unavailable && held?.isSafeToRetry == true)
    #expect(try await hasty.retrieveMemory("a", as: Int.self) == 2)
    await hasty.close()
    await agent.close()
  }

  @Test("Another file, or a database that was replaced, is not followed until somebody says so")
  func replaced() async throws {
    let scene = try await CutoverScene()
    try await scene.set(.dualSQLite)
    let agent = try await scene.agent()
    try await agent.storeMemory("a", 1)
    try await scene.untilCarried(agent)
    let copy = try scene.folder.file("copy.db")
    try SQLiteConnection(path: scene.path).executeScript("VACUUM INTO '\(copy)'")
    try await agent.storeMemory("b", 1)
    try await scene.untilCarried(agent)
    await agent.close()

    // The file as it was before: Postgres has what it has not.
    let restored = try await Cutover(sqlitePath: copy, url: scene.url, agent: scene.id)
    let older = await #expect(throws: AgentBaseError.self) { try await restored.checkPostgres() }
    #expect(older?.code == .cutover && older?.message.contains("lost changes") == true)
    await restored.close()
    // Another database.
    let other = try await TestServer.freshDatabase(TestServer.versions.last ?? .v15)
    let elsewhere = try await Cutover(sqlitePath: scene.path, url: other, agent: scene.id)
    #expect(
      await #expect(throws: AgentBaseError.self) { try await elsewhere.checkPostgres() }?.code == .cutover)
    await elsewhere.close()
    // Another file of the agent.
    let second = try await CutoverScene(url: scene.url)
    let refused = await #expect(throws: AgentBaseError.self) { try await second.set(.dualSQLite) }
    #expect(refused?.code == .cutover)
    try await second.set(.dualSQLite, force: true)
    let repaired = try await second.cutover { cutover in
      _ = try await cutover.compare(repair: true)
      return try await cutover.compare()
    }
    #expect(repaired.differenceCount == 0 && repaired.memories == 0)
  }
}
