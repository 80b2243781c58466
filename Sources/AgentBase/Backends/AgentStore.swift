// What a backend does for an agent. Everything that it is given has been checked.

import Foundation

/// The rows of one agent in one database.
///
/// All calls throw `AgentBaseError`, or `CancellationError` where the task was cancelled.
protocol AgentStore: Sendable {
  // MARK: Memories

  /// Stores a value under its key; it becomes the current one.
  func store(_ draft: MemoryDraft) async throws
  /// The current value of a key; nil where there is none, or it has expired.
  func value(namespace: String, key: String) async throws -> MemoryValue?
  /// The current memory of a key.
  func memory(namespace: String, key: String) async throws -> Memory?
  /// Removes every row of a key.
  ///
  /// - Returns: whether there was one that had not expired.
  func delete(namespace: String, key: String) async throws -> Bool
  /// The current memories of the keys that begin with `prefix`, in the order of their bytes, from the first after `after`.
  func list(namespace: String, prefix: String, limit: Int, after: String?) async throws -> MemoryPage
  /// The current memories whose key or value holds a text, ASCII letters in either case, the newest first.
  func search(_ text: String, namespace: String?, limit: Int) async throws -> [Memory]

  // MARK: Tools

  /// Registers a tool, or changes the one of this name; its uses go on counting.
  func register(_ draft: ToolDraft) async throws
  /// All tools, by the bytes of their names.
  func tools() async throws -> [AgentTool]
  /// The tool of this name.
  func tool(named name: String) async throws -> AgentTool?
  /// Counts uses; false where there is no such tool.
  func countUses(ofTool name: String, _ count: Int64) async throws -> Bool
  /// Switches a tool on or off; false where there is no such tool.
  func setTool(_ name: String, isEnabled: Bool) async throws -> Bool
  /// Removes a tool; false where there is none.
  func deleteTool(named name: String) async throws -> Bool

  // MARK: Metrics

  /// Records measurements, all of them or none.
  func record(_ drafts: [MetricDraft]) async throws
  /// Measurements, the newest first.
  func metrics(_ query: MetricQuery) async throws -> [AgentMetric]

  // MARK: Executions

  /// Records that an execution has begun.
  func begin(_ draft: ExecutionDraft) async throws
  /// Records its end; false where it is not running.
  func end(_ end: ExecutionEnd) async throws -> Bool
  /// Executions, the newest first.
  func executions(_ query: ExecutionQuery) async throws -> [AgentExecution]

  // MARK: Closing

  /// Lets the database go, when what is under way is done.
  func close() async
}
