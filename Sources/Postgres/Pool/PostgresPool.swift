// The connection pool: the shell around the rules of `PoolState`.

import Synchronization

/// Connections to one database that any number of tasks share.
///
/// A call takes a connection for as long as it needs one; calls beyond the pool's size wait in order of arrival,
/// without a thread each. Broken connections are dropped and replaced. Cancelling a task that waits ends its wait;
/// cancelling one that runs cancels its statement on the server.
///
///     let pool = PostgresPool(try PostgresConfiguration(url))
///     let rows = try await pool.query("SELECT name FROM agents WHERE id = \(id)")
///     try await pool.transaction { connection in … }
///     await pool.close()
///
/// A connection that comes back is set right for the next caller: an open transaction is rolled back, changed
/// settings, listeners, temporary tables and advisory locks are reset (see ``PostgresConnection/reset(everything:)``).
public final class PostgresPool: Sendable {
  /// The settings it was made with.
  public let configuration: PostgresPoolConfiguration
  private let target: PostgresConfiguration
  let observer: PostgresObserver?
  private let start = ContinuousClock.now
  private let core: Mutex<PostgresPoolCore>

  /// Makes a pool and starts to open its minimum of connections. Whether the server can be reached shows with the
  /// first call.
  public init(
    _ connection: PostgresConfiguration,
    configuration: PostgresPoolConfiguration = PostgresPoolConfiguration(), observer: PostgresObserver? = nil
  ) {
    self.configuration = configuration
    self.observer = observer
    target = connection
    core = Mutex(PostgresPoolCore(limits: configuration.limits))
    handle { core, now in core.state.started(now: now) }
  }

  deinit {
    // The connections close themselves; nobody holds a lease, for a lease holds the pool.
    core.withLock { $0.stopTimer() }?.cancel()
  }

  /// The pool's numbers at this moment.
  public var metrics: PostgresPoolMetrics { core.withLock { $0.state.metrics } }

  /// Ends the pool: those who wait get a `poolClosed` error, as do all later calls; returns when the last lease
  /// is back and the last connection closed. May be called again, and by several tasks.
  public func close() async {
    await withCheckedContinuation { continuation in
      handle { core, now in
        core.waitForShutdown(continuation)
        return core.state.shutdown(now: now)
      }
    }
  }

  // MARK: - Leases

  // These run off the caller's actor: each visit to the connection's own would otherwise change threads twice for a
  // caller on the main actor (21 µs of CPU a lease; 2 µs so).

  /// Waits for a connection that lives. Whoever gets one must `release` it.
  ///
  /// - Parameter isTrusted: whether it is lent without a look at its socket, since its first statement looks.
  @concurrent func acquire(isTrusted: Bool = false) async throws(PostgresError) -> PostgresPoolLink {
    let began = ContinuousClock.now
    let deadline = start.duration(to: began) + configuration.waitLimit
    defer { observer?.waited(since: began) { metrics } }
    while true {
      let link = try await request(until: deadline)
      if Task.isCancelled {
        // Handed over and cancelled in the same moment.
        await release(link)
        throw .cancelled()
      }
      if isTrusted { return link }
      if await link.connection.lives() { return link }
      // Ended by the server while it was idle: nothing is lost, and the rules now ask its neighbours first.
      handle { core, now in core.state.released(link.id, isHealthy: false, now: now) }
    }
  }

  @concurrent private func request(until deadline: Duration) async throws(PostgresError)
    -> PostgresPoolLink
  {
    let id = core.withLock { $0.newRequest() }
    let answer = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        handle { core, now in
          core.wait(id, continuation)
          // Asked under the lock that the handler below takes too: a cancellation comes before or after, not between.
          if Task.isCancelled { return [.fail(id, .cancelled)] }
          return core.state.requested(id, now: now, deadline: deadline)
        }
      }
    } onCancel: {
      handle { core, _ in core.state.cancelled(id) }
    }
    return try answer.get()
  }

  /// Gives a connection back. One that is still inside a transaction, or whose settings were changed, is set right first;
  /// that is for the next user, so the cancellation of this one does not stop it. Where it fails, the link is closed.
  @concurrent func release(_ link: PostgresPoolLink) async {
    let isHealthy =
      switch link.connection.lastCondition {
      case .fit: true
      case .unusable: false
      case .sessionChanged, .inTransaction: await Task { await link.connection.becomesFit() }.value
      }
    handle { core, now in core.state.released(link.id, isHealthy: isHealthy, now: now) }
  }

  /// Ends a session that refuses to write though its configuration asks for a server that takes writes.
  ///
  /// - Returns: whether the configuration does.
  func leaveStandby(_ link: PostgresPoolLink) async -> Bool {
    guard ["read-write", "primary"].contains(target["target_session_attrs"] ?? "") else { return false }
    await link.connection.close()
    return true
  }

  // MARK: - What the rules ask for

  func open(_ id: PoolConnectionID) async {
    do {
      let connection = try await PostgresConnection.connect(target, observer: observer)
      handle { core, now in
        core.opened(id, connection)
        return core.state.opened(id, now: now)
      }
    } catch {
      if error.code != .cancelled { observer?.handle(.openFailed(error)) }
      handle { core, now in
        core.openFailed(id, error)
        return core.state.openFailed(id, isPermanent: error.isPermanentOpenFailure, now: now)
      }
    }
  }

  func ping(_ id: PoolConnectionID, _ connection: PostgresConnection) async {
    do {
      try await connection.executeScript("SELECT 1")
      handle { core, now in
        core.pinged(id)
        return core.state.pingPassed(id, now: now)
      }
    } catch {
      handle { core, now in
        core.pinged(id)
        return core.state.pingFailed(id, now: now)
      }
    }
  }

  func close(_ id: PoolConnectionID, _ connection: PostgresConnection) async {
    await connection.close()
    handle { core, now in
      core.closed(id)
      return core.state.closed(id, now: now)
    }
  }

  /// Wakes the rules at a time of theirs. Does not keep the pool alive.
  func timer(until time: Duration) -> Task<Void, Never> {
    Task { [weak self, deadline = start + time] in
      do { try await Task.sleep(until: deadline, clock: .continuous) } catch { return }
      self?.handle { core, now in core.state.tick(now: now) }
    }
  }

  /// Tells the rules of an event and does what they ask for.
  private func handle(_ event: (inout PostgresPoolCore, _ now: Duration) -> [PoolAction]) {
    let effects = core.withLock { core in
      // The clock is read under the lock, so that no event is older than the one before it.
      let actions = event(&core, start.duration(to: .now))
      return core.perform(actions, for: self)
    }
    for effect in effects {
      switch effect {
      case .answer(let caller, let answer): caller.resume(returning: answer)
      case .cancel(let task): task.cancel()
      case .finish(let caller): caller.resume()
      }
    }
  }
}
