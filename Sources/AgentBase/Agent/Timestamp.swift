// A moment in microseconds, which both databases hold exactly, and its text.

import Foundation

/// A moment: microseconds since 1970-01-01 00:00 UTC, in the years 1 to 9999.
struct Timestamp: Hashable, Comparable, Sendable {
  let microseconds: Int64

  /// The years 1 to 9999.
  static let range: Range<Int64> = -62_135_596_800_000_000..<253_402_300_800_000_000

  /// The present moment.
  static var now: Timestamp {
    Timestamp(microseconds: Int64((Date().timeIntervalSince1970 * 1e6).rounded()))
  }

  /// A moment by its number.
  init(microseconds: Int64) { self.microseconds = microseconds }

  /// The microsecond nearest to a date; nil outside of the years 1 to 9999.
  init?(_ date: Date) {
    let microseconds = (date.timeIntervalSince1970 * 1e6).rounded()
    guard let number = Int64(exactly: microseconds), Self.range.contains(number) else { return nil }
    self.microseconds = number
  }

  /// The date.
  var date: Date { Date(timeIntervalSince1970: Double(microseconds) / 1e6) }

  static func < (left: Timestamp, right: Timestamp) -> Bool { left.microseconds < right.microseconds }

  /// RFC 3339 in UTC, with six digits of fraction: 2024-01-15T10:30:00.000000Z.
  var text: String { CalendarTime(microseconds: microseconds).text(separator: "T", fractionDigits: 6) + "Z" }
}

/// A moment as a calendar and a clock show it (proleptic Gregorian, no leap seconds).
struct CalendarTime {
  let year: Int
  let month: Int
  let day: Int
  let microsecondOfDay: Int64

  /// The moment that many microseconds after 1970-01-01 00:00.
  init(microseconds: Int64) {
    let perDay: Int64 = 86_400_000_000
    var days = microseconds / perDay
    var rest = microseconds % perDay
    if rest < 0 {
      rest += perDay
      days -= 1
    }
    microsecondOfDay = rest
    // Days since 1 March of the year 0, in eras of 400 years.
    let shifted = Int(days) + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let marchMonth = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
    month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  }

  /// ISO 8601: the date, the separator, the time, and as many digits of the second's fraction as asked for, cut off.
  func text(separator: String, fractionDigits: Int) -> String {
    let second = Int(microsecondOfDay / 1_000_000)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(32)
    func append(_ number: Int, digits: Int) {
      var scale = 1
      for _ in 1..<digits { scale *= 10 }
      while scale > 0 {
        bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / scale % 10))
        scale /= 10
      }
    }
    append(year, digits: 4)
    bytes.append(UInt8(ascii: "-"))
    append(month, digits: 2)
    bytes.append(UInt8(ascii: "-"))
    append(day, digits: 2)
    bytes.append(contentsOf: separator.utf8)
    append(second / 3600, digits: 2)
    bytes.append(UInt8(ascii: ":"))
    append(second / 60 % 60, digits: 2)
    bytes.append(UInt8(ascii: ":"))
    append(second % 60, digits: 2)
    if fractionDigits > 0 {
      bytes.append(UInt8(ascii: "."))
      append(Int(microsecondOfDay % 1_000_000), digits: 6)
      bytes.removeLast(6 - fractionDigits)
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
