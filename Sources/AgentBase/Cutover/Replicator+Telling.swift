// What a replicator tells of how it goes: failures, and how much waits.

import Synchronization

extension Replicator {
  /// From so many changes on it is told that they wait, and again at each ten times as many.
  private static let leastTold: Int64 = 1000
  /// Where more than this part of what may wait does, who carries does not rest.
  private static let behindPart = 10

  /// Tells how much waits, where that is much, and when nothing does any more.
  ///
  /// - Parameter pause: how long ago it has to have been looked at.
  /// - Returns: whether it was.
  func tellLag(
    of agent: String, _ follower: CutoverSide, notBefore pause: Duration = .zero
  ) async -> Bool {
    let isDue = state.withLock { state in
      let now = ContinuousClock.now
      let last = state.agents[agent]?.lagLookedAt
      guard last.map({ now - $0 >= pause }) ?? true else { return false }
      state.agents[agent, default: AgentState()].lagLookedAt = now
      return true
    }
    guard isDue else { return false }
    let lag: Int64?
    if follower == .sqlite {
      lag = try? await measureLag(of: agent, limit: limit(of: agent))?.count
    } else {
      lag = try? await Self.record(of: agent, file.resource)?.lag
    }
    guard let lag else { return true }
    let isBehind = lag > Int64(limit(of: agent) / Self.behindPart)
    var isTold = false
    var config: AgentConfig?
    update(agent) { known in
      known.isBehind = isBehind
      config = known.config
      let next = known.nextTold ?? Self.leastTold
      if lag >= next {
        var following = next
        while following <= lag { following *= 10 }
        known.nextTold = following
        isTold = true
      } else if lag == 0, next > Self.leastTold {
        known.nextTold = nil
        isTold = true
      }
    }
    guard isTold, let handler = config?.eventHandler, handler.wants(.replication) else { return true }
    handler.handle(
      AgentEvent(
        .replication,
        lag == 0
          ? "the other side of the cut-over has every change again"
          : "\(lag) changes wait to be carried to the other side of the cut-over",
        level: lag == 0 ? .info : .warning, agent: agent, count: Int(lag)))
    return true
  }

  /// Notes how it went, and tells where that has changed.
  func tell(_ agent: String, failure: (any Error)?) {
    let text = failure.map { error in
      (error as? AgentBaseError)?.message ?? "\(error)"
    }
    // An event holds no key.
    let isRefusal = (failure as? AgentBaseError)?.code == .refused
    var before: String?
    var config: AgentConfig?
    update(agent) { known in
      (before, config) = (known.failure, known.config)
      known.failure = text
      if text == nil { known.pause = nil }
    }
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
    var pause = Duration.zero
    update(agent) { known in
      pause = min(Self.longestPause, (known.pause ?? .milliseconds(125)) * 2)
      known.pause = pause
    }
    return pause
  }
}
