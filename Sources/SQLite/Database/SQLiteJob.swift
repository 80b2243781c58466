// One caller's piece of work on its way through a queue: waiting, running, answered, or cancelled anywhere between.

internal import Synchronization
internal import Waiting

/// A body that waits for its turn on a connection, and the task that waits for its end.
final class SQLiteJob: Sendable {
  private enum Phase {
    case waiting
    case running(SQLiteInterrupt)
    /// The body has ended; whether its work stays is decided by the commit, no longer by a cancellation.
    case ended
  }

  @safe private struct State {
    var phase = Phase.waiting
    var isCancelled = false
    var answer: Result<Void, any Error>?
    var continuation: UnsafeContinuation<Void, any Error>?
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
  private let isAnswered = Atomic<Bool>(false)
  private let body: @Sendable (SQLiteConnection) throws -> Void
  let role: Role
  /// Whether the caller looks out for the answer: the next job may come at once.
  private let isEager = Atomic<Bool>(false)

  init(_ role: Role, _ body: @escaping @Sendable (SQLiteConnection) throws -> Void = { _ in }) {
    self.role = role
    self.body = body
  }

  var callerLooksOut: Bool { isEager.load(ordering: .relaxed) }

  // MARK: The caller's side

  /// Queues the job and waits for its end; cancelling the caller's task cancels it, unless it is shielded.
  ///
  /// - Parameter eager: how the caller keeps its thread before its task is suspended; nil where it does not.
  /// - Returns: the same, and what this wait has taught it.
  @discardableResult
  nonisolated(nonsending) func wait(
    isShielded: Bool = false, eager: HybridWait? = nil, queue: (SQLiteJob) -> Void
  ) async throws -> HybridWait? {
    if !isShielded { try Task.checkCancellation() }
    isEager.store(eager != nil, ordering: .relaxed)
    let start = eager.map { _ in ContinuousClock.now }
    queue(self)
    var eager = eager
    if eager?.wait(for: { isAnswered.load(ordering: .acquiring) }) == true {
      try state.withLock { $0.answer }?.get()
      return eager
    }
    if isShielded {
      try await suspend()
    } else {
      try await withTaskCancellationHandler {
        try await suspend()
      } onCancel: {
        cancel()
      }
    }
    if let start { eager?.note(ContinuousClock.now - start) }
    return eager
  }

  private nonisolated(nonsending) func suspend() async throws {
    try await unsafe withUnsafeThrowingContinuation { continuation in
      let answer = state.withLock { state in
        if state.answer == nil { unsafe state.continuation = continuation }
        return state.answer
      }
      if let answer { unsafe continuation.resume(with: answer) }
    }
  }

  /// Answers a job that waits at once, and interrupts one that runs.
  func cancel() {
    let isWaiting = state.withLock { state in
      switch state.phase {
      case .waiting:
        state.isCancelled = true
        return true
      case .running(let interrupt):
        state.isCancelled = true
        interrupt.interrupt()
        return false
      case .ended:
        return false
      }
    }
    if isWaiting { answer(.failure(CancellationError())) }
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
    let continuation = unsafe state.withLock { state -> UnsafeContinuation<Void, any Error>? in
      guard state.answer == nil else { return nil }
      state.answer = result
      return unsafe state.continuation.take()
    }
    isAnswered.store(true, ordering: .releasing)
    if let continuation = unsafe continuation { unsafe continuation.resume(with: result) }
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
