// Which calls wait, which are under way, and who goes next: the rules of a gatherer as a value, without tasks or locks.
//
// What always holds between two events:
// - No more than `limits.batches` batches are under way; a call that found room runs by itself, as a batch of one, which counts
//   for as long as `limits.patience`.
// - A call waits only while all of them are under way.
// - Calls leave in the order of their arrival, but for one whose key is in the batch already: it waits for the next.

/// How calls are put together.
struct GatheringLimits: Sendable {
  /// The most batches under way at once.
  var batches: Int
  /// The most calls in a batch.
  var calls: Int
  /// How long a call that runs by itself keeps others from running. One that takes longer waits for somebody's lock, perhaps for
  /// one that is only given back after another of these calls.
  var patience: Duration = .milliseconds(250)
}

/// What a batch has for one of its calls.
enum GatheredAnswer<Answer: Sendable>: Sendable {
  case answer(Answer)
  /// The call is to be run by itself, by its own task.
  case runApart
}

/// Who waits for the answer of a call. It gets one: an entry hands its caller out until it is answered, and leaves the queue with
/// that. A checked continuation, which would watch over it, makes an object more for each call.
@safe struct GatheredCaller<Answer: Sendable>: Sendable {
  private let continuation: UnsafeContinuation<GatheredAnswer<Answer>, any Error>

  init(_ continuation: UnsafeContinuation<GatheredAnswer<Answer>, any Error>) {
    unsafe self.continuation = continuation
  }

  func resume(with result: Result<GatheredAnswer<Answer>, any Error>) {
    unsafe continuation.resume(with: result)
  }

  func resume(throwing error: any Error) { unsafe continuation.resume(throwing: error) }
}

/// Keeps a call and its caller while it waits: entries are moved about, and these are large and generic.
private final class CallBox<Call: Sendable, Answer: Sendable>: Sendable {
  let call: Call
  let caller: GatheredCaller<Answer>

  init(_ call: Call, _ caller: GatheredCaller<Answer>) { (self.call, self.caller) = (call, caller) }
}

/// Calls that wait for each other.
struct CallQueue<Call: Sendable, Answer: Sendable>: Sendable {
  typealias Caller = GatheredCaller<Answer>

  /// A call, and who waits for its answer.
  struct Entry: Sendable {
    /// Its number: later calls have greater ones.
    let ticket: Int
    private let box: CallBox<Call, Answer>
    /// Whether it was answered while it was under way.
    var isAnswered = false
    /// Whether its task was cancelled while the call was under way.
    var isCancelled = false

    init(ticket: Int, call: Call, caller: Caller) {
      self.ticket = ticket
      box = CallBox(call, caller)
    }

    var call: Call { box.call }
    /// Nil once it was answered.
    var caller: Caller? { isAnswered ? nil : box.caller }
  }

  /// Calls that are under way together.
  struct Batch: Sendable {
    let id: Int
    var entries: [Entry]
    /// What runs it, so that it can be cancelled.
    var work: Task<Void, Never>?
  }

  let limits: GatheringLimits
  private var waiting: [Entry] = []
  private var batches: [Batch] = []
  /// Calls that run by themselves, and since when.
  private var alone: [(ticket: Int, since: ContinuousClock.Instant)] = []
  /// Whether somebody looks, from time to time, whether there is room again for those who wait.
  private var isWatched = false
  private var lastTicket = 0
  private var lastBatch = 0

  init(limits: GatheringLimits) { self.limits = limits }

  /// How many calls wait.
  var waitingCount: Int { waiting.count }
  /// Whether another batch may begin. Most calls find out without a look at the clock.
  private func hasRoom(_ now: () -> ContinuousClock.Instant) -> Bool {
    if alone.count + batches.count < limits.batches { return true }
    guard batches.count < limits.batches else { return false }
    let now = now()
    return batches.count + alone.count { now - $0.since < limits.patience } < limits.batches
  }

  // MARK: - Arriving

  /// How a call goes in, with its ticket.
  enum Entrance: Sendable {
    /// By itself, at once.
    case alone(Int)
    /// With others, later: it is appended next.
    case waiting(Int)
  }

  /// A call that finds room, and nobody who waits, runs by itself.
  mutating func enter(now: () -> ContinuousClock.Instant) -> Entrance {
    lastTicket += 1
    guard waiting.isEmpty, hasRoom(now) else { return .waiting(lastTicket) }
    alone.append((lastTicket, now()))
    return .alone(lastTicket)
  }

  /// A call that ran by itself has ended.
  mutating func leaveAlone(_ ticket: Int) { alone.removeAll { $0.ticket == ticket } }

  /// Whether those who wait need somebody to look after them, and have nobody yet.
  mutating func beginWatch() -> Bool {
    guard !isWatched, !waiting.isEmpty, !alone.isEmpty else { return false }
    isWatched = true
    return true
  }

  /// Whether there is nobody to look after any more.
  mutating func endWatch() -> Bool {
    isWatched = !waiting.isEmpty && !alone.isEmpty
    return !isWatched
  }

  mutating func append(_ entry: Entry) { waiting.append(entry) }

  // MARK: - Batches

  /// The next calls, where there is room for a batch of them.
  ///
  /// - Parameter key: what two calls of a batch must not share.
  mutating func nextBatch<Key: Hashable>(
    now: () -> ContinuousClock.Instant, _ key: (Call) -> Key?
  ) -> Batch? {
    guard !waiting.isEmpty, hasRoom(now) else { return nil }
    var taken: [Entry] = []
    var left: [Entry] = []
    var keys: Set<Key> = []
    var place = 0
    // One key many times over must not mean a look at all who wait, each time.
    let end = min(waiting.count, 4 * limits.calls)
    taken.reserveCapacity(min(waiting.count, limits.calls))
    while place < end, taken.count < limits.calls {
      let entry = waiting[place]
      if let key = key(entry.call), !keys.insert(key).inserted {
        left.append(entry)
      } else {
        taken.append(entry)
      }
      place += 1
    }
    waiting.replaceSubrange(..<place, with: left)
    lastBatch += 1
    let batch = Batch(id: lastBatch, entries: taken)
    batches.append(batch)
    return batch
  }

  /// Notes what runs a batch.
  ///
  /// - Returns: whether a call of it was cancelled before.
  mutating func setWork(_ work: Task<Void, Never>, of id: Int) -> Bool {
    guard let place = batches.firstIndex(where: { $0.id == id }) else { return false }
    batches[place].work = work
    return batches[place].entries.contains(where: \.isCancelled)
  }

  /// The batch as it is now, with those marked that were cancelled meanwhile.
  func batch(_ id: Int) -> Batch? { batches.first { $0.id == id } }

  /// Ends a batch and hands out its calls, to be answered.
  mutating func endBatch(_ id: Int) -> [Entry] {
    guard let place = batches.firstIndex(where: { $0.id == id }) else { return [] }
    return batches.remove(at: place).entries
  }

  /// Takes those out of a batch who were cancelled; the others stay, to be sent again.
  mutating func takeCancelled(of id: Int) -> [Entry] {
    guard let place = batches.firstIndex(where: { $0.id == id }) else { return [] }
    let cancelled = batches[place].entries.filter(\.isCancelled)
    batches[place].entries.removeAll(where: \.isCancelled)
    return cancelled
  }

  /// Those who wait and came before a ticket.
  mutating func takeWaiting(upTo ticket: Int) -> [Entry] {
    let old = waiting.filter { $0.ticket <= ticket }
    waiting.removeAll { $0.ticket <= ticket }
    return old
  }

  /// The newest call so far.
  var newestTicket: Int { lastTicket }

  // MARK: - Cancelling

  /// What a cancellation calls for.
  enum Cancellation: Sendable {
    /// Nothing: the call was answered, or has not arrived yet.
    case none
    /// It is answered with `CancellationError`.
    case answer(Caller)
    /// It is under way: what runs it is cancelled.
    case stop(Task<Void, Never>)
  }

  /// The task of a call was cancelled.
  ///
  /// - Parameter leavesAtOnce: whether a call that is under way is answered at once, and its result forgotten.
  mutating func cancelled(_ ticket: Int, leavesAtOnce: Bool) -> Cancellation {
    if let place = waiting.firstIndex(where: { $0.ticket == ticket }) {
      return waiting.remove(at: place).caller.map { .answer($0) } ?? .none
    }
    for batch in batches.indices {
      guard let place = batches[batch].entries.firstIndex(where: { $0.ticket == ticket }) else { continue }
      if leavesAtOnce {
        guard let caller = batches[batch].entries[place].caller else { return .none }
        batches[batch].entries[place].isAnswered = true
        return .answer(caller)
      }
      batches[batch].entries[place].isCancelled = true
      return batches[batch].work.map { .stop($0) } ?? .none
    }
    return .none
  }
}
