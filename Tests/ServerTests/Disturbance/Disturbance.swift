// What befalls a run, and when.

import TestSupport

/// A disturbance of a run.
struct Disturbance: Sendable, CustomStringConvertible {
  /// What happens.
  enum Kind: String, Sendable, CaseIterable {
    /// The process is ended by SIGKILL.
    case killed
    /// The process is asked to end, by SIGTERM.
    case interrupted
    /// Its connections are ended by `pg_terminate_backend`.
    case disconnected
    /// The server crashes, and is started again.
    case crashed
    /// The server's disk is full for a while.
    case diskFull
    /// `--timeout` is exceeded.
    case outOfTime
  }

  /// When it happens.
  enum Moment: Sendable {
    /// So many milliseconds after the start.
    case after(milliseconds: Int)
    /// In the middle of the commit of this number, counted from 1.
    case commit(Int)
  }

  let kind: Kind
  let moment: Moment

  /// Draws a moment.
  init(_ kind: Kind, _ random: inout SeededGenerator) {
    self.kind = kind
    if kind != .outOfTime, random.chance(0.4) {
      moment = .commit(Int.random(in: 1...25, using: &random))
    } else {
      // Short ones as often as long ones.
      let longest = random.one(of: [100, 300, 1200])
      moment = .after(milliseconds: Int.random(in: 20...longest, using: &random))
    }
  }

  var description: String {
    switch moment {
    case .after(let milliseconds): "\(kind.rawValue) after \(milliseconds) ms"
    case .commit(let number): "\(kind.rawValue) in commit \(number)"
    }
  }
}
