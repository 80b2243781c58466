// A call that is the only one under way in the process waits for a quick answer on its own thread.
//
// One caller alone keeps nobody from the thread whom this library knows of. So it waits as `HybridWait` does, and where that was in
// vain in the kernel for a moment, as blocking libpq does: one wake-up, where the event loop takes two.

import Glibc
import Synchronization
import Waiting

/// How a connection waits on the caller's thread: as has paid of late.
struct BriefWait: Sendable {
  /// How long it waits in the kernel, at most: a thread of Swift's is kept for as long.
  static let kernelMilliseconds: Int32 = 1

  private var hybrid = HybridWait()
  private var inKernel = Attempt()

  /// Waits on this thread until the socket can be read; false where it takes longer than is worth it.
  mutating func isReadable(_ socket: Int32) -> Bool {
    let start = ContinuousClock.now
    if hybrid.wait(for: { Self.poll(socket, milliseconds: 0) }) { return true }
    guard inKernel.begins() else { return false }
    let isReadable = Self.poll(socket, milliseconds: Self.kernelMilliseconds)
    inKernel.ended(wasOfUse: isReadable)
    hybrid.note(ContinuousClock.now - start)
    return isReadable
  }

  private static func poll(_ socket: Int32, milliseconds: Int32) -> Bool {
    var entry = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
    return unsafe Glibc.poll(&entry, 1, milliseconds) > 0
  }

  // MARK: - Who waits

  /// How many waits for answers are under way in the process; one that several tasks share counts more than once.
  private static let underWay = Atomic<Int>(0)

  /// Notes that a wait begins.
  ///
  /// - Returns: whether it is the only one.
  @discardableResult
  static func begin() -> Bool { underWay.add(1, ordering: .relaxed).oldValue == 0 }

  /// Notes that it has ended.
  static func end() { underWay.subtract(1, ordering: .relaxed) }
}
