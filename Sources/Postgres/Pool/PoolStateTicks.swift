// When the pool wants to be woken next, and whether its shell has been told.

struct PoolTicks: Sendable {
  private var needed: Duration?
  private var scheduled: Duration?

  mutating func need(_ time: Duration) {
    needed = min(needed ?? time, time)
  }

  /// The tick that was asked for is here; what is needed from now on is to be said anew.
  mutating func arrived() {
    self = PoolTicks()
  }

  /// The action that makes the shell wake the pool in time; nil where it already will.
  mutating func announce() -> PoolAction? {
    guard let needed, scheduled.map({ needed < $0 }) ?? true else { return nil }
    scheduled = needed
    return .schedule(at: needed)
  }
}
