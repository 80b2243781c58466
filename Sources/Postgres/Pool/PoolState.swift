// The pool's rules as a value: events go in, actions come out. It opens nothing, waits for nothing and asks no
// clock: time is a parameter, counted from the moment the pool was made. `PostgresPool` is its shell.
//
// What always holds between two events:
// - There are never more than `limits.maximum` connections, those being opened and closed included.
// - A connection is leased to one request at a time, and a broken one to none.
// - Each request is answered once: by a lease or by a failure. Those who wait are served in order of arrival.
// - Nobody waits while a connection is idle, unless the idle ones have to be pinged first and as many pings as
//   waiters are under way.

struct PoolState: Sendable {
  private enum Stage {
    case running
    case shuttingDown
    case shutDown
  }

  let limits: PoolLimits
  private(set) var links = PoolLinks()
  private(set) var waiters = PoolWaiters()
  private var stage = Stage.running
  private var totals: PostgresPoolMetrics

  /// How often opening has failed since it last succeeded. While it is above zero, one attempt is made at a time.
  private var failures = 0
  /// No attempt to open before this, while `failures` is above zero.
  private var retryAt: Duration = .zero

  private var ticks = PoolTicks()

  init(limits: PoolLimits) {
    precondition(limits.maximum > 0, "a pool needs at least one connection")
    precondition((0...limits.maximum).contains(limits.minimum), "a pool keeps between 0 and its maximum warm")
    self.limits = limits
    totals = PostgresPoolMetrics(maximum: limits.maximum)
  }

  var isShutDown: Bool { stage == .shutDown }

  var metrics: PostgresPoolMetrics {
    var metrics = totals
    metrics.opening = links.opening + links.abandoned
    metrics.idle = links.idle.count
    metrics.checking = links.checking
    metrics.inUse = links.leased
    metrics.closing = links.closing
    metrics.waiting = waiters.count
    return metrics
  }

  // MARK: Events of callers

  /// The pool was made: opens what is to be kept warm.
  mutating func started(now: Duration) -> [PoolAction] {
    var actions: [PoolAction] = []
    settle(now, &actions)
    return actions
  }

  /// Somebody wants a connection, and not later than `deadline`.
  mutating func requested(_ id: PoolRequestID, now: Duration, deadline: Duration) -> [PoolAction] {
    guard stage == .running else { return [.fail(id, .closed)] }
    var actions: [PoolAction] = []
    waiters.append(.init(id: id, since: now, deadline: deadline))
    serve(now, &actions)
    if deadline <= now { expire(now, &actions) }
    if !waiters.isEmpty { ticks.need(deadline) }
    settle(now, &actions)
    return actions
  }

  /// A request is not wanted any more. Where it was answered before, nothing happens: the holder of a lease gives
  /// it back by itself.
  mutating func cancelled(_ id: PoolRequestID) -> [PoolAction] {
    waiters.remove(id) == nil ? [] : [.fail(id, .cancelled)]
  }

  /// A lease came back. A link that is not healthy is closed, and its idle neighbours are asked before
  /// they are used again: what broke one of them (a restart, say) has often broken all.
  mutating func released(_ id: PoolConnectionID, isHealthy: Bool, now: Duration) -> [PoolAction] {
    guard case .leased? = links[id]?.phase else { return [] }
    var actions: [PoolAction] = []
    if isHealthy {
      offer(id, now, &actions)
    } else {
      links.suspectIdle()
      close(id, &actions)
    }
    settle(now, &actions)
    return actions
  }

  /// No lease from here on. Those who wait get an error; `completeShutdown` follows once the last lease is back
  /// and the last connection closed.
  mutating func shutdown(now: Duration) -> [PoolAction] {
    guard stage == .running else { return [] }
    stage = .shuttingDown
    var actions: [PoolAction] = waiters.removeAll().map { .fail($0.id, .closed) }
    for (id, link) in links.inOrder {
      switch link.phase {
      case .idle, .checking:
        close(id, &actions)
      case .opening:
        links.move(id, to: .abandoned)
        actions.append(.abandon(id))
      case .abandoned, .leased, .closing:
        break
      }
    }
    settle(now, &actions)
    return actions
  }

  // MARK: Events of connections

  mutating func opened(_ id: PoolConnectionID, now: Duration) -> [PoolAction] {
    var actions: [PoolAction] = []
    switch links[id]?.phase {
    case .opening?:
      failures = 0
      totals.opened += 1
      links.opened(id, at: now)
      offer(id, now, &actions)
    case .abandoned?:
      totals.opened += 1
      close(id, &actions)
    default:
      return []
    }
    settle(now, &actions)
    return actions
  }

  /// An attempt to open failed. Where trying again does not mend it (a wrong password, a missing database) and there
  /// is no connection to wait for, all who wait are told at once; else they wait on for a better attempt.
  mutating func openFailed(_ id: PoolConnectionID, isPermanent: Bool, now: Duration) -> [PoolAction] {
    guard let link = links[id] else { return [] }
    var actions: [PoolAction] = []
    switch link.phase {
    case .opening:
      totals.openFailures += 1
      // Attempts that began side by side and fail together are one failure.
      if failures == 0 || now >= retryAt {
        failures += 1
        retryAt = now + limits.backoff(afterFailures: failures)
      }
      links.remove(id)
      if isPermanent, links.usable == 0 {
        actions += waiters.removeAll().map { .fail($0.id, .openFailed) }
      }
    case .abandoned:
      links.remove(id)
    case .idle, .checking, .leased, .closing:
      return []
    }
    settle(now, &actions)
    return actions
  }

  mutating func pingPassed(_ id: PoolConnectionID, now: Duration) -> [PoolAction] {
    guard case .checking? = links[id]?.phase else { return [] }
    var actions: [PoolAction] = []
    offer(id, now, &actions)
    settle(now, &actions)
    return actions
  }

  mutating func pingFailed(_ id: PoolConnectionID, now: Duration) -> [PoolAction] {
    guard case .checking? = links[id]?.phase else { return [] }
    return lost(id, now: now)
  }

  /// A connection was found broken while nobody used it.
  mutating func lost(_ id: PoolConnectionID, now: Duration) -> [PoolAction] {
    var actions: [PoolAction] = []
    switch links[id]?.phase {
    case .idle?, .checking?:
      links.suspectIdle()
      close(id, &actions)
      settle(now, &actions)
    default:
      break
    }
    return actions
  }

  mutating func closed(_ id: PoolConnectionID, now: Duration) -> [PoolAction] {
    guard links[id]?.phase == .closing else { return [] }
    var actions: [PoolAction] = []
    links.remove(id)
    totals.closed += 1
    settle(now, &actions)
    return actions
  }

  // MARK: Time

  /// Time has passed: ends waits, closes what has been idle or has lived too long, gives up on slow pings.
  mutating func tick(now: Duration) -> [PoolAction] {
    ticks.arrived()
    guard stage == .running else { return [] }
    var actions: [PoolAction] = []
    for (id, link) in links.inOrder {
      switch link.phase {
      case .checking(let since) where now - since >= limits.pingLimit:
        links.suspectIdle()
        close(id, &actions)
      case .idle(let since):
        let isSurplus = links.kept > limits.minimum && limits.idleLimit.map { now - since >= $0 } ?? false
        if isSurplus || isAged(link, now) { close(id, &actions) }
      default:
        break
      }
    }
    expire(now, &actions)
    needTicks(now)
    settle(now, &actions)
    return actions
  }

  // MARK: Rules

  /// Whatever happened, brings demand and supply together again.
  private mutating func settle(_ now: Duration, _ actions: inout [PoolAction]) {
    switch stage {
    case .running:
      serve(now, &actions)
      open(now, &actions)
      if let action = ticks.announce() { actions.append(action) }
    case .shuttingDown where links.count == 0:
      stage = .shutDown
      actions.append(.completeShutdown)
    case .shuttingDown, .shutDown:
      break
    }
  }

  /// Gives a connection that just proved to work to the first who waits, or puts it by.
  private mutating func offer(_ id: PoolConnectionID, _ now: Duration, _ actions: inout [PoolAction]) {
    guard stage == .running, let link = links[id], !isAged(link, now) else { return close(id, &actions) }
    if let waiter = waiters.popFirst() {
      lease(id, to: waiter, now, &actions)
    } else {
      links.move(id, to: .idle(since: now))
      if let limit = limits.idleLimit { ticks.need(now + limit) }
      if let limit = limits.ageLimit { ticks.need(link.openedAt + limit) }
    }
  }

  /// Idle connections to those who wait. The last of `idle` was used last: when it needs a ping, all do.
  private mutating func serve(_ now: Duration, _ actions: inout [PoolAction]) {
    while !waiters.isEmpty, let id = links.idle.last, let link = links[id] {
      if isAged(link, now) {
        close(id, &actions)
      } else if needsPing(link, now) {
        guard waiters.count > links.checking else { return }
        links.move(id, to: .checking(since: now))
        ticks.need(now + limits.pingLimit)
        actions.append(.ping(id))
      } else if let waiter = waiters.popFirst() {
        lease(id, to: waiter, now, &actions)
      }
    }
  }

  private mutating func expire(_ now: Duration, _ actions: inout [PoolAction]) {
    let failure = PoolFailure.timedOut(
      size: links.count, inUse: links.leased, opening: links.opening, waiting: waiters.count)
    let expired = waiters.removeExpired(now: now)
    totals.timeouts += expired.count
    for waiter in expired { actions.append(.fail(waiter.id, failure)) }
  }

  /// Opens as many as those who wait and the pool's minimum call for and its maximum and the backoff allow.
  private mutating func open(_ now: Duration, _ actions: inout [PoolAction]) {
    while links.count < limits.maximum,
      waiters.count > links.checking + links.opening || links.kept < limits.minimum
    {
      if failures > 0 {
        guard links.opening == 0 else { return }
        guard now >= retryAt else { return ticks.need(retryAt) }
      }
      actions.append(.open(links.open()))
    }
  }

  private mutating func lease(
    _ id: PoolConnectionID, to waiter: PoolWaiters.Waiter, _ now: Duration, _ actions: inout [PoolAction]
  ) {
    links.move(id, to: .leased(to: waiter.id))
    totals.leases += 1
    totals.totalWait += now - waiter.since
    totals.longestWait = max(totals.longestWait, now - waiter.since)
    actions.append(.lease(id, to: waiter.id))
  }

  private mutating func close(_ id: PoolConnectionID, _ actions: inout [PoolAction]) {
    links.move(id, to: .closing)
    actions.append(.close(id))
  }

  /// Says anew, from the connections and waiters there are, when the next tick is due. Deadlines
  /// that lie close together share one, so that thousands of waiters do not mean thousands of looks at all of them.
  private mutating func needTicks(_ now: Duration) {
    if let deadline = waiters.earliestDeadline { ticks.need(max(deadline, now + .milliseconds(10))) }
    for link in links.all.values {
      switch link.phase {
      case .idle(let since):
        if let limit = limits.idleLimit, links.kept > limits.minimum { ticks.need(since + limit) }
        if let limit = limits.ageLimit { ticks.need(link.openedAt + limit) }
      case .checking(let since):
        ticks.need(since + limits.pingLimit)
      case .opening, .abandoned, .leased, .closing:
        break
      }
    }
  }

  private func isAged(_ link: PoolLinks.Link, _ now: Duration) -> Bool {
    limits.ageLimit.map { now - link.openedAt >= $0 } ?? false
  }

  private func needsPing(_ link: PoolLinks.Link, _ now: Duration) -> Bool {
    guard case .idle(let since) = link.phase else { return false }
    return link.isSuspect || limits.prePingAfter.map { now - since >= $0 } ?? false
  }
}
