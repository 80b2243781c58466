// When a failed call is run again, and after which pause.

/// The plan of one call's attempts: pauses double from 10 ms to 1 s, each shortened at random by up to a half, so that
/// callers that failed together (on a deadlock, say) do not come back together.
struct PostgresPoolRetry {
  private let deadline: ContinuousClock.Instant
  private var pause: Duration = .milliseconds(10)
  /// How many attempts have failed and are repeated.
  private(set) var attempts = 0

  init(limit: Duration, now: ContinuousClock.Instant = .now) {
    deadline = now + limit
  }

  /// The pause before the next attempt; nil where the error must not be retried or the time is up.
  mutating func pause(after error: PostgresError, now: ContinuousClock.Instant = .now) -> Duration? {
    guard error.isSafeToRetry else { return nil }
    let next = pause * Double.random(in: 0.5...1)
    guard now + next < deadline else { return nil }
    pause = min(pause * 2, .seconds(1))
    attempts += 1
    return next
  }

  static nonisolated(nonsending) func wait(_ pause: Duration) async throws(PostgresError) {
    do {
      try await Task.sleep(for: pause)
    } catch {
      throw .cancelled()
    }
  }
}
