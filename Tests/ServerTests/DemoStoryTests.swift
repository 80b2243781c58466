// A step of the demo that is not true says so: its claims are computed, not printed.

import Foundation
import Postgres
import Testing

@testable import agentbase

@Suite struct DemoStoryTests {
  @Test func aFalseClaimDoesNotHold() async throws {
    let stage = try DemoStage(keeps: false)
    do {
      let story = try DemoStory(on: stage)
      try await stage.start()
      #expect(try await story.dryRun().holds)
      #expect(try await !story.recordOfTheGuideHolds(), "nothing is imported yet")
      #expect(try await story.importFleet().holds)
      #expect(try story.differingFiles() == [])
      #expect(try await story.proof().holds)
      #expect(try await story.recordOfTheGuideHolds())
      #expect(try await !story.dryRun().holds, "Postgres is not empty any more")

      try await stage.withConnection { connection in
        _ = try await connection.execute("DELETE FROM agent_memories WHERE key = 'user:42'")
        _ = try await connection.execute(
          "UPDATE agent_memories SET content = '{}' WHERE agent_id = 'operational_crawler' AND key = '1'")
      }
      let proof = try await story.proof()
      #expect(!proof.holds)
      #expect(proof.lines.count == 2)
      let both = try await story.readThroughBoth()
      #expect(!both.holds)
      #expect(both.claim.hasPrefix("291 of 293 keys"))
      #expect(try await !story.recordOfTheGuideHolds())
      #expect(try await !story.tamper().holds)
      #expect(try await !story.rollBack().holds)

      let file = stage.agents + "/shared/team.db"
      try FileHandle(forWritingTo: URL(filePath: file)).write(contentsOf: Data("SQLite format 4\0".utf8))
      #expect(try story.differingFiles().contains("shared/team.db"))
    } catch {
      try await stage.remove()
      throw error
    }
    try await stage.remove()
    #expect(stage.remains == nil)
  }
}

extension DemoStory {
  fileprivate func recordOfTheGuideHolds() async throws -> Bool {
    // Before the import there is not even a table.
    do { return try await recordOfTheGuide().holds } catch is PostgresError { return false }
  }
}
