// What is tried only where it has worked of late.

import Testing

@testable import Waiting

@Suite("Attempts")
struct AttemptTests {
  @Test("What was of use is tried each time")
  func useful() {
    var attempt = Attempt()
    for _ in 0..<10 {
      let begins = attempt.begins()
      #expect(begins)
      attempt.ended(wasOfUse: true)
    }
  }

  @Test("What was of no use is left out for twice as many calls each time, for 1,024 at most")
  func useless() {
    var attempt = Attempt()
    var calls: [Int] = []
    for call in 0..<4000 where attempt.begins() {
      calls.append(call)
      attempt.ended(wasOfUse: false)
    }
    #expect(calls == [0, 3, 8, 17, 34, 67, 132, 261, 518, 1031, 2056, 3081])
    // One success, and it is trusted again.
    attempt.ended(wasOfUse: true)
    let begins = attempt.begins()
    #expect(begins)
  }
}
