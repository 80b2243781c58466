// What a backend does with executions. Everything that it is given has been checked.

/// The executions of one agent in one database.
protocol ExecutionStore: Sendable {
  /// Records that an execution has begun.
  func begin(_ draft: ExecutionDraft) async throws
  /// Records its end; false where it is not running.
  func end(_ end: ExecutionEnd) async throws -> Bool
  /// Executions, the newest first.
  func executions(_ query: ExecutionQuery) async throws -> [Placed<AgentExecution>]
  /// What executions come to.
  func statistics(_ count: ExecutionCount) async throws -> ExecutionStatistics
}
