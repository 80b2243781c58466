// What the pool keeps under its lock: the rules, the connections and callers that they speak of by number, and the
// tasks that carry out what the rules ask for.

/// A connection and its name in the rules.
struct PostgresPoolLink: Sendable {
  let id: PoolConnectionID
  let connection: PostgresConnection
}

struct PostgresPoolCore: Sendable {
  typealias Answer = Result<PostgresPoolLink, PostgresError>

  /// What has to wait until the lock is free again, because it runs the code of others.
  enum Effect: Sendable {
    case answer(CheckedContinuation<Answer, Never>, Answer)
    case cancel(Task<Void, Never>)
    case finish(CheckedContinuation<Void, Never>)
  }

  var state: PoolState
  /// The connections that are open, or being closed.
  private(set) var connections: [PoolConnectionID: PostgresConnection] = [:]
  /// Why the last attempt to open failed; nil since one succeeded.
  private(set) var openError: PostgresError?
  private var callers: [PoolRequestID: CheckedContinuation<Answer, Never>] = [:]
  private var opening: [PoolConnectionID: Task<Void, Never>] = [:]
  private var pinging: [PoolConnectionID: Task<Void, Never>] = [:]
  private var timer: Task<Void, Never>?
  private var finishers: [CheckedContinuation<Void, Never>] = []
  private var nextRequest = 1

  init(limits: PoolLimits) {
    state = PoolState(limits: limits)
  }

  // MARK: - Callers

  mutating func newRequest() -> PoolRequestID {
    defer { nextRequest += 1 }
    return PoolRequestID(number: nextRequest)
  }

  mutating func wait(_ id: PoolRequestID, _ continuation: CheckedContinuation<Answer, Never>) {
    callers[id] = continuation
  }

  /// Answers when the pool is shut down: at once where it is.
  mutating func waitForShutdown(_ continuation: CheckedContinuation<Void, Never>) {
    finishers.append(continuation)
  }

  // MARK: - Connections

  mutating func opened(_ id: PoolConnectionID, _ connection: PostgresConnection) {
    opening[id] = nil
    openError = nil
    connections[id] = connection
  }

  mutating func openFailed(_ id: PoolConnectionID, _ error: PostgresError) {
    opening[id] = nil
    // That an attempt was given up says nothing about the server.
    if error.code != .cancelled { openError = error }
  }

  mutating func pinged(_ id: PoolConnectionID) {
    pinging[id] = nil
  }

  mutating func closed(_ id: PoolConnectionID) {
    connections[id] = nil
  }

  mutating func stopTimer() -> Task<Void, Never>? {
    defer { timer = nil }
    return timer
  }

  // MARK: - Actions

  /// Starts what the rules ask for, and returns what is to be done without the lock.
  mutating func perform(_ actions: [PoolAction], for pool: PostgresPool) -> [Effect] {
    var effects: [Effect] = []
    for action in actions {
      switch action {
      case .lease(let id, let request):
        if let caller = callers.removeValue(forKey: request), let connection = connections[id] {
          effects.append(.answer(caller, .success(PostgresPoolLink(id: id, connection: connection))))
        }
      case .fail(let request, let failure):
        if let caller = callers.removeValue(forKey: request) {
          effects.append(.answer(caller, .failure(error(failure, limit: pool.configuration.waitLimit))))
        }
      case .open(let id):
        opening[id] = Task { await pool.open(id) }
      case .abandon(let id):
        if let task = opening[id] { effects.append(.cancel(task)) }
      case .ping(let id):
        if let connection = connections[id] { pinging[id] = Task { await pool.ping(id, connection) } }
      case .close(let id):
        // Closing waits for what is under way, which a ping without an answer would be for long.
        if let ping = pinging.removeValue(forKey: id) { effects.append(.cancel(ping)) }
        if let connection = connections[id] { Task { await pool.close(id, connection) } }
      case .schedule(let time):
        if let timer { effects.append(.cancel(timer)) }
        timer = pool.timer(until: time)
      case .completeShutdown:
        if let timer = stopTimer() { effects.append(.cancel(timer)) }
      }
    }
    if state.isShutDown {
      effects += finishers.map { .finish($0) }
      finishers = []
    }
    return effects
  }

  private func error(_ failure: PoolFailure, limit: Duration) -> PostgresError {
    switch failure {
    case .cancelled:
      return .cancelled()
    case .closed:
      return PostgresError(.poolClosed, "the connection pool is closed")
    case .openFailed:
      return openError ?? PostgresError(.connectionFailed, "no connection could be opened")
    case .timedOut(let size, let inUse, let opening, let waiting):
      var text = "no connection became free within \(limit): the pool has \(size) of at most "
      text +=
        "\(state.limits.maximum) connections (\(inUse) in use, \(opening) being opened); waiting: \(waiting)"
      if let openError {
        text +=
          "\nThe last attempt to open a connection failed: \(openError.description.replacing("\n", with: " "))"
      }
      return PostgresError(.poolExhausted, text, isSafeToRetry: false)
    }
  }
}
