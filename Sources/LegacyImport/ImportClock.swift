// The time of a run: one moment on a whole second, for the ledger, the metadata and the report.

import Foundation

/// When a run began.
struct ImportClock: Sendable {
  /// Microseconds since 1970 UTC, on a whole second.
  let microseconds: Int64

  /// Now.
  init() { microseconds = Int64(Date().timeIntervalSince1970) * 1_000_000 }

  /// The same moment in RFC 3339, UTC: `2024-01-15T10:30:00Z`.
  var text: String { Self.text(microseconds) }

  /// A moment in RFC 3339, UTC, without fractions.
  static func text(_ microseconds: Int64) -> String {
    Date(timeIntervalSince1970: Double(microseconds / 1_000_000)).ISO8601Format()
  }
}

extension ContinuousClock.Instant {
  /// The seconds that have passed since.
  var secondsAgo: Double {
    let passed = ContinuousClock.now - self
    return Double(passed.components.seconds) + Double(passed.components.attoseconds) / 1e18
  }
}
