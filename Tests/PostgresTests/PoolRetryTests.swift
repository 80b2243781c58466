// When a failed call is run again.

import Testing

@testable import Postgres

@Suite struct PoolRetryTests {
  private let safe = PostgresError(.connectionLost, "gone", isSafeToRetry: true)
  private let unsafe = PostgresError(.connectionLost, "gone", isSafeToRetry: false)

  @Test func onlyWhatIsSafeIsRetried() {
    var retry = PostgresPoolRetry(limit: .seconds(10))
    #expect(retry.pause(after: unsafe) == nil)
    #expect(retry.pause(after: safe) != nil)
  }

  @Test func pausesDoubleUpToASecondAndAreShortenedAtRandom() throws {
    let start = ContinuousClock.now
    var retry = PostgresPoolRetry(limit: .seconds(100), now: start)
    for longest in [10, 20, 40, 80, 160, 320, 640, 1000, 1000] {
      let next = retry.pause(after: safe, now: start)
      let pause = try #require(next)
      #expect(pause <= .milliseconds(longest))
      #expect(pause >= .milliseconds(longest) / 2)
    }
  }

  @Test func noRetryEndsAfterTheLimit() {
    let start = ContinuousClock.now
    var retry = PostgresPoolRetry(limit: .seconds(1), now: start)
    #expect(retry.pause(after: safe, now: start + .milliseconds(996)) == nil)
    #expect(retry.pause(after: safe, now: start + .milliseconds(500)) != nil)
    var never = PostgresPoolRetry(limit: .zero, now: start)
    #expect(never.pause(after: safe, now: start) == nil)
  }

  @Test(arguments: [
    ("28P01", true), ("28000", true), ("3D000", true), ("42501", true), ("53300", false), ("57P03", false),
  ])
  func whatCannotBeMendedByTryingAgain(code: String, isPermanent: Bool) {
    var error = PostgresError(.connectionFailed, "refused")
    error.server = PostgresServerFields(
      sqlState: SQLState(rawValue: code), severity: "FATAL", message: "refused")
    #expect(error.isPermanentOpenFailure == isPermanent)
  }
}
