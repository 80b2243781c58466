// What many executions come to.

/// How many executions there are of each status, and how long they took.
public struct ExecutionStatistics: Sendable, Hashable {
  /// How many there are.
  public var total: Int
  /// How many of each status; those that there are.
  public var counts: [AgentExecution.Status: Int]
  /// How long those took that have a duration, in milliseconds; nil where none has.
  public var durations: NumberSummary?
  /// The same by status; those that have any.
  public var durationsByStatus: [AgentExecution.Status: NumberSummary]
}

/// Which executions are counted.
struct ExecutionCount: Sendable {
  var task: String?
  var range: RecordRange
  /// From 0 to 1.
  var percentiles: [Double]
}
