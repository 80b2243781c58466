// What a backend does for an agent, kind by kind.

/// The rows of one agent in one database.
///
/// All calls throw `AgentBaseError`, or `CancellationError` where the task was cancelled.
protocol AgentStore: MemoryStore, SearchStore, ToolStore, MetricStore, ExecutionStore {
  /// Lets the database go, when what is under way is done.
  func close() async
}
