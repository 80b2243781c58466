// When a connection waits on its caller's thread.

import Glibc
import Testing

@testable import Postgres

@Suite("Brief waits")
struct BriefWaitTests {
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

  @Test("A socket that has something is seen; a silent one is left to the event loop")
  func sockets() throws {
    var ends: [Int32] = [0, 0]
    try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
    defer { for end in ends { close(end) } }
    var wait = BriefWait()
    for _ in 0..<100 {
      let isReadable = wait.isReadable(ends[0])
      #expect(!isReadable)
    }
    try #require(write(ends[1], "x", 1) == 1)
    var other = BriefWait()
    let isReadable = other.isReadable(ends[0])
    #expect(isReadable)
  }
}
