// The uses of tools: their outcomes, durations and order.

import AgentBase
import Foundation
import SQLite
import Schema
import TestSupport
import Testing

@Suite("Agents: uses of tools") struct ToolUseTests {
  private struct Failure: Error {}

  @Test("Outcomes and durations are counted, the rate is of those known", arguments: TestBackend.all)
  func outcomes(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      try await agent.registerTool("t")
      let new = try #require(try await agent.tool("t"))
      #expect(new.successRate == nil && new.averageDurationMilliseconds == nil && new.lastUsedAt == nil)
      let before = Date(timeIntervalSinceNow: -2)
      try await agent.recordToolUse("t", count: 5)
      let used = try #require(try await agent.tool("t"))
      #expect(used.usageCount == 5 && used.successRate == nil)
      #expect(try #require(used.lastUsedAt) >= before)
      try await agent.recordToolUse("t", count: 3, succeeded: true, duration: .milliseconds(60))
      try await agent.recordToolUse("t", succeeded: false, duration: .milliseconds(20))
      try await agent.recordToolUse("t", succeeded: false)
      let tool = try #require(try await agent.tool("t"))
      #expect(tool.usageCount == 10 && tool.successCount == 3 && tool.failureCount == 2)
      #expect(tool.successRate == 0.6)
      #expect(tool.averageDurationMilliseconds == 20)
      #expect(try #require(tool.updatedAt) >= #require(new.updatedAt))
      // Registering and switching change none of it.
      try await agent.registerTool("t", description: "again")
      try await agent.setTool("t", isEnabled: false)
      let kept = try #require(try await agent.tool("t"))
      #expect(kept.usageCount == 10 && kept.successCount == 3 && kept.failureCount == 2)
      #expect(kept.lastUsedAt == tool.lastUsedAt && kept.averageDurationMilliseconds == 20)
      await #expect(throws: AgentBaseError.self) {
        try await agent.recordToolUse("t", duration: .milliseconds(-1))
      }
    }
  }

  @Test("Uses at once are all counted, with their outcomes", arguments: TestBackend.all)
  func concurrent(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      try await agent.registerTool("t")
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<40 {
          group.addTask {
            try await agent.recordToolUse("t", succeeded: number % 4 != 0, duration: .milliseconds(5))
          }
        }
        try await group.waitForAll()
      }
      let tool = try #require(try await agent.tool("t"))
      #expect(tool.usageCount == 40 && tool.successRate == 0.75 && tool.averageDurationMilliseconds == 5)
    }
  }

  @Test("A body is a use, with its outcome and duration", arguments: TestBackend.all)
  func body(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      try await agent.registerTool("t")
      let answer = try await agent.withTool("t") {
        try await Task.sleep(for: .milliseconds(20))
        return 7
      }
      #expect(answer == 7)
      await #expect(throws: Failure.self) { try await agent.withTool("t") { throw Failure() } }
      await #expect(throws: CancellationError.self) {
        try await agent.withTool("t") { throw CancellationError() }
      }
      let tool = try #require(try await agent.tool("t"))
      #expect(tool.usageCount == 3 && tool.successCount == 1 && tool.failureCount == 1)
      #expect(try #require(tool.averageDurationMilliseconds) >= 20.0 / 3)
    }
  }

  @Test("A tool that is not there, or switched off, is not used", arguments: TestBackend.all)
  func refused(_ backend: TestBackend) async throws {
    try await backend.withAgent { (agent) async throws in
      let unknown = await #expect(throws: AgentBaseError.self) {
        try await agent.withTool("t") { Issue.record("the body ran") }
      }
      #expect(unknown?.code == .unknownTool)
      try await agent.registerTool("t", isEnabled: false)
      let disabled = await #expect(throws: AgentBaseError.self) {
        try await agent.withTool("t") { Issue.record("the body ran") }
      }
      #expect(disabled?.code == .disabledTool)
      #expect(try await agent.tool("t")?.usageCount == 0)
    }
  }

  @Test("Tools are listed by their last use, page by page", arguments: TestBackend.all)
  func order(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      for name in ["a", "b", "c", "d", "é", "e"] { try await agent.registerTool(name) }
      for name in ["b", "d", "a"] {
        try await agent.recordToolUse(name)
        try await Task.sleep(for: .milliseconds(2))
      }
      let names = ["a", "d", "b", "c", "e", "é"]
      #expect(try await agent.toolsPage().records.map(\.name) == names)
      var listed: [String] = []
      var cursor: RecordCursor?
      repeat {
        let page = try await agent.toolsPage(limit: 2, after: cursor)
        listed += page.records.map(\.name)
        cursor = page.next
      } while cursor != nil
      #expect(listed == names)
      listed = []
      for try await tool in agent.allToolsByLastUse() { listed.append(tool.name) }
      #expect(listed == names)
    }
  }

  @Test("A legacy table that counts outcomes is changed in place, others are left as they are")
  func legacy() async throws {
    try await TemporaryFolder.with("tools") { folder in
      let path = try folder.file("memory.db")
      let connection = try SQLiteConnection(path: path)
      try connection.executeScript(
        """
        CREATE TABLE tools (name TEXT, usage_count INTEGER, success_count INTEGER, failure_count INTEGER, last_used REAL);
        INSERT INTO tools VALUES ('counts', 4, 2, 1, 1705314600.5);
        CREATE TABLE tool_registry (name TEXT, usage_count INTEGER);
        INSERT INTO tool_registry VALUES ('plain', 4);
        """)
      var config = AgentConfig(name: "a", memoryBackend: .sqliteFile(path))
      config.eventHandler = nil
      let agent = try await Agent(config)
      let old = try #require(try await agent.tool("counts"))
      #expect(old.usageCount == 4 && old.successRate == 2.0 / 3)
      #expect(old.lastUsedAt == Date(timeIntervalSince1970: 1_705_314_600.5))
      try await agent.recordToolUse("counts", succeeded: true)
      try await agent.recordToolUse("plain")
      #expect(
        try connection.query("SELECT usage_count, success_count, failure_count FROM tools").map(\.values) == [
          [5, 3, 1]
        ])
      #expect(try #require(try await agent.tool("counts")?.lastUsedAt).timeIntervalSinceNow > -60)
      #expect(try connection.query("SELECT usage_count FROM tool_registry").map(\.values) == [[5]])
      // What the table has no column for is kept beside it, and goes on from what it holds.
      try await agent.recordToolUse("plain", succeeded: false, duration: .milliseconds(8))
      #expect(try connection.query("SELECT usage_count FROM tool_registry").map(\.values) == [[5]])
      let plain = try #require(try await agent.tool("plain"))
      #expect(plain.usageCount == 6 && plain.successRate == 0 && plain.averageDurationMilliseconds == 8)
      await agent.close()
    }
  }

  @Test("A file with the tables of an earlier version is brought up to date by the first write")
  func upgrade() async throws {
    try await TemporaryFolder.with("tools") { folder in
      let path = try folder.file("memory.db")
      try SQLiteConnection(path: path).executeScript(
        """
        CREATE TABLE agentbase_schema_versions (
          version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_text TEXT NOT NULL, applied_at TEXT NOT NULL);
        \(Schema.sqlite[0].up)
        INSERT INTO agentbase_tools VALUES (1, 'a', 't', NULL, '{}', '{}', 1, 3, '2024-01-15T10:30:00.000000Z',
          '2024-01-15T10:30:00.000000Z');
        """)
      let connection = try SQLiteConnection(path: path)
      try connection.execute(
        "INSERT INTO agentbase_schema_versions VALUES (1, 'agents', ?, '2024-01-15T10:30:00.000000Z')",
        [.text(Schema.sqlite[0].up)])
      var config = AgentConfig(name: "a", memoryBackend: .sqliteFile(path))
      config.eventHandler = nil
      let agent = try await Agent(config)
      let old = try #require(try await agent.tool("t"))
      #expect(old.usageCount == 3 && old.successCount == 0 && old.lastUsedAt == nil)
      try await agent.recordToolUse("t", succeeded: true)
      let new = try #require(try await agent.tool("t"))
      #expect(new.usageCount == 4 && new.successRate == 1)
      await agent.close()
    }
  }
}
