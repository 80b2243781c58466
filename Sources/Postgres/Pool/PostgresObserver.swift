// What a pool tells whoever watches it, besides its numbers.

/// Something that happened in a pool.
public enum PostgresPoolEvent: Sendable {
  /// A statement took longer than the observer's limit: its text, with placeholders for its values.
  case slow(sql: String, Duration)
  /// A caller has waited for a connection; the pool's numbers are those afterwards.
  case waited(Duration, PostgresPoolMetrics)
  /// A call failed in a way that is safe to retry, and is run again; attempts are counted from 1.
  case retries(PostgresError, attempt: Int)
  /// A connection could not be opened.
  case openFailed(PostgresError)
}

/// Whoever watches a pool.
public struct PostgresObserver: Sendable {
  /// How long a statement may take before it is told of; nil: no statement is.
  public var slowLimit: Duration?
  /// How long a caller may wait for a connection before it is told of.
  public var waitLimit: Duration = .milliseconds(10)
  /// Called on any thread; it must not block.
  public var handle: @Sendable (PostgresPoolEvent) -> Void

  /// Watches with a limit for statements.
  public init(slowLimit: Duration? = nil, handle: @escaping @Sendable (PostgresPoolEvent) -> Void) {
    self.slowLimit = slowLimit
    self.handle = handle
  }

  /// Tells of a statement that began at `start`, where it took too long.
  func ran(_ sql: String, since start: ContinuousClock.Instant) {
    guard let slowLimit else { return }
    let duration = ContinuousClock.now - start
    if duration >= slowLimit { handle(.slow(sql: sql, duration)) }
  }

  /// Tells of a caller that has waited since `start`, where it was long.
  func waited(since start: ContinuousClock.Instant, _ metrics: () -> PostgresPoolMetrics) {
    let duration = ContinuousClock.now - start
    if duration >= waitLimit { handle(.waited(duration, metrics())) }
  }
}
