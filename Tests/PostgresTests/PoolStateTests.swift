// The rules of the connection pool, one by one: an event goes in, these actions come out.

import Testing

@testable import Postgres

@Suite struct PoolStateTests {
  let far = Duration.seconds(1000)

  private func connection(_ number: Int) -> PoolConnectionID { PoolConnectionID(number: number) }
  private func request(_ number: Int) -> PoolRequestID { PoolRequestID(number: number) }
  private func seconds(_ seconds: Double) -> Duration { .seconds(seconds) }

  /// Actions without `schedule`, which has tests of its own.
  private func core(_ actions: [PoolAction]) -> [PoolAction] {
    actions.filter { if case .schedule = $0 { false } else { true } }
  }

  /// A pool with so many connections, all idle since time 0.
  private func pool(_ limits: PoolLimits = PoolLimits(), idle: Int = 0) -> PoolState {
    var state = PoolState(limits: limits)
    for number in 0..<idle {
      _ = state.requested(request(-1 - number), now: .zero, deadline: far)
      _ = state.opened(connection(number + 1), now: .zero)
    }
    for number in 0..<idle { _ = state.released(connection(number + 1), isHealthy: true, now: .zero) }
    return state
  }

  // MARK: Leases

  @Test func opensForTheFirstRequestAndHandsOver() {
    var state = pool()
    #expect(core(state.requested(request(1), now: .zero, deadline: far)) == [.open(connection(1))])
    #expect(core(state.opened(connection(1), now: seconds(1))) == [.lease(connection(1), to: request(1))])
    #expect(state.metrics.inUse == 1)
    #expect(state.metrics.leases == 1)
    #expect(state.metrics.totalWait == seconds(1))
  }

  @Test func handsOutTheConnectionThatWasUsedLast() {
    var state = pool(idle: 3)
    let actions = core(state.requested(request(1), now: seconds(1), deadline: far))
    #expect(actions == [.lease(connection(3), to: request(1))])
  }

  @Test func waitersAreServedInOrderOfArrival() {
    var state = pool(PoolLimits(maximum: 1), idle: 1)
    _ = state.requested(request(1), now: .zero, deadline: far)
    for number in 2...4 {
      #expect(core(state.requested(request(number), now: .zero, deadline: far)).isEmpty)
    }
    for number in 2...4 {
      let actions = core(state.released(connection(1), isHealthy: true, now: seconds(1)))
      #expect(actions == [.lease(connection(1), to: request(number))])
    }
  }

  @Test func neverOpensMoreThanTheMaximum() {
    var state = pool(PoolLimits(maximum: 2))
    var opens = 0
    for number in 1...10 {
      for case .open in state.requested(request(number), now: .zero, deadline: far) { opens += 1 }
    }
    #expect(opens == 2)
    #expect(state.metrics.waiting == 10)
  }

  @Test func aConnectionBeingClosedStillTakesItsPlace() {
    var state = pool(PoolLimits(maximum: 1), idle: 1)
    _ = state.requested(request(1), now: .zero, deadline: far)
    _ = state.requested(request(2), now: .zero, deadline: far)
    #expect(core(state.released(connection(1), isHealthy: false, now: .zero)) == [.close(connection(1))])
    #expect(core(state.closed(connection(1), now: .zero)) == [.open(connection(2))])
  }

  @Test func keepsTheMinimumWarm() {
    var state = pool(PoolLimits(maximum: 3, minimum: 2))
    #expect(core(state.started(now: .zero)) == [.open(connection(1)), .open(connection(2))])
    _ = state.opened(connection(1), now: .zero)
    _ = state.opened(connection(2), now: .zero)
    #expect(core(state.lost(connection(1), now: .zero)) == [.close(connection(1)), .open(connection(3))])
  }

  // MARK: Broken links

  @Test func aBrokenLinkIsNeverHandedOut() {
    var state = pool(idle: 1)
    _ = state.requested(request(1), now: .zero, deadline: far)
    _ = state.requested(request(2), now: .zero, deadline: far)
    #expect(core(state.released(connection(1), isHealthy: false, now: .zero)) == [.close(connection(1))])
    #expect(core(state.opened(connection(2), now: .zero)) == [.lease(connection(2), to: request(2))])
  }

  @Test func theNeighboursOfABrokenLinkAreAskedFirst() {
    var state = pool(PoolLimits(prePingAfter: nil), idle: 2)
    _ = state.requested(request(1), now: .zero, deadline: far)
    _ = state.released(connection(2), isHealthy: false, now: .zero)
    #expect(core(state.requested(request(2), now: .zero, deadline: far)) == [.ping(connection(1))])
    #expect(core(state.pingPassed(connection(1), now: .zero)) == [.lease(connection(1), to: request(2))])
    // It has proved itself: no second ping.
    _ = state.released(connection(1), isHealthy: true, now: .zero)
    let actions = core(state.requested(request(3), now: .zero, deadline: far))
    #expect(actions == [.lease(connection(1), to: request(3))])
  }

  // MARK: Pings

  @Test func pingsAConnectionThatWasIdleForLong() {
    var state = pool(PoolLimits(prePingAfter: .seconds(30)), idle: 1)
    #expect(core(state.requested(request(1), now: seconds(30), deadline: far)) == [.ping(connection(1))])
    #expect(
      core(state.pingFailed(connection(1), now: seconds(31))) == [
        .close(connection(1)), .open(connection(2)),
      ])
    #expect(
      core(state.opened(connection(2), now: seconds(32))) == [.lease(connection(2), to: request(1))])
  }

  @Test func doesNotPingOneThatWasUsedLately() {
    var state = pool(PoolLimits(prePingAfter: .seconds(30)), idle: 1)
    let actions = core(state.requested(request(1), now: seconds(29), deadline: far))
    #expect(actions == [.lease(connection(1), to: request(1))])
  }

  @Test func pingsOneConnectionAWaiter() {
    var state = pool(PoolLimits(prePingAfter: .zero), idle: 3)
    #expect(core(state.requested(request(1), now: .zero, deadline: far)) == [.ping(connection(3))])
    #expect(core(state.requested(request(2), now: .zero, deadline: far)) == [.ping(connection(2))])
    // Whoever came first gets the first that answers.
    #expect(core(state.pingPassed(connection(2), now: .zero)) == [.lease(connection(2), to: request(1))])
  }

  @Test func aPingThatTakesTooLongIsAFailure() {
    var state = pool(PoolLimits(prePingAfter: .zero, pingLimit: .seconds(5)), idle: 1)
    let actions = state.requested(request(1), now: seconds(1), deadline: far)
    #expect(actions.contains(.schedule(at: seconds(6))))
    #expect(
      core(state.tick(now: seconds(6))) == [.close(connection(1)), .open(connection(2))])
    #expect(core(state.pingPassed(connection(1), now: seconds(7))).isEmpty, "it is closed by now")
  }

  // MARK: Deadlines and cancellation

  @Test func aWaitEndsAtItsDeadlineAndSaysWhatThePoolWasLike() {
    var state = pool(PoolLimits(maximum: 1), idle: 1)
    _ = state.requested(request(1), now: .zero, deadline: far)
    let actions = state.requested(request(2), now: .zero, deadline: seconds(3))
    #expect(actions == [.schedule(at: seconds(3))])
    #expect(core(state.tick(now: seconds(2))).isEmpty)
    let failure = PoolFailure.timedOut(size: 1, inUse: 1, opening: 0, waiting: 1)
    #expect(core(state.tick(now: seconds(3))) == [.fail(request(2), failure)])
    #expect(state.metrics.timeouts == 1)
    #expect(core(state.released(connection(1), isHealthy: true, now: seconds(4))).isEmpty)
    #expect(state.metrics.idle == 1)
  }

  @Test func aDeadlineThatHasPassedTakesAnIdleConnectionOrFailsAtOnce() {
    var state = pool(PoolLimits(maximum: 1), idle: 1)
    #expect(
      core(state.requested(request(1), now: .zero, deadline: .zero)) == [
        .lease(connection(1), to: request(1))
      ])
    #expect(
      core(state.requested(request(2), now: .zero, deadline: .zero)) == [
        .fail(request(2), .timedOut(size: 1, inUse: 1, opening: 0, waiting: 1))
      ])
  }

  @Test func aCancelledWaiterIsPassedOver() {
    var state = pool(PoolLimits(maximum: 1), idle: 1)
    for number in 1...3 { _ = state.requested(request(number), now: .zero, deadline: far) }
    #expect(state.cancelled(request(2)) == [.fail(request(2), .cancelled)])
    #expect(
      core(state.released(connection(1), isHealthy: true, now: .zero)) == [
        .lease(connection(1), to: request(3))
      ])
  }

  @Test func cancellingWhatWasHandedOverLosesNoConnection() {
    var state = pool(PoolLimits(maximum: 1), idle: 1)
    _ = state.requested(request(1), now: .zero, deadline: far)
    #expect(state.cancelled(request(1)).isEmpty)
    _ = state.released(connection(1), isHealthy: true, now: .zero)
    #expect(state.metrics.idle == 1)
    #expect(state.cancelled(request(1)).isEmpty, "and once more, after it came back")
  }

  @Test func aThousandWaitersThatLeaveCostNothingLater() {
    var state = pool(PoolLimits(maximum: 1), idle: 1)
    for number in 1...1000 { _ = state.requested(request(number), now: .zero, deadline: far) }
    for number in 2...999 { _ = state.cancelled(request(number)) }
    #expect(state.metrics.waiting == 1)
    #expect(
      core(state.released(connection(1), isHealthy: true, now: .zero)) == [
        .lease(connection(1), to: request(1000))
      ])
  }

  // MARK: Failures to open

  @Test func aPermanentFailureEndsAllWaitsWhereThereIsNoConnection() {
    var state = pool(PoolLimits(maximum: 1))
    _ = state.requested(request(1), now: .zero, deadline: far)
    _ = state.requested(request(2), now: .zero, deadline: far)
    #expect(
      core(state.openFailed(connection(1), isPermanent: true, now: .zero)) == [
        .fail(request(1), .openFailed), .fail(request(2), .openFailed),
      ])
  }

  @Test func aPermanentFailureEndsNoWaitWhileAConnectionLives() {
    var state = pool(PoolLimits(maximum: 2), idle: 1)
    _ = state.requested(request(1), now: .zero, deadline: far)
    _ = state.requested(request(2), now: .zero, deadline: far)
    #expect(core(state.openFailed(connection(2), isPermanent: true, now: .zero)).isEmpty)
    #expect(
      core(state.released(connection(1), isHealthy: true, now: .zero)) == [
        .lease(connection(1), to: request(2))
      ])
  }

  @Test func aPassingFailureIsTriedAgainAfterAPauseThatDoubles() {
    let limits = PoolLimits(firstBackoff: .milliseconds(50), longestBackoff: .milliseconds(150))
    var state = pool(limits)
    _ = state.requested(request(1), now: .zero, deadline: far)
    var now = Duration.zero
    for (number, pause) in [(1, 50), (2, 100), (3, 150), (4, 150)] {
      let retry = now + .milliseconds(pause)
      #expect(
        state.openFailed(connection(number), isPermanent: false, now: now) == [.schedule(at: retry)])
      now = retry
      #expect(core(state.tick(now: now)) == [.open(connection(number + 1))])
    }
    #expect(
      core(state.opened(connection(5), now: now)) == [.lease(connection(5), to: request(1))])
  }

  @Test func whileOpeningFailsOneAttemptIsMadeAtATime() {
    var state = pool(PoolLimits(maximum: 3, firstBackoff: .seconds(1)))
    for number in 1...3 { _ = state.requested(request(number), now: .zero, deadline: far) }
    for number in 1...3 {
      #expect(core(state.openFailed(connection(number), isPermanent: false, now: .zero)).isEmpty)
    }
    #expect(
      core(state.tick(now: seconds(1))) == [.open(connection(4))], "and the three counted as one failure")
    #expect(
      core(state.opened(connection(4), now: seconds(1))) == [
        .lease(connection(4), to: request(1)), .open(connection(5)), .open(connection(6)),
      ])
  }

  // MARK: Limits of time

  @Test func anIdleConnectionAboveTheMinimumIsClosed() {
    var state = pool(PoolLimits(minimum: 1, idleLimit: .seconds(10)), idle: 2)
    #expect(core(state.tick(now: seconds(9))).isEmpty)
    #expect(core(state.tick(now: seconds(10))) == [.close(connection(1))])
    #expect(core(state.tick(now: seconds(99))).isEmpty, "the other one is the minimum")
  }

  @Test func anOldConnectionIsReplaced() {
    var state = pool(PoolLimits(maximum: 1, minimum: 1, idleLimit: nil, ageLimit: .seconds(60)), idle: 1)
    _ = state.requested(request(1), now: .zero, deadline: far)
    #expect(core(state.tick(now: seconds(60))).isEmpty, "not while it is in use")
    let actions = core(state.released(connection(1), isHealthy: true, now: seconds(61)))
    #expect(actions == [.close(connection(1))])
    #expect(core(state.closed(connection(1), now: seconds(61))) == [.open(connection(2))])
  }

  @Test func anOldIdleConnectionIsNotHandedOut() {
    var state = pool(PoolLimits(idleLimit: nil, ageLimit: .seconds(60)), idle: 1)
    let actions = core(state.requested(request(1), now: seconds(60), deadline: far))
    #expect(actions == [.close(connection(1)), .open(connection(2))])
  }

  @Test func theNextTickIsAnnouncedOnceAndOnlyMovedForward() {
    var state = pool(PoolLimits(maximum: 1, idleLimit: .seconds(10), ageLimit: nil))
    _ = state.requested(request(1), now: .zero, deadline: far)
    _ = state.opened(connection(1), now: .zero)
    #expect(
      state.released(connection(1), isHealthy: true, now: seconds(5)) == [.schedule(at: seconds(15))])
    _ = state.requested(request(2), now: seconds(6), deadline: far)
    #expect(state.released(connection(1), isHealthy: true, now: seconds(7)).isEmpty, "15 is soon enough")
    #expect(state.tick(now: seconds(15)) == [.schedule(at: seconds(17))])
    #expect(state.tick(now: seconds(17)) == [.close(connection(1))])
  }

  // MARK: Shutdown

  @Test func shutdownWaitsForLeasesAndEndsWaits() {
    var state = pool(PoolLimits(maximum: 2), idle: 2)
    _ = state.requested(request(1), now: .zero, deadline: far)
    #expect(core(state.shutdown(now: .zero)) == [.close(connection(1))])
    #expect(state.closed(connection(1), now: .zero).isEmpty)
    #expect(state.requested(request(2), now: .zero, deadline: far) == [.fail(request(2), .closed)])
    #expect(state.released(connection(2), isHealthy: true, now: .zero) == [.close(connection(2))])
    #expect(state.closed(connection(2), now: .zero) == [.completeShutdown])
    #expect(state.isShutDown)
    #expect(state.shutdown(now: .zero).isEmpty)
  }

  @Test func shutdownAbandonsWhatIsBeingOpened() {
    var state = pool()
    for number in 1...2 { _ = state.requested(request(number), now: .zero, deadline: far) }
    #expect(
      state.shutdown(now: .zero) == [
        .fail(request(1), .closed), .fail(request(2), .closed),
        .abandon(connection(1)), .abandon(connection(2)),
      ])
    #expect(state.opened(connection(1), now: .zero) == [.close(connection(1))])
    #expect(state.openFailed(connection(2), isPermanent: false, now: .zero).isEmpty)
    #expect(state.closed(connection(1), now: .zero) == [.completeShutdown])
  }

  @Test func shutdownOfAnEmptyPoolIsCompleteAtOnce() {
    var state = pool()
    #expect(state.shutdown(now: .zero) == [.completeShutdown])
  }
}
