// What a backend does for an agent, kind by kind.

/// The rows of one agent in one database.
///
/// All calls throw `AgentBaseError`, or `CancellationError` where the task was cancelled.
protocol AgentStore: MemoryStore, SearchStore, ToolStore, MetricStore, ExecutionStore {
  /// What the agents of one database in this process share.
  var database: ObjectIdentifier { get }

  /// Runs the body with a store whose calls are one transaction, as if nothing else ran beside it; within a transaction,
  /// with one that is nested in it. It commits when the body returns, and is undone when it throws or is cancelled.
  ///
  /// - Parameter isRetryable: whether the body may run again where calls of others made it fail.
  nonisolated(nonsending) func transaction<Value>(
    isRetryable: Bool, _ body: nonisolated(nonsending) (any AgentStore) async throws -> Value
  ) async throws -> Value

  /// Where the cut-over of the agent stands; nil where there is none.
  func cutoverStatus() async throws -> CutoverStatus?

  /// Lets the database go, when what is under way is done.
  func close() async
}
