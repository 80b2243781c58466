// One caller's piece of work on its way through a queue: waiting, running, answered, or cancelled anywhere between.

internal import Synchronization

/// A body that waits for its turn on a connection, and the task that waits for its end.
final class SQLiteJob: Sendable {
  private enum Phase {
    case waiting
    case running(SQLiteInterrupt)
    /// The body has ended; whether its work stays is decided by the commit, no longer by a cancellation.
    case ended
  }

  private struct State {
    var phase = Phase.waiting
    var isCancelled = false
    var continuation: CheckedContinuation<Void, any Error>?
  }

  /// What a writer does with a job besides running its body; a reader only runs it.
  enum Role: Sendable, Equatable {
    /// Runs in a transaction, which it may share with its neighbours.
    case grouped
    /// Runs outside of any transaction.
    case outside
    /// Begins a transaction of the caller's own, or one that is nested in it; this is its number.
    case begin(Int)
    /// Ends such a transaction.
    case commit, rollback
  }

  private let state = Mutex(State())
  private let body: @Sendable (SQLiteConnection) throws -> Void
  let role: Role

  init(_ role: Role, _ body: @escaping @Sendable (SQLiteConnection) throws -> Void = { _ in }) {
    self.role = role
    self.body = body
  }

  // MARK: The caller's side

  /// Keeps the caller that waits; answers it at once where its task is cancelled already.
  ///
  /// - Returns: whether the job is to be queued.
  func attach(_ continuation: CheckedContinuation<Void, any Error>) -> Bool {
    let isCancelled = state.withLock { state in
      if !state.isCancelled { state.continuation = continuation }
      return state.isCancelled
    }
    if isCancelled { continuation.resume(throwing: CancellationError()) }
    return !isCancelled
  }

  /// Answers a job that waits at once, and interrupts one that runs.
  func cancel() {
    let waiting = state.withLock { state -> CheckedContinuation<Void, any Error>? in
      switch state.phase {
      case .waiting:
        state.isCancelled = true
        return state.continuation.take()
      case .running(let interrupt):
        state.isCancelled = true
        interrupt.interrupt()
        return nil
      case .ended:
        return nil
      }
    }
    waiting?.resume(throwing: CancellationError())
  }

  /// Queues the job and waits for its end; cancelling the caller's task cancels it, unless it is shielded.
  func wait(isShielded: Bool = false, queue: (SQLiteJob) -> Void) async throws {
    guard !isShielded else {
      return try await withCheckedThrowingContinuation { continuation in
        if attach(continuation) { queue(self) }
      }
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        if attach(continuation) { queue(self) }
      }
    } onCancel: {
      cancel()
    }
  }

  // MARK: The queue's side

  /// Runs the body; it may run once more where a neighbour's failure undid the transaction that both were in.
  func run(on connection: SQLiteConnection) throws {
    let mayStart = state.withLock { state in
      if !state.isCancelled { state.phase = .running(connection.interrupt) }
      return !state.isCancelled
    }
    guard mayStart else { throw CancellationError() }
    let result = Result { try body(connection) }
    let isCancelled = state.withLock { state in
      state.phase = .ended
      // Inside the lock: a later cancellation finds nothing to interrupt, so the next job starts undisturbed.
      connection.interrupt.clear()
      return state.isCancelled
    }
    guard !isCancelled else { throw CancellationError() }
    try result.get()
  }

  /// Wakes the caller, unless a cancellation has done so.
  func answer(_ result: Result<Void, any Error>) {
    state.withLock { $0.continuation.take() }?.resume(with: result)
  }
}

/// Where a body on a queue leaves its value for the task that waits.
final class SQLiteOutcome<Value: Sendable>: Sendable {
  private let value = Mutex<Value?>(nil)

  func set(_ newValue: Value) {
    value.withLock { $0 = newValue }
  }

  /// The value of a job that was answered with success.
  func get() -> Value {
    guard let value = value.withLock({ $0 }) else {
      preconditionFailure("a job that succeeded has left a value")
    }
    return value
  }
}
