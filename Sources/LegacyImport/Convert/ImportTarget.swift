// The tables of Postgres that an import fills, with the columns in the order in which they are copied.

import AgentBase

/// A table that rows are moved into.
enum ImportTarget: String, Sendable, Hashable, CaseIterable {
  case memories, tools, metrics, executions
  /// Earlier values of memories, from the table that the library keeps in SQLite.
  case history
  /// Rows of tables that are none of the four, kept so that their file can be made again.
  case rows

  /// The tables of what agents keep; the others belong to these, or to the importer.
  static let kinds: [ImportTarget] = [.memories, .tools, .metrics, .executions]

  /// Where the rows of a legacy table go.
  init(_ table: LegacyTable) {
    switch table.kind {
    case .memories?: self = .memories
    case .tools?: self = .tools
    case .metrics?: self = .metrics
    case .executions?: self = .executions
    case nil: self = table.isHistory ? .history : .rows
    }
  }

  /// The table's name.
  var table: String {
    switch self {
    case .memories, .tools, .metrics, .executions: "agent_\(rawValue)"
    case .history: "agent_memory_history"
    case .rows: "agent_import_rows"
    }
  }

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
      case .history:
        ["namespace", "key", "version", "content", "embedding", "stored_at", "replaced_at"]
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
    case .memories, .history, .rows: ("content", nil)
    case .tools: ("configuration", nil)
    case .metrics, .executions: ("metadata", "legacy")
    }
  }
}
