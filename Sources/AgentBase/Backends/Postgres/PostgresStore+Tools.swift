// An agent's tools in Postgres.

import Postgres

extension PostgresStore {
  func register(_ draft: ToolDraft) async throws {
    // Of a stored tool the statement leaves the counts alone; an imported row never changes.
    let known = try await tool(named: draft.name)
    try await write(ToolSQL.register(draft, ToolCounts(of: known), agent: agent))
  }

  func tools() async throws -> [AgentTool] {
    try await read(ToolSQL.all(agent: agent), PostgresToolRow.tool)
      .sorted { ExactText($0.name) < ExactText($1.name) }
  }

  func tool(named name: String) async throws -> AgentTool? {
    try await read(ToolSQL.tool(name, agent: agent), PostgresToolRow.tool).first
  }

  func countUses(ofTool name: String, _ uses: ToolCounts) async throws -> Bool {
    if try await write(ToolSQL.countUses(name, uses, agent: agent)).affectedRows > 0 { return true }
    // An imported row is never changed: a stored copy of it counts on.
    guard let tool = try await tool(named: name) else { return false }
    try await write(
      ToolSQL.copyAndCount(ToolDraft(copyOf: tool), of: ToolCounts(of: tool), uses, agent: agent))
    return true
  }

  func setTool(_ name: String, isEnabled: Bool) async throws -> Bool {
    if try await write(ToolSQL.setEnabled(name, isEnabled, agent: agent)).affectedRows > 0 { return true }
    guard let tool = try await tool(named: name) else { return false }
    var draft = ToolDraft(copyOf: tool)
    draft.isEnabled = isEnabled
    try await write(ToolSQL.copyAndSetEnabled(draft, of: ToolCounts(of: tool), agent: agent))
    return true
  }

  func deleteTool(named name: String) async throws -> Bool {
    try await write(ToolSQL.delete(name, agent: agent)).isTrue
  }
}
