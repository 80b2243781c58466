// A run that finds nothing to do does not compare what has changed on neither side; anything else, it does.

import AgentBase
import Foundation
import LegacyImport
import TestSupport
import Testing

@Suite struct ProofTests {
  private static let tables = """
    CREATE TABLE memory (id INTEGER PRIMARY KEY, content TEXT);
    INSERT INTO memory VALUES (1, 'a'), (2, 'b'), (3, 'c');
    CREATE TABLE metrics (id INTEGER PRIMARY KEY, name TEXT, value REAL, timestamp TEXT);
    INSERT INTO metrics VALUES (1, 'm', 0.5, '2024-01-15 10:30:00');
    """

  private func scene(_ version: TestServer.Version = .v18) async throws -> SourceScene {
    let scene = try await SourceScene(version)
    try scene.write("a/memory.db", Self.tables)
    try await scene.expectWhole(scene.importAll())
    return scene
  }

  @Test(arguments: TestServer.Version.allCases)
  func whatHasNotChangedIsNotComparedAgain(version: TestServer.Version) async throws {
    let scene = try await scene(version)
    for _ in 0..<2 {
      let report = try await scene.importAll()
      #expect(report.verification?.unchanged == 4)
      #expect(report.verification?.compared == 0)
      #expect(report.exitCode == 0)
    }
    // The verb compares always.
    #expect(try await scene.verify().compared == 4)
  }

  @Test(arguments: [
    "UPDATE agent_memories SET content = '{}' WHERE key = '2'", "DELETE FROM agent_memories WHERE key = '2'",
    """
    WITH gone AS (DELETE FROM agent_memories WHERE key = '2' RETURNING *)
    INSERT INTO agent_memories SELECT id, agent_id, namespace, key, '{}', metadata, embedding, created_at, updated_at, expires_at,
      source_id, source_row, source_exact, written_by FROM gone
    """,
    """
    INSERT INTO agent_memories (id, agent_id, key, content, source_id, source_row)
    SELECT gen_random_uuid(), agent_id, key, content, source_id, source_row FROM agent_memories WHERE key = '2'
    """,
    "INSERT INTO agent_memories (agent_id, key, content) VALUES ('a', 'x', '1')",
  ])
  func whatHasChangedInPostgresIsFound(sql: String) async throws {
    let scene = try await scene()
    try await scene.execute(sql)
    for _ in 0..<2 {
      let report = try await scene.importAll()
      #expect(report.exitCode == 4)
      #expect(report.verification?.differenceCount == 1)
    }
  }

  @Test func aRowThatWasPutBackIsComparedOnce() async throws {
    let scene = try await scene()
    try await scene.script(
      "UPDATE agent_memories SET key = 'x' WHERE key = '2'; UPDATE agent_memories SET key = '2' WHERE key = 'x'"
    )
    let first = try await scene.importAll()
    #expect(first.verification?.compared == 3 && first.verification?.unchanged == 1)
    let second = try await scene.importAll()
    #expect(second.verification?.compared == 0 && second.verification?.unchanged == 4)
  }

  @Test func whatHasChangedInTheSourceIsComparedAgain() async throws {
    let scene = try await scene()
    try scene.write("a/memory.db", "INSERT INTO memory VALUES (4, 'd')")
    let report = try await scene.importAll()
    #expect(report.verification?.compared == 4 && report.verification?.unchanged == 1)
    try await scene.expectWhole(report)
  }

  @Test func anotherTimeZoneIsComparedAgain() async throws {
    let scene = try await scene()
    let report = try await scene.importAll {
      $0.time = LegacyTime(naiveZone: TimeZone(identifier: "Asia/Tokyo") ?? .gmt)
    }
    #expect(report.verification?.unchanged == 0)
    #expect(report.exitCode == 4)
  }

  @Test func rowsThatAnAgentHasDeletedAreCounted() async throws {
    let scene = try await scene()
    let agent = try await Agent(AgentConfig(name: "a", memoryBackend: .postgres(url: scene.url)))
    try await agent.deleteMemory("2")
    await agent.close()
    for compared in [3, 0] {
      let report = try await scene.importAll()
      #expect(report.exitCode == 0)
      #expect(report.verification?.deleted == 1)
      #expect(report.verification?.compared == (compared == 0 ? 0 : 2))
      #expect(report.verification?.proved == 3)
    }
  }
}
