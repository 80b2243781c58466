// The readers of a database: a few connections, and the jobs that wait for one of them.

internal import Synchronization

/// Gives each job to a reader that is free, first come, first served.
final class SQLiteReaders: Sendable {
  private struct State {
    var idle: [SQLiteQueue]
    var waiting: [SQLiteJob] = []
  }

  private let state: Mutex<State>
  private let queues: [SQLiteQueue]

  init(_ queues: [SQLiteQueue]) {
    self.queues = queues
    // The last is taken first, so that one reader serves whoever asks for one thing at a time.
    state = Mutex(State(idle: queues.reversed()))
  }

  /// Runs a job on the next free reader.
  func add(_ job: SQLiteJob) {
    let queue = state.withLock { state -> SQLiteQueue? in
      if let queue = state.idle.popLast() { return queue }
      state.waiting.append(job)
      return nil
    }
    if let queue { start(job, on: queue) }
  }

  /// Runs a body on a free reader, on this very thread; does nothing where none is free, and what it throws is forgotten.
  func runNow(_ body: (SQLiteConnection) throws -> Void) {
    guard let queue = state.withLock({ $0.idle.popLast() }) else { return }
    try? queue.runNow(body)
    let waiting = state.withLock { state -> SQLiteJob? in
      guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
      state.idle.append(queue)
      return nil
    }
    if let waiting { start(waiting, on: queue) }
  }

  /// Closes all readers after the jobs that they run.
  func close() async {
    for queue in queues { await queue.close() }
  }

  private func start(_ job: SQLiteJob, on queue: SQLiteQueue) {
    queue.async { [self] connection in
      var next: SQLiteJob? = job
      while let job = next {
        // The reader is free before the caller wakes: its next call finds it.
        let result = Result { try job.run(on: connection.get()) }
        next = state.withLock { state in
          guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
          state.idle.append(queue)
          return nil
        }
        job.answer(result)
      }
    }
  }
}
