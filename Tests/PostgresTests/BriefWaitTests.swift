// When a connection waits on its caller's thread.

import Glibc
import Testing

@testable import Postgres

@Suite("Brief waits")
struct BriefWaitTests {
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
