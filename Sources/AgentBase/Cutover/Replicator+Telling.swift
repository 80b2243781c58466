// What a replicator tells of how it goes: failures, and how much waits.

import Synchronization

extension Replicator {
  /// From so many changes on it is told that they wait, and again at each ten times as many.
  private static let leastTold: Int64 = 1000

  /// Tells how much waits, where that is much, and when nothing does any more.
  ///
  /// - Parameter pause: how long ago it has to have been looked at.
  func tellLag(
    of agent: String, _ follower: CutoverSide, notBefore pause: Duration = .zero
  ) async {
    let isDue = state.withLock { state in
      let now = ContinuousClock.now
      guard state.lagsLookedAt[agent].map({ now - $0 >= pause }) ?? true else { return false }
      state.lagsLookedAt[agent] = now
      return true
    }
    guard isDue else { return }
    let lag: Int64?
    if follower == .sqlite {
      lag = try? await measureLag(of: agent, limit: limit(of: agent))?.count
    } else {
      lag = try? await Self.record(of: agent, file.resource)?.lag
    }
    guard let lag else { return }
    let (isTold, config) = state.withLock { state in
      let next = state.nextTold[agent] ?? Self.leastTold
      if lag >= next {
        var following = next
        while following <= lag { following *= 10 }
        state.nextTold[agent] = following
        return (true, state.configs[agent])
      }
      guard lag == 0, next > Self.leastTold else { return (false, nil) }
      state.nextTold[agent] = nil
      return (true, state.configs[agent])
    }
    guard isTold, let handler = config?.eventHandler, handler.wants(.replication) else { return }
    handler.handle(
      AgentEvent(
        .replication,
        lag == 0
          ? "the other side of the cut-over has every change again"
          : "\(lag) changes wait to be carried to the other side of the cut-over",
        level: lag == 0 ? .info : .warning, agent: agent, count: Int(lag)))
  }

  /// Notes how it went, and tells where that has changed.
  func tell(_ agent: String, failure: (any Error)?) {
    let text = failure.map { error in
      (error as? AgentBaseError)?.message ?? "\(error)"
    }
    // An event holds no key.
    let isRefusal = (failure as? AgentBaseError)?.code == .refused
    let (before, config) = state.withLock { state in
      defer { state.failures[agent] = text }
      return (state.failures[agent], state.configs[agent])
    }
    if text == nil { pauses.withLock { $0[agent] = nil } }
    guard (before == nil) != (text == nil), let handler = config?.eventHandler, handler.wants(.replication)
    else { return }
    if let text {
      handler.handle(
        AgentEvent(
          .replication,
          "changes cannot be carried to the other side of the cut-over, and wait: "
            + (isRefusal ? "it refuses a change, which `agentbase cutover status` names" : text),
          level: .warning, agent: agent))
    } else {
      handler.handle(
        AgentEvent(.replication, "changes are carried to the other side of the cut-over again", agent: agent))
    }
  }

  /// Twice the pause before, up to the longest.
  func nextPause(_ agent: String) -> Duration {
    pauses.withLock { pauses in
      let pause = min(Self.longestPause, (pauses[agent] ?? .milliseconds(125)) * 2)
      pauses[agent] = pause
      return pause
    }
  }
}
