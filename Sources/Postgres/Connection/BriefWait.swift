// A call that is the only one under way in the process waits for a quick answer on its own thread.
//
// Between the answer at the socket and the caller stand two wake-ups where the event loop is asked: of its thread, and of one of
// Swift's for the caller. On an idle machine each takes longer than the server needs for a row by its key. So one caller alone,
// who keeps nobody from the thread whom this library knows of, waits in the kernel for a moment, as blocking libpq does.
// µs a read by key, one caller, the medians of runs of `agentbase bench memory` on 2 cores, and pgbench in the same runs:
//
//   by the event loop alone                        131   (pgbench  94)
//   a moment on the caller's thread first (chosen)  88   (pgbench  75)

import Glibc
import Synchronization

/// Whether and how long a connection waits on the caller's thread: as long as that has paid of late.
struct BriefWait: Sendable {
  /// Never longer: a thread of Swift's is kept for as long.
  static let milliseconds: Int32 = 1

  /// How many waits in a row were too long.
  private var misses = 0
  /// How many calls go to the event loop at once before it is tried again.
  private var skips = 0

  /// Whether this call is to wait so.
  mutating func begins() -> Bool {
    guard skips > 0 else { return true }
    skips -= 1
    return false
  }

  /// Notes what a wait came to. After one that was too long the next few calls, twice as many each time, do without.
  mutating func ended(wasReady: Bool) {
    misses = wasReady ? 0 : min(misses + 1, 10)
    skips = wasReady ? 0 : 1 << misses
  }

  /// Waits on this thread until the socket can be read, for `milliseconds` at most.
  static func isReadable(_ socket: Int32) -> Bool {
    var entry = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
    return unsafe poll(&entry, 1, milliseconds) > 0
  }

  /// The waits of all connections of the process that are under way.
  static let underWay = Atomic<Int>(0)
}
