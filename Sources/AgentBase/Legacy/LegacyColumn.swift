// What a column of a legacy table means, by its name: the names that agents in the field use.

/// The part that a column of a legacy table plays.
public enum LegacyRole: Int, Sendable, Hashable, CaseIterable {
  case agent, namespace, metadata, embedding, createdAt, updatedAt, expiresAt
  case key, value
  case name, description, isEnabled, usageCount
  case unit, time
  case status, input, output, errorMessage, startedAt, completedAt, durationMilliseconds, durationSeconds
  case successCount, failureCount, lastUsedAt, timedCount, timedMilliseconds
  /// Of the library's own history only.
  case version, replacedAt
  case configuration

  /// The names of the column that plays this part in a table of `kind`, the likeliest first, in lower case.
  public func names(in kind: LegacyKind) -> [String] {
    switch (self, kind) {
    case (.agent, _): ["agent_id", "agent"]
    case (.metadata, _): ["metadata", "meta"]

    case (.namespace, .memories): ["namespace"]
    case (.embedding, .memories): ["embedding", "embeddings", "vector"]
    case (.key, .memories): ["key", "memory_key", "mem_key"]
    case (.value, .memories): ["value", "content", "memory", "data", "text", "message", "body"]
    case (.expiresAt, .memories): ["expires_at", "expiry", "expires"]

    case (.name, .tools): ["name", "tool_name", "tool", "title"]
    case (.description, .tools): ["description", "desc", "summary"]
    case (.isEnabled, .tools): ["is_enabled", "enabled", "is_active", "active"]
    case (.usageCount, .tools): ["usage_count", "use_count", "uses", "call_count", "calls"]

    case (.name, .metrics): ["metric_name", "metric", "name", "metric_type", "key"]
    case (.value, .metrics):
      [
        "value", "metric_value", "score", "duration_ms", "duration", "latency_ms", "latency", "response_time",
        "execution_time", "success_rate",
      ]
    case (.successCount, .tools): ["success_count", "successes"]
    case (.failureCount, .tools): ["failure_count", "failures"]
    case (.lastUsedAt, .tools): ["last_used_at", "last_used"]
    case (.timedCount, .tools): ["timed_count"]
    case (.timedMilliseconds, .tools): ["timed_ms"]
    case (.configuration, .tools): ["configuration", "config"]

    case (.unit, .metrics): ["unit", "units"]
    case (.time, .metrics):
      ["timestamp", "recorded_at", "created_at", "datetime", "measured_at", "time", "date", "ts"]

    case (.name, .executions):
      [
        "task_type", "task", "task_name", "task_description", "action", "operation", "command", "name",
        "type",
      ]
    case (.status, .executions): ["status", "state", "success"]
    case (.input, .executions):
      ["input", "inputs", "input_data", "parameters", "params", "arguments", "args"]
    case (.output, .executions): ["output", "outputs", "output_data", "result", "results", "response"]
    case (.errorMessage, .executions): ["error_message", "error", "exception"]
    case (.startedAt, .executions):
      ["started_at", "start_time", "timestamp", "created_at", "datetime", "executed_at", "time", "date"]
    case (.completedAt, .executions):
      ["completed_at", "finished_at", "end_time", "ended_at"]
    case (.durationMilliseconds, .executions):
      ["duration_ms", "execution_time_ms", "elapsed_ms", "latency_ms"]
    case (.durationSeconds, .executions):
      ["duration_seconds", "duration", "execution_time", "elapsed"]

    case (.createdAt, .memories), (.createdAt, .tools), (.createdAt, .executions):
      [
        "created_at", "timestamp", "datetime", "created", "stored_at", "registered_at", "started_at",
        "start_time", "time", "date", "ts",
      ]
    case (.updatedAt, .memories), (.updatedAt, .tools):
      ["updated_at", "updated", "modified_at", "last_modified", "last_updated"]
    default: []
    }
  }
}

/// A column as a legacy table declares it.
public struct LegacyColumn: Sendable, Hashable {
  /// The name, as declared.
  public let name: String
  /// The declared type, empty where there is none.
  public let declaredType: String
  /// The place in the primary key, from 1; 0 where the column is not in it.
  public let keyPlace: Int

  /// A column.
  public init(name: String, declaredType: String = "", keyPlace: Int = 0) {
    self.name = name
    self.declaredType = declaredType
    self.keyPlace = keyPlace
  }
}
