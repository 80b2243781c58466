// A tool that an agent has registered.

public import Foundation

/// A tool of an agent.
public struct AgentTool: Sendable {
  /// The name, which the agent knows it by.
  public var name: String
  /// What it does, in words.
  public var description: String?
  /// How it is called and set up. Of a legacy tool, its column `configuration` or `config`, else its whole row.
  public var configuration: JSON
  /// What else is kept with it.
  public var metadata: JSONObject
  /// Whether it may be used.
  public var isEnabled: Bool
  /// How many uses were recorded.
  public var usageCount: Int64
  /// When it was registered first; nil where a legacy row does not say.
  public var createdAt: Date?
  /// When it was registered, switched or used last; nil where a legacy row does not say.
  public var updatedAt: Date?
  /// Whether it came from a legacy file by an import.
  public var isImported: Bool
}

/// A tool on its way into a store, checked.
struct ToolDraft: Sendable {
  var name: String
  var description: String?
  /// JSON in jsonb's spelling.
  var configurationText: String
  var metadata: JSONObject
  var isEnabled: Bool
}
