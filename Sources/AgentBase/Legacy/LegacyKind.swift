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
    switch name {
    case "memory", "agent_memory", "memories", "conversation_memory": self = .memories
    case "tools", "agent_tools", "tool_registry": self = .tools
    case "metrics", "performance", "agent_metrics": self = .metrics
    case "execution_log": self = .executions
    case _ where name.contains("execution"): self = .executions
    case _ where name.contains("metric") || name.contains("performance"): self = .metrics
    case _ where name.contains("tool"): self = .tools
    case _ where name.contains("memory") || name.contains("memories"): self = .memories
    default: return nil
    }
  }

  /// The table of Postgres that holds this kind.
  public var targetTable: String { "agent_\(rawValue)" }
}
