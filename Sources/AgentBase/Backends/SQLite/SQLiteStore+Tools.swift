// An agent's tools in a SQLite file.

extension SQLiteStore {
  func register(_ draft: ToolDraft) async throws {
    try await write { transaction in
      transaction.note(.tool(draft.name))
      let table = try transaction.ownTable(of: .tools)
      try transaction.tools.register(draft, in: table)
    }
  }

  func tools() async throws -> [AgentTool] { try await read { try $0.tools.all() } }

  func tool(named name: String) async throws -> AgentTool? {
    try await read { try $0.tools.tool(named: name) }
  }

  func countUses(ofTool name: String, _ uses: ToolCounts) async throws -> Bool {
    try await write { transaction in
      transaction.note(.tool(name))
      return try transaction.tools.countUses(name, uses) { try transaction.ownTable(of: .tools) }
    }
  }

  func setTool(_ name: String, isEnabled: Bool) async throws -> Bool {
    try await write { transaction in
      transaction.note(.tool(name))
      return try transaction.tools.setEnabled(name, isEnabled) { try transaction.ownTable(of: .tools) }
    }
  }

  func deleteTool(named name: String) async throws -> Bool {
    try await write { transaction in
      transaction.note(.tool(name))
      return try transaction.tools.delete(name)
    }
  }
}
