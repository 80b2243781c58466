// The connections of a pool as its state machine sees them: where each is on its way from being opened to being
// closed, and how many are where.

struct PoolLinks: Sendable {
  enum Phase: Sendable, Hashable {
    case opening
    /// Being opened, but wanted no more: closed as soon as it is open.
    case abandoned
    case idle(since: Duration)
    case checking(since: Duration)
    case leased(to: PoolRequestID)
    case closing
  }

  struct Link: Sendable, Hashable {
    var phase: Phase
    /// When it was opened.
    var openedAt: Duration = .zero
    /// A neighbour was found broken while this one was idle, so it has to be asked before it is handed out.
    var isSuspect = false
  }

  private(set) var all: [PoolConnectionID: Link] = [:]
  /// Those in phase `idle`, the longest idle first. The last is handed out first, so that a pool
  /// that needs fewer connections leaves the others alone until they reach the idle limit.
  private(set) var idle: [PoolConnectionID] = []
  private(set) var opening = 0
  private(set) var abandoned = 0
  private(set) var checking = 0
  private(set) var leased = 0
  private(set) var closing = 0
  private var nextNumber = 1

  /// All, those on their way in and out included.
  var count: Int { all.count }
  /// Those that are open and will be used again.
  var usable: Int { idle.count + checking + leased }
  /// Those that are usable or about to be.
  var kept: Int { usable + opening }

  /// All, the oldest first.
  var inOrder: [(key: PoolConnectionID, value: Link)] { all.sorted { $0.key.number < $1.key.number } }

  subscript(_ id: PoolConnectionID) -> Link? { all[id] }

  // MARK: The way of a connection

  mutating func open() -> PoolConnectionID {
    let id = PoolConnectionID(number: nextNumber)
    nextNumber += 1
    all[id] = Link(phase: .opening)
    opening += 1
    return id
  }

  mutating func opened(_ id: PoolConnectionID, at now: Duration) {
    all[id]?.openedAt = now
  }

  mutating func move(_ id: PoolConnectionID, to phase: Phase) {
    guard let old = all[id]?.phase else { return }
    count(old, by: -1)
    if case .idle = old { removeIdle(id) }
    count(phase, by: 1)
    if case .idle = phase { idle.append(id) }
    all[id]?.phase = phase
    all[id]?.isSuspect = false
  }

  mutating func remove(_ id: PoolConnectionID) {
    guard let link = all.removeValue(forKey: id) else { return }
    count(link.phase, by: -1)
    if case .idle = link.phase { removeIdle(id) }
  }

  /// Marks the idle ones: what broke one of them may have broken all.
  mutating func suspectIdle() {
    for id in idle { all[id]?.isSuspect = true }
  }

  private mutating func removeIdle(_ id: PoolConnectionID) {
    if idle.last == id {
      idle.removeLast()
    } else {
      idle.removeAll { $0 == id }
    }
  }

  private mutating func count(_ phase: Phase, by change: Int) {
    switch phase {
    case .opening: opening += change
    case .abandoned: abandoned += change
    case .idle: break
    case .checking: checking += change
    case .leased: leased += change
    case .closing: closing += change
    }
  }
}
