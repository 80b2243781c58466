// What a backend does with tools. Everything that it is given has been checked.

/// The tools of one agent in one database.
protocol ToolStore: Sendable {
  /// Registers a tool, or changes the one of this name; its uses go on counting.
  func register(_ draft: ToolDraft) async throws
  /// All tools, by the bytes of their names.
  func tools() async throws -> [AgentTool]
  /// The tool of this name.
  func tool(named name: String) async throws -> AgentTool?
  /// Counts uses, of which the last was now; false where there is no such tool.
  func countUses(ofTool name: String, _ uses: ToolCounts) async throws -> Bool
  /// Switches a tool on or off; false where there is no such tool.
  func setTool(_ name: String, isEnabled: Bool) async throws -> Bool
  /// Removes a tool; false where there is none.
  func deleteTool(named name: String) async throws -> Bool
}
