// Whether a caller stays on its thread for a moment instead of changing threads: twice 20 to 50 µs, more than a read takes.

internal import Glibc
internal import Synchronization
internal import Waiting

/// Decides when a call may keep its thread: to read by itself, or to wait for a writer that is nearly done.
///
/// Swift's cooperative threads are few, and nothing may block them. What happens here is no blocking: it takes as long as a
/// short computation between two awaits would. A read by key finds its row through an index, for the most part in the
/// page cache, and waits for no lock. A wait for the writer lasts about a millisecond at most, and is only kept while no other
/// caller waits for the same writer. Where either takes too long, because the disk is slow or the processors are busy, the next calls
/// change threads again; the more often it happens, the more of them.
final class SQLiteEagerness: Sendable {
  /// The longest that a read may take, and that the writer looks out for the next job.
  static let longest = Duration.microseconds(200)

  private let isOn: Bool
  private let callers = Atomic<Int>(0)
  private let writes = Mutex(HybridWait())
  private let reads = SQLitePatience()

  /// - Parameter isOn: false where every wait is to suspend its task.
  init(isOn: Bool) {
    // With one processor, whoever looks out keeps the other from working.
    self.isOn = isOn && sysconf(Int32(_SC_NPROCESSORS_ONLN)) > 1
  }

  // MARK: - Writes

  /// Runs a call that waits for the writer.
  ///
  /// - Parameter body: is given how to wait for an answer, where it is to keep its thread first.
  nonisolated(nonsending) func withCaller(
    _ body: nonisolated(nonsending) (HybridWait?) async throws -> HybridWait?
  ) async throws {
    guard isOn else {
      _ = try await body(nil)
      return
    }
    let isAlone = callers.add(1, ordering: .relaxed).newValue == 1
    defer { callers.subtract(1, ordering: .relaxed) }
    // Of two who are alone one after the other while both wait, what one has learnt is forgotten: that does no harm.
    let learnt = try await body(isAlone ? writes.withLock { $0 } : nil)
    if let learnt { writes.withLock { $0 = learnt } }
  }

  /// Looks out for the next job, for `longest` at most.
  ///
  /// - Returns: whether it came.
  static func lookOut(for isThere: () -> Bool) -> Bool {
    HybridWait.look(until: ContinuousClock.now + longest, isThere)
  }

  // MARK: - Reads

  /// Whether the next read may run on its caller's thread.
  func mayRead() -> Bool { isOn && reads.mayTry() }

  /// Notes how long such a read took.
  func noteRead(_ time: Duration) { reads.note(wasInVain: time > Self.longest) }
}

/// How often something is tried, from how often it was in vain. Two that note at once may count as one.
final class SQLitePatience: Sendable {
  private let pause = Atomic<Int>(0)
  private let left = Atomic<Int>(0)

  /// Whether to try it this time.
  func mayTry() -> Bool {
    guard left.load(ordering: .relaxed) > 0 else { return true }
    left.subtract(1, ordering: .relaxed)
    return false
  }

  /// Notes how a try went: each in vain doubles the pause before the next, each other one halves it.
  func note(wasInVain: Bool) {
    let last = pause.load(ordering: .relaxed)
    guard wasInVain || last > 0 else { return }
    let next = wasInVain ? min(max(2 * last, 8), 4096) : last / 2
    pause.store(next, ordering: .relaxed)
    left.store(wasInVain ? next : 0, ordering: .relaxed)
  }
}
