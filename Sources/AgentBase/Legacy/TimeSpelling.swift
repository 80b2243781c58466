// How a legacy column spells its times, so that a new time is written as the agent that made the table would write it.

import Foundation
import SQLite

/// The spelling of the times of a legacy column.
enum TimeSpelling: Sendable, Hashable {
  /// ISO 8601 text; without a suffix it is in the zone of naive times.
  case text(separator: String, fractionDigits: Int, suffix: String)
  /// Whole units of an epoch number, so many in a second.
  case integer(perSecond: Int64)
  /// An epoch number with a fraction, so many units in a second.
  case real(perSecond: Double)
  /// A Julian day.
  case julianDay

  /// The spelling of a value that the column holds; for NULL, and for what is no time, what its declared type suggests.
  init(like value: SQLiteValue, declaredType: String) {
    switch value {
    case .integer(let number): self = .integer(perSecond: Self.unitsPerSecond(number.magnitude))
    case .real(let number):
      self =
        number >= 1_721_059.5 && number < 5_373_484.5
        ? .julianDay : .real(perSecond: Double(Self.unitsPerSecond(UInt64(min(abs(number), 1e18)))))
    case .text(let text): self = Self.text(like: text)
    case .null, .blob, .malformedText:
      let type = declaredType.uppercased()
      if type.contains("INT") {
        self = .integer(perSecond: 1)
      } else if type.contains("REAL") || type.contains("FLOA") || type.contains("DOUB") {
        self = .real(perSecond: 1)
      } else {
        self = .text(separator: " ", fractionDigits: 0, suffix: "")
      }
    }
  }

  /// The unit of an epoch number, told by its size as `LegacyTime` tells it.
  private static func unitsPerSecond(_ magnitude: UInt64) -> Int64 {
    switch magnitude {
    case ..<100_000_000_000: 1
    case ..<100_000_000_000_000: 1000
    case ..<100_000_000_000_000_000: 1_000_000
    default: 1_000_000_000
    }
  }

  private static func text(like text: String) -> TimeSpelling {
    let body = text.dropFirst(10)
    let separator = body.first == "T" ? "T" : " "
    let fraction =
      body.split(separator: ".", maxSplits: 1).dropFirst().first?.prefix { $0.isNumber }.count ?? 0
    let suffix =
      if body.hasSuffix("Z") { "Z" } else if body.contains("+") || body.dropFirst(6).contains("-") {
        "+00:00"
      } else { "" }
    return .text(separator: separator, fractionDigits: min(fraction, 6), suffix: suffix)
  }

  /// A time in this spelling, cut off to what it can say.
  ///
  /// - Parameter zone: the zone of naive times.
  func value(_ time: Timestamp, zone: TimeZone) -> SQLiteValue {
    switch self {
    case .text(let separator, let digits, let suffix):
      let offset = suffix.isEmpty ? Int64(zone.secondsFromGMT(for: time.date)) * 1_000_000 : 0
      let calendar = CalendarTime(microseconds: time.microseconds + offset)
      return .text(calendar.text(separator: separator, fractionDigits: digits) + suffix)
    case .integer(let perSecond):
      return .integer(
        perSecond > 1_000_000 ? time.microseconds * 1000 : time.microseconds / (1_000_000 / perSecond))
    case .real(let perSecond): return .real(Double(time.microseconds) / 1e6 * perSecond)
    case .julianDay: return .real(Double(time.microseconds) / 86_400_000_000 + 2_440_587.5)
    }
  }
}
