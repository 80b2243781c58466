// An agent: opening and closing it. Its verbs are in Agent+Memories, +Tools, +Metrics and +Executions.

import Synchronization

/// An AI agent's own database: its memories, tools, metrics and executions.
///
///     let agent = try await Agent(AgentConfig(name: "crawler", memoryBackend: .postgres(url: url)))
///     try await agent.storeMemory("user:42", Preferences(theme: "dark"))
///     let preferences = try await agent.retrieveMemory("user:42", as: Preferences.self)
///
/// Any number of tasks may use an agent at once. Agents of one database in a process share its connections, so that an
/// agent costs little. All verbs throw `AgentBaseError`, or `CancellationError` where their task is cancelled.
public final class Agent: Sendable {
  /// What the agent was made from.
  public let config: AgentConfig
  private let store: any AgentStore
  private let isClosed = Mutex(false)

  /// The id that the agent's rows are known by.
  public var id: String { config.id }

  /// Opens the agent's database, and creates the tables of the library in Postgres where there are none.
  ///
  /// A SQLite file that exists is only read until something is stored.
  ///
  /// - Throws: `AgentBaseError`: `unavailable` where the database cannot be reached, `schema` where it holds other tables of
  ///   these names, `permission` where its user may not create them.
  public init(_ config: AgentConfig) async throws {
    self.config = config
    try StoredLimits.check(config.id, "agent's id")
    try StoredLimits.checkText(config.name, "agent's name")
    switch config.memoryBackend.kind {
    case .sqlite(let path):
      OnceAProcess.sayThatSQLiteIsDeprecated(config.onEvent)
      store = try await SQLiteStore(path: path, config: config)
    case .postgres(let url):
      store = try await PostgresStore(url: url, config: config)
    }
  }

  /// Closes the agent, when its calls that are under way have ended. The last agent of a database closes its connections.
  public func close() async {
    let isFirst = isClosed.withLock { isClosed in
      defer { isClosed = true }
      return !isClosed
    }
    if isFirst { await store.close() }
  }

  /// Calls the store, with errors that name the agent and the key.
  func withStore<Value>(
    key: String? = nil, _ body: (any AgentStore) async throws -> Value
  ) async throws -> Value {
    do {
      guard !isClosed.withLock({ $0 }) else { throw AgentBaseError(.closed, "the agent is closed") }
      try Task.checkCancellation()
      return try await body(store)
    } catch let error as AgentBaseError {
      throw error.of(agent: id, key: key)
    }
  }
}
