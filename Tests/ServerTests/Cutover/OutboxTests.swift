// The outbox of a file: a line for each change, in the transaction of what it tells of, and nothing else.

import AgentBase
import Foundation
import Postgres
import SQLite
import TestSupport
import Testing

@Suite("Cut-over: the file's outbox") struct OutboxTests {
  /// Runs the body while nobody can carry anything of the agent.
  private func whileHeldBack<Value>(_ scene: CutoverScene, _ body: () async throws -> Value) async throws
    -> Value
  {
    let connection = try await PostgresConnection.connect(try PostgresConfiguration(scene.url))
    _ = try await connection.query("SELECT pg_advisory_lock(agentbase_cutover_key(\(scene.id)))")
    do {
      let value = try await body()
      await connection.close()
      return value
    } catch {
      await connection.close()
      throw error
    }
  }

  /// The lines that wait, in order: their numbers, and what they name.
  private func lines(_ scene: CutoverScene) throws -> [(sequence: Int64, key: String)] {
    try SQLiteConnection(path: scene.path).query(
      "SELECT sequence, key FROM agentbase_outbox WHERE agent_id = ? ORDER BY sequence", [.text(scene.id)]
    ).map { ($0[0].int64 ?? 0, $0[1].string ?? "") }
  }

  @Test("A batch writes exactly its lines, and what fails or is undone writes none")
  func exact() async throws {
    let scene = try await CutoverScene()
    try await scene.set(.dualSQLite)
    let agent = try await scene.agent()
    try await whileHeldBack(scene) {
      try await agent.storeMemories((0..<500).map { MemoryItem("many \($0)", $0) })
      let batch = try lines(scene)
      #expect(batch.map(\.sequence) == Array(1...500) && Set(batch.map(\.key)).count == 500)
      // What is undone alone, among neighbours of one transaction that are not.
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<200 {
          group.addTask {
            guard number.isMultiple(of: 5) else {
              _ = try await agent.storeMemory("one \(number % 7)", number)
              return
            }
            _ = try? await agent.transaction { transaction in
              try await transaction.storeMemory("undone \(number)", number)
              throw CancellationError()
            }
          }
        }
        try await group.waitForAll()
      }
      let all = try lines(scene)
      #expect(all.map(\.sequence) == Array(1...660))
      #expect(!all.contains { $0.key.hasPrefix("undone") })
      #expect(try await agent.cutoverStatus()?.lag == 660)
    }
    try await scene.untilCarried(agent)
    // What changed many times is one row, and the numbers go on where they were.
    #expect(try await scene.count("SELECT count(*) FROM agent_memories") == 507)
    #expect(try await scene.count("SELECT applied_sequence FROM agent_cutover") == 660)
    #expect(try lines(scene).isEmpty)
    try await whileHeldBack(scene) {
      try await agent.storeMemory("next", 1)
      #expect(try lines(scene).map(\.sequence) == [661])
    }
    try await scene.untilCarried(agent)
    try await scene.expectEqual()
    await agent.close()
  }

  @Test("A file of the step before keeps what waits, and so does the way back to it")
  func before() async throws {
    let scene = try await CutoverScene()
    try await scene.set(.dualSQLite)
    try await whileHeldBack(scene) {
      let agent = try await scene.agent()
      for number in 0..<30 { try await agent.storeMemory("key \(number % 10)", number) }
      await agent.close()
      let down = try await Command.run(
        ["schema", "down", "--to", "6", "--database", scene.path, "--quiet"], in: scene.folder.path)
      #expect(down.exitCode == 0, "\(down.errors)")
      // A line a key, with the number of its last change.
      #expect(try lines(scene).map(\.sequence) == Array(21...30))
      let row = try SQLiteConnection(path: scene.path).queryOne(
        "SELECT last_sequence FROM agentbase_cutover")
      #expect(row?[0].int64 == 30)
      let again = try await scene.agent()
      // A deletion needs none of our tables, but its line does.
      try await again.deleteMemory("key 3")
      try await again.storeMemory("key 4", "again")
      #expect(try lines(scene).map(\.sequence) == Array(21...32))
      #expect(try await again.cutoverStatus()?.lag == 32)
      await again.close()
    }
    let agent = try await scene.agent()
    try await scene.untilCarried(agent)
    try await scene.expectEqual()
    #expect(try await scene.count("SELECT count(*) FROM agent_memories") == 9)
    await agent.close()
  }

  @Test("While very much waits, a key that differs is taken to wait, and is no difference")
  func muchWaits() async throws {
    let scene = try await CutoverScene()
    try await scene.set(.dualSQLite)
    let agent = try await scene.agent()
    try await agent.storeMemory("key", 1)
    try await scene.untilCarried(agent)
    try await scene.set(.dualPostgres, readPercent: 100)
    try await whileHeldBack(scene) {
      try await agent.storeMemory("key", 2)
      #expect(try await agent.retrieveMemory("key", as: Int.self) == 2)
      try await agent.storeMemories((0..<10_100).map { MemoryItem("many \($0)", $0) })
      #expect(try await agent.retrieveMemory("key", as: Int.self) == 2)
      #expect(try await agent.retrieveMemory("many 7", as: Int.self) == 7)
      #expect(try await agent.cutoverStatus()?.differing == 0)
    }
    try await scene.untilCarried(agent)
    try await scene.expectEqual()
    await agent.close()
  }
}
