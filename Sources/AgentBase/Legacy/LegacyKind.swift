// Which of the four kinds of data a legacy table holds, by its name (guide 1, "Data Mapping").

/// What a legacy table holds.
public enum LegacyKind: String, Sendable, Hashable, CaseIterable {
  case memories, tools, metrics, executions

  /// The kind of the table called `tableName`, in any case of letters; nil where it is none of the four.
  ///
  /// An exact name goes first; then a name that contains `execution`, `metric` or `performance`, `tool`, `memory` or
  /// `memories`, in this order.
  public init?(tableName: String) {
    let name = tableName.lowercased()
    if let exact = Self.exactNames[name] {
      self = exact
      return
    }
    switch name {
    case _ where name.contains("execution"): self = .executions
    case _ where name.contains("metric") || name.contains("performance"): self = .metrics
    case _ where name.contains("tool"): self = .tools
    case _ where name.contains("memory") || name.contains("memories"): self = .memories
    default: return nil
    }
  }

  /// Whether the table's name is one of those that stand for their kind by themselves.
  static func isExact(_ tableName: String) -> Bool { exactNames[tableName.lowercased()] != nil }

  private static let exactNames: [String: LegacyKind] = [
    "memory": .memories, "agent_memory": .memories, "memories": .memories, "conversation_memory": .memories,
    "tools": .tools, "agent_tools": .tools, "tool_registry": .tools,
    "metrics": .metrics, "performance": .metrics, "agent_metrics": .metrics, "execution_log": .executions,
  ]

  /// The table of Postgres that holds this kind.
  public var targetTable: String { "agent_\(rawValue)" }
}
