// A call that is the only one under way in the process waits for a quick answer on its own thread.
//
// Between the answer at the socket and the caller stand two wake-ups where the event loop is asked: of its thread, and of one of
// Swift's for the caller. On an idle machine each takes longer than the server needs for a row by its key. So one caller alone,
// who keeps nobody from the thread whom this library knows of, looks at the socket again and again for as long as a wake-up takes,
// and then waits in the kernel for a moment, as blocking libpq does. Each only for as long as it pays.
// µs a read by key, one caller, the medians of runs of `agentbase bench memory` on 2 cores, and pgbench in the same runs:
//
//   by the event loop alone             131   (pgbench  94)
//   a moment in the kernel first         88   (pgbench  75)
//   looking, then a moment (chosen)      43   (pgbench  80), for no more of the processor's time

import Glibc
import Synchronization

/// How a connection waits on the caller's thread: as has paid of late.
struct BriefWait: Sendable {
  /// How long it looks at the socket, at most.
  static let lookingLimit = Duration.microseconds(50)
  /// How long it waits in the kernel, at most: a thread of Swift's is kept for as long.
  static let waitingMilliseconds: Int32 = 1

  private var looking = Attempt()
  private var waiting = Attempt()

  /// Waits on this thread until the socket can be read; false where it takes longer than is worth it.
  mutating func isReadable(_ socket: Int32) -> Bool {
    if looking.begins() {
      let isReadable = Self.look(at: socket)
      looking.ended(wasOfUse: isReadable)
      if isReadable { return true }
    }
    guard waiting.begins() else { return false }
    let isReadable = Self.poll(socket, milliseconds: Self.waitingMilliseconds)
    waiting.ended(wasOfUse: isReadable)
    return isReadable
  }

  private static func look(at socket: Int32) -> Bool {
    let start = ContinuousClock.now
    repeat {
      if poll(socket, milliseconds: 0) { return true }
    } while ContinuousClock.now - start < lookingLimit
    return false
  }

  private static func poll(_ socket: Int32, milliseconds: Int32) -> Bool {
    var entry = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
    return unsafe Glibc.poll(&entry, 1, milliseconds) > 0
  }

  /// How many waits for answers are under way in the process.
  static let underWay = Atomic<Int>(0)
}
