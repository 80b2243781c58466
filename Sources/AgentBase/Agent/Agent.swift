// An agent: opening and closing it. What it can do is in Verbs.

/// An AI agent's own database: its memories, tools, metrics and executions.
///
///     let agent = try await Agent(AgentConfig(name: "crawler", memoryBackend: .postgres(url: url)))
///     try await agent.storeMemory("user:42", Preferences(theme: "dark"))
///     let preferences = try await agent.retrieveMemory("user:42", as: Preferences.self)
///
/// Any number of tasks may use an agent at once. Agents of one database in a process share its connections, so that an
/// agent costs little. All verbs throw `AgentBaseError`, or `CancellationError` where their task is cancelled.
public final class Agent: AgentOperations {
  /// The agent's rows, until it is closed.
  public let access: AgentAccess

  /// What the agent was made from.
  public var config: AgentConfig { access.config }

  /// Opens the agent's database, and creates the tables of the library in Postgres where there are none.
  ///
  /// A SQLite file that exists is only read until something is stored.
  ///
  /// - Throws: `AgentBaseError`: `unavailable` where the database cannot be reached, `schema` where it holds other tables of
  ///   these names, `permission` where its user may not create them.
  @concurrent public init(_ config: AgentConfig) async throws {
    try StoredLimits.check(config.id, "agent's id")
    try StoredLimits.checkText(config.name, "agent's name")
    switch config.memoryBackend.kind {
    case .sqlite(let path):
      OnceAProcess.sayThatSQLiteIsDeprecated(config.eventHandler)
      access = AgentAccess(config: config, store: try await SQLiteStore(path: path, config: config))
    case .postgres(let url):
      access = AgentAccess(config: config, store: try await PostgresStore(url: url, config: config))
    case .dual(let path, let url):
      access = AgentAccess(config: config, store: try await DualStore(path: path, url: url, config: config))
    }
  }

  /// Closes the agent, when its calls that are under way have ended. The last agent of a database closes its connections.
  ///
  /// In the body of a transaction of this agent, the transaction is undone, and the rest happens after its end.
  @concurrent public func close() async {
    guard access.end(AgentBaseError(.closed, "the agent is closed")) else { return }
    let store = access.store
    if TransactionFrame.undo(ofAgent: id, on: store) {
      Task { await store.close() }
    } else {
      await store.close()
    }
  }
}
