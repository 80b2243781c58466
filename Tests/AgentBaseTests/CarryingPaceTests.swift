// When a replicator carries: soon, and less often the more it has to do.

import Testing

@testable import AgentBase

@Suite struct CarryingPaceTests {
  private let start = ContinuousClock.now

  private func pace(after work: Duration, isBehind: Bool = false) -> (CarryingPace, ContinuousClock.Instant) {
    var pace = CarryingPace()
    pace.note(from: start, to: start + work, isBehind: isBehind)
    return (pace, start + work)
  }

  @Test func theFirstChangeWaitsForOthersForAMoment() {
    #expect(CarryingPace().nextStart(after: start) == start + CarryingPace.linger)
    // So does one that comes long after the last work.
    let (pace, end) = pace(after: .milliseconds(400))
    let later = end + .seconds(2)
    #expect(pace.nextStart(after: later) == later + CarryingPace.linger)
  }

  @Test(arguments: [(1, 100), (25, 100), (50, 200), (100, 400), (125, 500), (3000, 500)])
  func theRestGrowsWithTheWorkToALimit(_ work: Int, _ rest: Int) {
    let (pace, end) = pace(after: .milliseconds(work))
    #expect(pace.nextStart(after: end) == end + .milliseconds(rest))
    #expect(pace.nextStart(after: end + .milliseconds(60)) == end + .milliseconds(rest))
  }

  @Test func thereIsNoRestWhereTooMuchWaits() {
    let (pace, end) = pace(after: .milliseconds(500), isBehind: true)
    #expect(pace.nextStart(after: end - .nanoseconds(1)) == end)
  }
}
