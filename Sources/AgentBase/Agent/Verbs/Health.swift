// Whether an agent's database is well, and how far behind the other side of a cut-over is.

/// How an agent's rows can be reached at one moment.
public struct AgentHealth: Sendable {
  /// Whether the database that decides for the agent has answered in time.
  public var isHealthy: Bool
  /// How long that took.
  public var latency: Duration
  /// Where the cut-over stands, with its lag; nil where there is none, or it could not be asked.
  public var cutover: CutoverStatus?
  /// What is wrong, with advice; nil where it is well.
  public var error: AgentBaseError?
}

extension AgentOperations {
  /// Asks the agent's database for a sign of life, and for the lag of a cut-over. It never throws: what is wrong stands in the
  /// answer, with advice.
  ///
  /// - Parameter limit: how long it may take.
  @concurrent public func healthCheck(limit: Duration = .seconds(5)) async -> AgentHealth {
    let start = ContinuousClock.now
    let late = AgentBaseError(
      .unavailable, "the agent's database has not answered within \(limit)",
      advice: "Look at the server's load and network, and at who writes to the file.", agent: id,
      isSafeToRetry: true)
    return await withTaskGroup(of: AgentHealth.self) { group in
      group.addTask { [self] in
        var health = AgentHealth(isHealthy: true, latency: .zero)
        do {
          health.cutover = try await withStore(verb: "healthCheck") { store in
            _ = try await store.tool(named: "")
            return try await store.cutoverStatus()
          }
        } catch {
          health.error = error as? AgentBaseError ?? late
          health.isHealthy = false
        }
        health.latency = ContinuousClock.now - start
        return health
      }
      group.addTask {
        // Ends early where the answer came first.
        try? await Task.sleep(for: limit)
        return AgentHealth(isHealthy: false, latency: ContinuousClock.now - start, error: late)
      }
      let first =
        await group.next() ?? AgentHealth(isHealthy: false, latency: ContinuousClock.now - start, error: late)
      group.cancelAll()
      return first
    }
  }
}
