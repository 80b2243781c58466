// When changes are carried: together, and so that the machine is the callers' for the most part.

/// The moments at which a replicator carries. What it carries in one go costs less the more of it there is, and what has changed
/// several times meanwhile is carried once; so it waits for a moment, and the longer the more it has to do.
struct CarryingPace {
  /// How long a change waits for others to be carried with.
  static let linger = Duration.milliseconds(100)
  /// How long the rest is, in times of the work before it.
  static let restPerWork = 4
  /// The longest rest: what was written before it is on the other side within a second or so.
  static let longestRest = Duration.milliseconds(500)

  /// Until when the replicator rests.
  private var restEnd: ContinuousClock.Instant?

  /// When to carry what was written about now.
  func nextStart(after now: ContinuousClock.Instant) -> ContinuousClock.Instant {
    guard let restEnd else { return now + Self.linger }
    return restEnd > now ? restEnd : now + Self.linger
  }

  /// Notes the work that was done.
  ///
  /// - Parameter isBehind: whether so much waits that there is no rest.
  mutating func note(
    from start: ContinuousClock.Instant, to end: ContinuousClock.Instant, isBehind: Bool
  ) {
    restEnd =
      end + (isBehind ? .zero : min(Self.longestRest, max(Self.linger, (end - start) * Self.restPerWork)))
  }
}
