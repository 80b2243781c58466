// The tables of Postgres that an import fills, with the columns in the order in which they are copied.

import AgentBase

/// A table that rows are moved into.
enum ImportTarget: String, Sendable, Hashable, CaseIterable {
  case memories, tools, metrics, executions
  /// Rows of tables that are none of the four, kept so that their file can be made again.
  case rows

  /// Where the rows of a legacy table go.
  init(_ kind: LegacyKind?) {
    switch kind {
    case .memories?: self = .memories
    case .tools?: self = .tools
    case .metrics?: self = .metrics
    case .executions?: self = .executions
    case nil: self = .rows
    }
  }

  /// The table's name.
  var table: String { self == .rows ? "agent_import_rows" : "agent_\(rawValue)" }

  /// The columns, in the order of the copy. The first three and the last three are the same everywhere.
  var columns: [String] {
    let own: [String] =
      switch self {
      case .memories:
        ["namespace", "key", "content", "embedding", "created_at", "updated_at", "expires_at"]
      case .tools:
        ["name", "description", "configuration", "is_enabled", "usage_count", "created_at", "updated_at"]
      case .metrics: ["metric_name", "value", "unit", "timestamp"]
      case .executions:
        [
          "task_type", "status", "input", "output", "error_message", "started_at", "completed_at",
          "duration_ms",
          "created_at",
        ]
      case .rows: ["content"]
      }
    return ["id", "agent_id", "metadata"] + own + ["source_id", "source_row", "source_exact"]
  }

  /// The columns of type jsonb, whose texts may differ where their values do not.
  var jsonColumns: Set<String> {
    ["metadata", "content", "configuration", "input", "output", "source_exact"]
  }

  /// The column and, for metrics and executions, the member of it that holds the legacy row as a JSON object.
  var rowColumn: (name: String, member: String?) {
    switch self {
    case .memories, .rows: ("content", nil)
    case .tools: ("configuration", nil)
    case .metrics, .executions: ("metadata", "legacy")
    }
  }
}
