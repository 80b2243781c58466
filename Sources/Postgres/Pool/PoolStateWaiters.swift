// The queue of those who wait for a connection: first come, first served, each with a deadline, and each
// may leave at any time.

struct PoolWaiters: Sendable {
  struct Waiter: Sendable, Hashable {
    let id: PoolRequestID
    let since: Duration
    let deadline: Duration
  }

  private var waiters: [PoolRequestID: Waiter] = [:]
  /// Arrivals in order from `head` on. Those who left are still in it, and are skipped.
  private var order: [PoolRequestID] = []
  private var head = 0

  var count: Int { waiters.count }
  var isEmpty: Bool { waiters.isEmpty }

  /// The earliest deadline of all. Looks at every waiter: for ticks, not for each request.
  var earliestDeadline: Duration? { waiters.values.lazy.map(\.deadline).min() }

  // MARK: Coming and going

  mutating func append(_ waiter: Waiter) {
    let previous = waiters.updateValue(waiter, forKey: waiter.id)
    precondition(previous == nil, "a request identifier was used twice")
    order.append(waiter.id)
  }

  /// Takes out the one who has waited longest.
  mutating func popFirst() -> Waiter? {
    while head < order.count {
      let id = order[head]
      head += 1
      if let waiter = waiters.removeValue(forKey: id) {
        compact()
        return waiter
      }
    }
    compact()
    return nil
  }

  /// Takes out one who leaves early; nil where it does not wait (any more).
  mutating func remove(_ id: PoolRequestID) -> Waiter? {
    guard let waiter = waiters.removeValue(forKey: id) else { return nil }
    compact()
    return waiter
  }

  /// Takes out all whose deadline has come, in the order of their arrival.
  mutating func removeExpired(now: Duration) -> [Waiter] {
    let expired = order[head...].compactMap { waiters[$0] }.filter { $0.deadline <= now }
    for waiter in expired { waiters[waiter.id] = nil }
    compact()
    return expired
  }

  /// Takes out everybody, in the order of their arrival.
  mutating func removeAll() -> [Waiter] {
    let all = order[head...].compactMap { waiters[$0] }
    self = PoolWaiters()
    return all
  }

  /// Drops what was passed or has left once it is most of the array: constant time per waiter on average.
  private mutating func compact() {
    guard order.count > 2 * waiters.count + 32 else { return }
    order = order[head...].filter { waiters[$0] != nil }
    head = 0
  }
}
