// Tools: registered, counted, switched, removed.

import AgentBase
import Foundation
import Testing

@Suite("Agents: tools") struct ToolTests {
  @Test("A registered tool comes back", arguments: TestBackend.all)
  func register(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      #expect(try await agent.tools().isEmpty)
      #expect(try await agent.tool("search") == nil)
      try await agent.registerTool(
        "search", description: "Looks it up", configuration: ["url": "https://example.org", "limit": "10"],
        metadata: ["team": "a"])
      let tool = try #require(try await agent.tool("search"))
      #expect(tool.name == "search")
      #expect(tool.description == "Looks it up")
      #expect(tool.configuration == ["url": "https://example.org", "limit": "10"])
      #expect(tool.metadata == ["team": "a"])
      #expect(tool.isEnabled)
      #expect(tool.usageCount == 0)
      #expect(tool.createdAt != nil && tool.updatedAt != nil)
      #expect(!tool.isImported)
    }
  }

  @Test("Registering again changes a tool and keeps its uses", arguments: TestBackend.all)
  func registerAgain(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      try await agent.registerTool("t", description: "one", metadata: ["a": 1])
      try await agent.recordToolUse("t", count: 3)
      let first = try #require(try await agent.tool("t"))
      try await agent.registerTool("t", configuration: JSON.array([1, 2.50]), isEnabled: false)
      let second = try #require(try await agent.tool("t"))
      #expect(second.description == nil)
      #expect(second.configuration == [1, 2.50])
      #expect(second.metadata == [:])
      #expect(!second.isEnabled)
      #expect(second.usageCount == 3)
      #expect(second.createdAt == first.createdAt)
      #expect(try await agent.tools().count == 1)
    }
  }

  @Test("Uses are counted", arguments: TestBackend.all)
  func uses(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      try await agent.registerTool("t")
      try await agent.recordToolUse("t")
      try await agent.recordToolUse("t", count: 41)
      #expect(try await agent.tool("t")?.usageCount == 42)
      for count in [0, -1] {
        await #expect(throws: AgentBaseError.self) { try await agent.recordToolUse("t", count: count) }
      }
    }
  }

  @Test("Uses that are counted at once are all counted", arguments: TestBackend.all)
  func concurrentUses(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      try await agent.registerTool("t")
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<50 { group.addTask { try await agent.recordToolUse("t") } }
        try await group.waitForAll()
      }
      #expect(try await agent.tool("t")?.usageCount == 50)
    }
  }

  @Test("A tool that nobody registered is an error", arguments: TestBackend.all)
  func unknown(_ backend: TestBackend) async throws {
    try await backend.withAgent { (agent) async throws in
      for name in ["none", "", "a\0"] {
        let use = await #expect(throws: AgentBaseError.self) { try await agent.recordToolUse(name) }
        #expect(use?.code == .unknownTool)
        let change = await #expect(throws: AgentBaseError.self) {
          try await agent.setTool(name, isEnabled: true)
        }
        #expect(change?.code == .unknownTool)
        #expect(try await agent.deleteTool(name) == false)
      }
    }
  }

  @Test("Tools are switched off and on", arguments: TestBackend.all)
  func switching(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      try await agent.registerTool("a", description: "kept", configuration: ["x": 1])
      try await agent.registerTool("b")
      try await agent.recordToolUse("a")
      try await agent.setTool("a", isEnabled: false)
      #expect(try await agent.tools(enabledOnly: true).map(\.name) == ["b"])
      let tool = try #require(try await agent.tool("a"))
      #expect(!tool.isEnabled && tool.description == "kept" && tool.configuration == ["x": 1])
      #expect(tool.usageCount == 1)
      try await agent.setTool("a", isEnabled: true)
      #expect(try await agent.tools(enabledOnly: true).map(\.name) == ["a", "b"])
    }
  }

  @Test("Tools are in the order of their names' bytes", arguments: TestBackend.all)
  func order(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      let names = ["b", "B", "a", "é", "e\u{301}", "_", "10", "9"]
      for name in names { try await agent.registerTool(name) }
      #expect(
        try await agent.tools().map { Array($0.name.utf8) }
          == names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.map { Array($0.utf8) })
    }
  }

  @Test("A removed tool is gone, with its uses", arguments: TestBackend.all)
  func delete(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      try await agent.registerTool("t")
      try await agent.recordToolUse("t")
      #expect(try await agent.deleteTool("t"))
      #expect(try await agent.tools().isEmpty)
      try await agent.registerTool("t")
      #expect(try await agent.tool("t")?.usageCount == 0)
    }
  }

  @Test("Names and texts that cannot be stored are refused", arguments: TestBackend.all)
  func refused(_ backend: TestBackend) async throws {
    try await backend.withAgent { (agent) async throws in
      for name in ["", "a\0", String(repeating: "n", count: 2601)] {
        let error = await #expect(throws: AgentBaseError.self) { try await agent.registerTool(name) }
        #expect(error?.code == .invalidName)
      }
      await #expect(throws: AgentBaseError.self) { try await agent.registerTool("t", description: "\0") }
      await #expect(throws: AgentBaseError.self) { try await agent.registerTool("t", configuration: "\0") }
      #expect(try await agent.tools().isEmpty)
    }
  }
}
