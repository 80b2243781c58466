// Calls that are under way at once share a statement: the shell around the rules of `CallQueue`.

import Synchronization

/// What a gatherer runs: calls of one kind, one by one or together.
protocol GatheredWork: Sendable {
  associatedtype Call: Sendable
  associatedtype Answer: Sendable
  associatedtype Key: Hashable

  /// What two calls of a batch must not share; nil where it does not matter.
  func key(of call: Call) -> Key?
  /// Runs one call.
  func run(_ call: Call) async throws -> Answer
  /// Runs several as one statement, and answers them in their order. What it throws, it has done for none.
  func run(together calls: [Call]) async throws -> [GatheredAnswer<Answer>]
  /// What an error of a batch means for its calls.
  func meaning(of error: any Error) -> GatheredFailure
  /// Whether a call that is cancelled while it is under way may be answered at once: where it changes nothing.
  var leavesAtOnce: Bool { get }
}

/// What becomes of the calls of a batch that failed.
enum GatheredFailure: Sendable {
  /// The batch was cancelled and did nothing: whose calls were not cancelled are sent again.
  case cancelled
  /// Each is run by itself, so that it gets its own error and nobody another's.
  case runApart
  /// All get this error: no other attempt can help, or none may be made.
  case fails
  /// All get this error, and so do those who wait since before it: the database cannot be reached.
  case failsAll
}

/// Runs calls as they come, and together where more come than can be under way.
///
/// A call that finds room runs at once, by itself, in its own task: one caller pays nothing. While all batches are under way,
/// calls wait; whoever ends next takes those who wait with it, as one statement.
final class CallGatherer<Work: GatheredWork>: Sendable {
  typealias Queue = CallQueue<Work.Call, Work.Answer>

  private let work: Work
  private let queue: Mutex<Queue>

  init(_ work: Work, limits: GatheringLimits) {
    self.work = work
    queue = Mutex(Queue(limits: limits))
  }

  /// Runs a call, by itself or with others.
  func call(_ call: Work.Call) async throws -> Work.Answer {
    switch queue.withLock({ $0.enter(now: Self.now) }) {
    case .alone(let ticket):
      defer { leftAlone(ticket) }
      return try await work.run(call)
    case .waiting(let ticket):
      let answer = try await wait(call, ticket)
      if case .answer(let answer) = answer { return answer }
      return try await work.run(call)
    }
  }

  private static func now() -> ContinuousClock.Instant { .now }

  /// How many calls wait.
  var waitingCount: Int { queue.withLock { $0.waitingCount } }

  // MARK: - Waiting

  private func wait(_ call: Work.Call, _ ticket: Int) async throws -> GatheredAnswer<Work.Answer> {
    try await withTaskCancellationHandler {
      try await unsafe withUnsafeThrowingContinuation { continuation in
        let caller = unsafe Queue.Caller(continuation)
        let (isCancelled, batch, watches): (Bool, Queue.Batch?, Bool) = queue.withLock { queue in
          // Asked under the lock that the handler below takes too: a cancellation comes before or after, not between.
          if Task.isCancelled { return (true, nil, false) }
          queue.append(Queue.Entry(ticket: ticket, call: call, caller: caller))
          // Room may have come since this call was turned away.
          return (false, queue.nextBatch(now: Self.now, work.key), queue.beginWatch())
        }
        if isCancelled { caller.resume(throwing: CancellationError()) }
        if let batch { start(batch) }
        if watches { watch() }
      }
    } onCancel: {
      switch queue.withLock({ $0.cancelled(ticket, leavesAtOnce: work.leavesAtOnce) }) {
      case .none: break
      case .answer(let caller): caller.resume(throwing: CancellationError())
      case .stop(let work): work.cancel()
      }
    }
  }

  private func leftAlone(_ ticket: Int) {
    let batch = queue.withLock { queue in
      queue.leaveAlone(ticket)
      return queue.nextBatch(now: Self.now, work.key)
    }
    if let batch { start(batch) }
  }

  /// Looks whether there is room for those who wait, while calls by themselves take long.
  private func watch() {
    Task.detached { [self, patience = queue.withLock { $0.limits.patience }] in
      while true {
        try? await Task.sleep(for: patience)
        let (batch, isOver) = queue.withLock { queue in
          (queue.nextBatch(now: Self.now, work.key), queue.endWatch())
        }
        if let batch { start(batch) }
        if isOver { return }
      }
    }
  }

  // MARK: - Batches

  /// Runs a batch in a task of its own, which nobody's cancellation ends but that of its calls.
  private func start(_ batch: Queue.Batch) {
    // The task may end before it is noted; then there is no batch to note it at.
    let task = Task.detached { [self] in await run(batch) }
    if queue.withLock({ $0.setWork(task, of: batch.id) }) { task.cancel() }
  }

  private func run(_ batch: Queue.Batch) async {
    let newest = queue.withLock { $0.newestTicket }
    do {
      let answers = try await work.run(together: batch.entries.map(\.call))
      end(batch.id) { place, entry in
        answers.indices.contains(place) ? .success(answers[place]) : .success(.runApart)
      }
    } catch {
      switch work.meaning(of: error) {
      case .cancelled: goOn(after: batch.id)
      case .runApart:
        end(batch.id) { _, entry in entry.isCancelled ? .failure(CancellationError()) : .success(.runApart) }
      case .fails: end(batch.id) { _, _ in .failure(error) }
      case .failsAll:
        let others = queue.withLock { $0.takeWaiting(upTo: newest) }
        end(batch.id) { _, _ in .failure(error) }
        for entry in others { entry.caller?.resume(throwing: error) }
      }
    }
  }

  /// Answers the calls of a batch, and begins the next.
  private func end(
    _ id: Int, _ answer: (Int, Queue.Entry) -> Result<GatheredAnswer<Work.Answer>, any Error>
  ) {
    let (entries, next) = queue.withLock { queue in
      (queue.endBatch(id), queue.nextBatch(now: Self.now, work.key))
    }
    // First: the server is not to wait for callers.
    if let next { start(next) }
    for (place, entry) in entries.enumerated() { entry.caller?.resume(with: answer(place, entry)) }
  }

  /// A call of the batch was cancelled, and the server has undone the batch: the others are sent again.
  private func goOn(after id: Int) {
    let (cancelled, batch) = queue.withLock { queue in (queue.takeCancelled(of: id), queue.batch(id)) }
    for entry in cancelled { entry.caller?.resume(throwing: CancellationError()) }
    if let batch, !batch.entries.isEmpty, !cancelled.isEmpty {
      start(batch)
    } else {
      end(id) { _, _ in .failure(CancellationError()) }
    }
  }
}
