// A wait that keeps its thread for a moment instead of changing threads twice.
//
// Between an answer and the task that waits for it stand the wake-ups of one or two threads. On a machine that is idle otherwise
// each takes longer than a read by its key, and on a virtual one as long as a third of a commit. So a caller who is alone looks
// for the answer itself: at once for those that are quick, and for the others from shortly before they usually come, asleep until
// then. That is what block devices with hybrid polling do.
//
// Calls a second of one caller, set against pgbench or the bare loop over SQLite in the same run; medians of 9 to 25 rounds in turn of
// `agentbase bench memory` and `agentbase bench sqlite`, on 2 cores of a virtual machine:
//
//                                                      read, Postgres   store, Postgres   store, SQLite
//   looks for 50 µs, or for 200 where SQLite stores         0.96             0.87         0.75 to 0.82
//   looks for 100 µs                                    1.67 to 1.75     0.79 to 0.86
//   looks for 100 µs; asleep, and looks again           1.59             1.04 to 1.10     0.83 to 1.02

internal import Glibc

/// How a caller waits for its answers on its own thread: as has paid of late.
///
/// It keeps the thread for little more than `limit` at most, and less and less often where it was in vain.
package struct HybridWait: Sendable {
  /// How long it looks for an answer that may come at once.
  static let quick = Duration.microseconds(100)
  /// How much longer than usual it looks for one that comes later.
  static let margin = Duration.microseconds(100)
  /// How much longer a sleep lasts than it is to: the kernel's slack for timers, and the wake-up.
  static let oversleep = Duration.microseconds(75)
  /// Answers that usually take as long are not waited for here.
  static let limit = Duration.milliseconds(1)

  private var lookingAtOnce = Attempt()
  private var lookingLate = Attempt()
  /// How long answers took of late that were not there at once.
  private(set) var usual = Duration.zero

  package init() {}

  /// Waits on this thread.
  ///
  /// - Returns: whether it came; where it did not, the caller waits in another way, and says with `note` how long it took.
  package mutating func wait(for isThere: () -> Bool) -> Bool {
    let start = ContinuousClock.now
    if lookingAtOnce.begins() {
      let came = Self.look(until: start + Self.quick, isThere)
      lookingAtOnce.ended(wasOfUse: came)
      if came { return true }
    }
    guard usual > .zero, usual < Self.limit, lookingLate.begins() else { return false }
    Self.sleep(until: start + usual / 2 - Self.oversleep)
    let came = Self.look(until: start + usual + Self.margin, isThere)
    lookingLate.ended(wasOfUse: came)
    if came { note(ContinuousClock.now - start) }
    return came
  }

  /// Notes how long a wait took that this one has not ended.
  package mutating func note(_ time: Duration) {
    let time = min(time, Self.limit)
    usual = usual == .zero ? time : usual + (time - usual) / 8
  }

  /// Looks for something again and again; lets the one who works go first, where both are on one processor.
  ///
  /// - Returns: whether it came.
  package static func look(until end: ContinuousClock.Instant, _ isThere: () -> Bool) -> Bool {
    repeat {
      if isThere() { return true }
      sched_yield()
    } while ContinuousClock.now < end
    return isThere()
  }

  private static func sleep(until end: ContinuousClock.Instant) {
    let nanoseconds = ContinuousClock.now.duration(to: end).components.attoseconds / 1_000_000_000
    guard nanoseconds > 0 else { return }
    var time = timespec(tv_sec: 0, tv_nsec: Int(nanoseconds))
    unsafe nanosleep(&time, nil)
  }
}
