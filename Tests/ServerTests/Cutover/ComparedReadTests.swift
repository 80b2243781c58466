// Reads that move to Postgres by percentage: which keys, what is compared, and when they go back.

import AgentBase
import Foundation
import PrivateServer
import SQLite
import TestSupport
import Testing

@Suite("Cut-over: compared reads") struct ComparedReadTests {
  /// A file of 200 keys that are on both sides, in the phase that reads from Postgres.
  private func scene(percent: Int, url: String? = nil) async throws -> CutoverScene {
    let scene = try await CutoverScene(url: url)
    try await scene.set(.dualSQLite)
    let agent = try await scene.agent()
    try await agent.storeMemories((0..<200).map { MemoryItem("key \($0)", $0) })
    try await scene.untilCarried(agent)
    await agent.close()
    try await scene.set(.dualPostgres, readPercent: percent)
    return scene
  }

  /// Changes every value in Postgres alone, and answers which keys an agent then finds to differ.
  private func readFromPostgres(_ scene: CutoverScene) async throws -> Set<String> {
    _ = try await scene.count(
      "WITH changed AS (UPDATE agent_memories SET content = '-1' RETURNING 1) SELECT count(*) FROM changed")
    let agent = try await scene.agent { $0.differenceLimit = 1000 }
    for number in 0..<200 {
      // The file decides.
      #expect(try await agent.retrieveMemory("key \(number)", as: Int.self) == number)
    }
    await agent.close()
    return Set(try await scene.cutover { try await $0.differences() }.map(\.key))
  }

  @Test("The percentage is of the keys, the same in every process, and grows by adding to them")
  func percentage() async throws {
    var before: Set<String> = []
    for percent in [0, 10, 50, 100] {
      let keys = try await readFromPostgres(try await scene(percent: percent))
      #expect(keys.isSuperset(of: before))
      #expect(abs(keys.count - 2 * percent) < 30, "\(percent) %: \(keys.count)")
      before = keys
    }
    #expect(before.count == 200)
  }

  @Test("Past the limit reads go back to the file by themselves, say so, and the next step is refused")
  func fallback() async throws {
    let scene = try await scene(percent: 100)
    _ = try await scene.count(
      """
      WITH changed AS (UPDATE agent_memories SET content = '-1' WHERE key IN ('key 1', 'key 2')),
        gone AS (DELETE FROM agent_memories WHERE key = 'key 3') SELECT 1::bigint
      """)
    let events = Shared<[AgentEvent]>([])
    let agent = try await scene.agent {
      $0.differenceLimit = 3
      $0.onEvent = { event in events.withLock { $0.append(event) } }
    }
    for key in ["key 1", "key 2", "key 3"] { #expect(try await agent.memory(key) != nil) }
    let status = try #require(try await agent.cutoverStatus())
    #expect(status.phase == .dualPostgres && status.readPercent == 0 && status.differing == 3)
    let differences = try await scene.cutover { try await $0.differences() }
    #expect(differences.map(\.key) == ["key 1", "key 2", "key 3"])
    #expect(differences.allSatisfy { $0.sqlite != nil } && differences.last?.postgres == nil)
    #expect(events.withLock { $0.filter { $0.kind == .difference && $0.level == .error }.count } == 1)
    await #expect(throws: CutoverRefusal.self) { try await scene.set(.dualPostgres, readPercent: 100) }
    await #expect(throws: CutoverRefusal.self) { try await scene.set(.postgresOnly) }
    _ = try await scene.cutover { try await $0.compare(repair: true) }
    #expect(try await scene.set(.dualPostgres, readPercent: 100).differing == 0)
    for key in ["key 1", "key 2", "key 3"] { #expect(try await agent.memory(key) != nil) }
    #expect(try await agent.cutoverStatus()?.differing == 0)
    #expect(try await scene.set(.dualSQLite).readPercent == 0)
    await agent.close()
  }

  @Test("An agent reads what it has written, at any moment, and nothing differs while many write")
  func ownWrites() async throws {
    let scene = try await scene(percent: 100)
    let agent = try await scene.agent()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for task in 0..<8 {
        group.addTask {
          for number in 0..<60 {
            let key = "key \(task)"
            try await agent.storeMemory(key, number)
            #expect(try await agent.retrieveMemory(key, as: Int.self) == number)
            // A key that others write too.
            try await agent.updateMemory("shared", as: Int.self) { ($0 ?? 0) + 1 }
            if number.isMultiple(of: 5) {
              try await agent.deleteMemory(key)
              #expect(try await agent.memory(key) == nil)
            }
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(try await agent.retrieveMemory("shared", as: Int.self) == 480)
    #expect(try await agent.cutoverStatus()?.differing == 0)
    try await scene.untilCarried(agent)
    try await scene.expectEqual()
    await agent.close()
  }

  @Test("Where Postgres is down, the file answers")
  func down() async throws {
    let server = try await TestServer.dedicated(TestServer.versions.last ?? .v15)
    let scene = try await scene(percent: 100, url: try await server.freshDatabase())
    let agent = try await scene.agent {
      $0.waitLimit = .seconds(1)
      $0.connections.retryLimit = .zero
    }
    #expect(try await agent.retrieveMemory("key 1", as: Int.self) == 1)
    try await server.server.stop(.immediate)
    #expect(try await agent.retrieveMemory("key 1", as: Int.self) == 1)
    try await agent.storeMemory("key 1", "down")
    #expect(try await agent.retrieveMemory("key 1", as: String.self) == "down")
    try await server.server.start()
    try await scene.untilCarried(agent)
    #expect(try await agent.retrieveMemory("key 1", as: String.self) == "down")
    #expect(try await agent.cutoverStatus()?.differing == 0)
    await agent.close()
    try await server.server.remove()
  }
}
