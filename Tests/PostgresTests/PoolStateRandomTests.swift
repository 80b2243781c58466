// Random lives of a pool: a shell that is slow, unlucky and out of order drives the state machine, and after each
// event the rules at the head of PoolState.swift have to hold.

import Testing

@testable import Postgres

@Suite struct PoolStateRandomTests {
  @Test(arguments: 0..<40)
  func theRulesHoldInAnyOrderOfEvents(round: Int) {
    let seed = UInt64.random(in: 0...(.max))
    var simulation = PoolSimulation(seed: seed)
    for step in 0..<2000 {
      simulation.step()
      if let fault = simulation.fault {
        Issue.record(
          "seed \(seed), step \(step): \(fault)\n\(simulation.log.suffix(20).joined(separator: "\n"))")
        return
      }
    }
    simulation.finish()
    if let fault = simulation.fault {
      Issue.record("seed \(seed), at the end: \(fault)\n\(simulation.log.suffix(20).joined(separator: "\n"))")
    }
    #expect(simulation.leases > 100, "seed \(seed): the life was too dull to prove anything")
  }
}

/// SplitMix64: small, and the same on every machine for the same seed.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

/// A shell without a database, that keeps its own books to compare with those of the state.
private struct PoolSimulation {
  private var generator: SeededGenerator
  private let limits: PoolLimits
  private var state: PoolState
  private var now = Duration.zero
  private var nextRequest = 1

  /// What the shell has been asked to do and has not done yet.
  private var opening: Set<PoolConnectionID> = []
  private var pinging: Set<PoolConnectionID> = []
  private var closing: Set<PoolConnectionID> = []
  private var open: Set<PoolConnectionID> = []
  private var broken: Set<PoolConnectionID> = []
  private var leased: [PoolConnectionID: PoolRequestID] = [:]
  private var waiting: [PoolRequestID] = []
  private var deadlines: [PoolRequestID: Duration] = [:]
  private var answered: Set<PoolRequestID> = []
  private var wakeAt: Duration?
  private var lastFailure: Duration = .seconds(-10)
  private var isShutDown = false

  private(set) var leases = 0
  private(set) var log: [String] = []
  private(set) var fault: String?

  init(seed: UInt64) {
    var generator = SeededGenerator(state: seed)
    let maximum = Int.random(in: 1...6, using: &generator)
    limits = PoolLimits(
      maximum: maximum, minimum: Int.random(in: 0...maximum, using: &generator),
      idleLimit: Bool.random(using: &generator) ? .seconds(3) : nil,
      ageLimit: Bool.random(using: &generator) ? .seconds(10) : nil,
      prePingAfter: [nil, .zero, .seconds(1)].randomElement(using: &generator) ?? nil,
      pingLimit: .seconds(2), firstBackoff: .milliseconds(100), longestBackoff: .seconds(1))
    state = PoolState(limits: limits)
    self.generator = generator
    perform("start", state.started(now: now))
  }

  // MARK: Events

  mutating func step() {
    switch Int.random(in: 0..<20, using: &generator) {
    case 0..<6: request()
    case 6: if let id = waiting.randomElement(using: &generator) { cancel(id) }
    case 7: cancel(PoolRequestID(number: Int.random(in: 1...nextRequest, using: &generator)))
    case 8..<11: finishOpening()
    case 11..<16: release()
    case 16: finishPing()
    case 17: finishClosing()
    case 18: lose()
    default: wait(.milliseconds(Int.random(in: 1...700, using: &generator)))
    }
  }

  /// Shuts down and brings back whatever is out, in random order: the pool has to come to its end.
  mutating func finish() {
    perform("shutdown", state.shutdown(now: now))
    if !waiting.isEmpty { fail("somebody still waits after the shutdown") }
    var steps = 0
    while !isShutDown, fault == nil, steps < 1000 {
      steps += 1
      switch Int.random(in: 0..<6, using: &generator) {
      case 0: request()
      case 1: finishOpening()
      case 2: release()
      case 3: finishPing()
      case 4: finishClosing()
      default: wait(.milliseconds(100))
      }
    }
    if !isShutDown { fail("the shutdown never completed") }
    if !(opening.isEmpty && open.isEmpty && closing.isEmpty) { fail("completed with connections left") }
  }

  private mutating func request() {
    let id = PoolRequestID(number: nextRequest)
    nextRequest += 1
    let deadline = now + .milliseconds(Int.random(in: 0...3000, using: &generator))
    waiting.append(id)
    deadlines[id] = deadline
    perform("request \(id.number) until \(deadline)", state.requested(id, now: now, deadline: deadline))
  }

  private mutating func cancel(_ id: PoolRequestID) {
    perform("cancel \(id.number)", state.cancelled(id))
  }

  private mutating func finishOpening() {
    guard let id = opening.randomElement(using: &generator) else { return }
    opening.remove(id)
    switch Int.random(in: 0..<10, using: &generator) {
    case 0..<7:
      open.insert(id)
      perform("opened \(id.number)", state.opened(id, now: now))
    case 7:
      lastFailure = now
      let hadNone = open.subtracting(closing).isEmpty
      perform("open \(id.number) refused", state.openFailed(id, isPermanent: true, now: now))
      if hadNone, !waiting.isEmpty { fail("they wait for a connection that cannot be had") }
    default:
      lastFailure = now
      perform("open \(id.number) failed", state.openFailed(id, isPermanent: false, now: now))
    }
  }

  private mutating func release() {
    guard let id = leased.keys.randomElement(using: &generator) else { return }
    leased[id] = nil
    let isHealthy = !broken.contains(id) && Int.random(in: 0..<10, using: &generator) > 0
    if !isHealthy { broken.insert(id) }
    let event = "release \(id.number) \(isHealthy ? "healthy" : "broken")"
    perform(event, state.released(id, isHealthy: isHealthy, now: now))
  }

  private mutating func finishPing() {
    guard let id = pinging.randomElement(using: &generator) else { return }
    pinging.remove(id)
    if Int.random(in: 0..<4, using: &generator) > 0, !broken.contains(id) {
      perform("ping \(id.number) passed", state.pingPassed(id, now: now))
    } else {
      broken.insert(id)
      perform("ping \(id.number) failed", state.pingFailed(id, now: now))
    }
  }

  private mutating func finishClosing() {
    guard let id = closing.randomElement(using: &generator) else { return }
    closing.remove(id)
    open.remove(id)
    perform("closed \(id.number)", state.closed(id, now: now))
  }

  private mutating func lose() {
    let idle = open.subtracting(closing).subtracting(leased.keys)
    guard let id = idle.randomElement(using: &generator) else { return }
    broken.insert(id)
    perform("lost \(id.number)", state.lost(id, now: now))
  }

  /// Time passes, with a tick wherever the state asked for one, and now and then one that it did not ask for.
  private mutating func wait(_ duration: Duration) {
    let end = now + duration
    while let time = wakeAt, time <= end {
      now = max(now, time)
      wakeAt = nil
      perform("tick at \(now)", state.tick(now: now))
    }
    now = end
    check()
    if Bool.random(using: &generator) { perform("early tick at \(now)", state.tick(now: now)) }
    let overdue = waiting.filter { (deadlines[$0] ?? .zero) + .milliseconds(10) < now }
    if !overdue.isEmpty { fail("\(overdue) wait past their deadlines") }
  }

  // MARK: Actions

  private mutating func perform(_ event: String, _ actions: [PoolAction]) {
    log.append("\(now) \(event) -> \(actions)")
    for action in actions {
      switch action {
      case .open(let id):
        if !opening.insert(id).inserted || open.contains(id) { fail("\(id) is opened twice") }
        if isShutDown { fail("opens after the shutdown") }
      case .abandon(let id):
        if !opening.contains(id) { fail("\(id) is abandoned but not being opened") }
      case .ping(let id):
        if !isFree(id) { fail("\(id) is pinged while in use") }
        pinging.insert(id)
      case .close(let id):
        if !open.contains(id) || leased[id] != nil { fail("\(id) cannot be closed now") }
        pinging.remove(id)
        if !closing.insert(id).inserted { fail("\(id) is closed twice") }
      case .lease(let id, let request):
        if !isFree(id) { fail("\(id) is handed out while it is not free") }
        if broken.contains(id) { fail("\(id) is broken and handed out") }
        if waiting.first != request { fail("\(request) jumped the queue") }
        leased[id] = request
        leases += 1
        answer(request)
      case .fail(let request, let failure):
        if case .timedOut = failure, let deadline = deadlines[request], deadline > now {
          fail("\(request) timed out early")
        }
        answer(request)
      case .schedule(let time):
        if time < now { fail("a tick is asked for in the past") }
        wakeAt = time
      case .completeShutdown:
        if isShutDown { fail("shut down twice") }
        isShutDown = true
      }
    }
    check()
  }

  private mutating func answer(_ request: PoolRequestID) {
    if !answered.insert(request).inserted { fail("\(request) is answered twice") }
    guard let index = waiting.firstIndex(of: request) else { return fail("\(request) does not wait") }
    waiting.remove(at: index)
  }

  private func isFree(_ id: PoolConnectionID) -> Bool {
    open.contains(id) && leased[id] == nil && !pinging.contains(id) && !closing.contains(id)
  }

  // MARK: Rules

  private mutating func check() {
    let metrics = state.metrics
    let size = opening.count + open.count
    if size > limits.maximum { fail("\(size) connections") }
    if metrics.size != size { fail("the state counts \(metrics.size) connections, the shell \(size)") }
    if metrics.inUse != leased.count { fail("the state counts \(metrics.inUse) leases") }
    if metrics.waiting != waiting.count { fail("the state counts \(metrics.waiting) waiters") }
    if metrics.opened - metrics.closed != open.count { fail("opened and closed do not add up") }
    if metrics.leases != leases { fail("the leases do not add up") }
    if metrics.idle > 0, metrics.waiting > metrics.checking {
      fail("\(metrics.waiting) wait while \(metrics.idle) are idle")
    }
    if metrics.waiting > metrics.checking, opening.isEmpty, size < limits.maximum,
      now > lastFailure + limits.longestBackoff
    {
      fail("\(metrics.waiting) wait, there is room, and none is being opened")
    }
    let isWaitingForNothing = metrics.waiting > 0 && size == 0 && wakeAt == nil
    if isWaitingForNothing { fail("they wait, and nothing will ever happen") }
  }

  private mutating func fail(_ reason: String) {
    if fault == nil { fault = reason }
  }
}
