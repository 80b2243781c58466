// An agent's tools in Postgres.

import Postgres

extension PostgresStore {
  func register(_ draft: ToolDraft) async throws { try await write(ToolSQL.register(draft, agent: agent)) }

  func tools() async throws -> [AgentTool] {
    try await read(ToolSQL.all(agent: agent), PostgresToolRow.tool)
      .sorted { ExactText($0.name) < ExactText($1.name) }
  }

  func tool(named name: String) async throws -> AgentTool? {
    try await read(ToolSQL.tool(name, agent: agent), PostgresToolRow.tool).first
  }

  func countUses(ofTool name: String, _ count: Int64) async throws -> Bool {
    if try await write(ToolSQL.countUses(name, count, agent: agent)).affectedRows > 0 { return true }
    // An imported row is never changed: a stored copy of it counts on.
    guard let tool = try await tool(named: name) else { return false }
    try await write(
      ToolSQL.copyAndCount(ToolDraft(copyOf: tool), of: tool.usageCount, count, agent: agent))
    return true
  }

  func setTool(_ name: String, isEnabled: Bool) async throws -> Bool {
    if try await write(ToolSQL.setEnabled(name, isEnabled, agent: agent)).affectedRows > 0 { return true }
    guard let tool = try await tool(named: name) else { return false }
    var draft = ToolDraft(copyOf: tool)
    draft.isEnabled = isEnabled
    try await write(ToolSQL.copyAndSetEnabled(draft, of: tool.usageCount, agent: agent))
    return true
  }

  func deleteTool(named name: String) async throws -> Bool {
    try await write(ToolSQL.delete(name, agent: agent)).isTrue
  }
}

extension ToolDraft {
  /// What a tool is, to be stored again.
  init(copyOf tool: AgentTool) {
    self.init(
      name: tool.name, description: tool.description, configurationText: tool.configuration.jsonbText,
      metadata: tool.metadata, isEnabled: tool.isEnabled)
  }
}
