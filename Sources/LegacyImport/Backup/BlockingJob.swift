// Work that blocks its thread, with a way to end it: SQLite's calls and the copying of files.

internal import Dispatch
internal import SQLite
internal import Synchronization

/// The state of one piece of blocking work, shared with whoever cancels it.
final class BlockingJob: Sendable {
  private struct State {
    var isCancelled = false
    var interrupt: SQLiteInterrupt?
  }

  private let state = Mutex(State())

  /// Runs the body on a thread of Dispatch, off Swift's cooperative threads; cancelling the task interrupts it.
  static func run<Result: Sendable>(
    _ body: @escaping @Sendable (BlockingJob) throws -> Result
  ) async throws -> Result {
    let job = BlockingJob()
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        DispatchQueue.global().async {
          continuation.resume(with: Swift.Result { try body(job) })
        }
      }
    } onCancel: {
      job.cancel()
    }
  }

  private func cancel() {
    let interrupt = state.withLock { state in
      state.isCancelled = true
      return state.interrupt
    }
    interrupt?.interrupt()
  }

  /// Whether the task was cancelled.
  var isCancelled: Bool { state.withLock { $0.isCancelled } }

  /// Throws `CancellationError` where the task was cancelled.
  func check() throws {
    if isCancelled { throw CancellationError() }
  }

  /// Lets cancellation interrupt the statements of a connection.
  func watch(_ connection: SQLiteConnection) throws {
    state.withLock { $0.interrupt = connection.interrupt }
    try check()
  }
}
