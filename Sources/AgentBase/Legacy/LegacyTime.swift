// Reads the times that legacy tables hold: ISO 8601 text with and without an offset, epoch numbers, Julian days.

public import Foundation
public import SQLite

/// The time of a legacy row, as microseconds since 1970-01-01 00:00 UTC, and the rules by which it is read.
public struct LegacyTime: Sendable {
  /// The time zone of a text without an offset. UTC unless the user says otherwise.
  public let naiveZone: TimeZone

  /// The times that Postgres' timestamptz holds, in microseconds since 1970: from 4714 BC up to the year 294276.
  public static let range: Range<Int64> = -210_866_803_200_000_000..<9_223_371_331_200_000_000

  /// Reads naive times in this zone.
  public init(naiveZone: TimeZone = .gmt) {
    self.naiveZone = naiveZone
    naiveIsUTC = naiveZone == .gmt
  }

  /// Whether naive times are UTC: comparing zones takes longer than reading a time.
  private let naiveIsUTC: Bool

  /// The time that a value means, or nil where it means none (and then the raw value alone is kept).
  public func microseconds(of value: SQLiteValue) -> Int64? {
    switch value {
    case .integer(let number): Self.epoch(number)
    case .real(let number): Self.epoch(number)
    case .text(let text): microseconds(of: text)
    case .null, .blob, .malformedText: nil
    }
  }

  // MARK: - Numbers

  /// An epoch number: seconds, milliseconds, microseconds or nanoseconds, told apart by their size (seconds reach the
  /// year 5138 before milliseconds reach 1973).
  static func epoch(_ number: Int64) -> Int64? {
    let time: Int64? =
      switch number.magnitude {
      case ..<100_000_000_000: number * 1_000_000
      case ..<100_000_000_000_000: number * 1000
      case ..<100_000_000_000_000_000: number
      default: number / 1000
      }
    return time.flatMap { range.contains($0) ? $0 : nil }
  }

  /// A real epoch number, in the same units; from 1721059.5 (the year 0) to 5373484.5 (the year 9999) a Julian day, which is
  /// what SQLite's julianday() gives, and what no agent's clock gives in seconds.
  static func epoch(_ number: Double) -> Int64? {
    guard number.isFinite else { return nil }
    let microseconds: Double =
      switch number.magnitude {
      case _ where number >= 1_721_059.5 && number < 5_373_484.5: (number - 2_440_587.5) * 86_400_000_000
      case ..<1e11: number * 1e6
      case ..<1e14: number * 1e3
      case ..<1e17: number
      default: number / 1e3
      }
    guard let time = Int64(exactly: microseconds.rounded()), range.contains(time) else { return nil }
    return time
  }

  // MARK: - Text

  /// `YYYY-MM-DD`, alone or with `T` or a space and `HH:MM[:SS[.fraction]]` and perhaps `Z` or an offset; or a number as text.
  func microseconds(of text: String) -> Int64? {
    var text = text
    let time = text.withUTF8 { unsafe dateTime(UnsafeRawBufferPointer($0)) }
    if let time { return Self.range.contains(time) ? time : nil }
    let trimmed = text.trimmingCharacters(in: .whitespaces)
    if let number = Int64(trimmed) { return Self.epoch(number) }
    // A text of digits and a point alone: "nan", "infinity" and hexadecimal are no times.
    guard trimmed.utf8.allSatisfy({ $0 >= 0x2D && $0 <= 0x39 && $0 != 0x2F }), let number = Double(trimmed)
    else { return nil }
    return Self.epoch(number)
  }
}

extension LegacyTime {
  /// The time that a text of `YYYY-MM-DD…` means, as `microseconds(of:)` answers it; nil for every other text.
  public func microseconds(ofDateTime utf8: UnsafeRawBufferPointer) -> Int64? {
    unsafe dateTime(utf8).flatMap { Self.range.contains($0) ? $0 : nil }
  }

  /// The time, whether Postgres holds it or not.
  private func dateTime(_ utf8: UnsafeRawBufferPointer) -> Int64? {
    var scanner = unsafe TimeScanner(bytes: utf8)
    scanner.skipSpaces()
    return scanner.dateTime(naiveZone: naiveIsUTC ? nil : naiveZone)
  }
}

/// Reads a date and time from bytes, left to right. The bytes are lent for its lifetime.
@safe
private struct TimeScanner {
  let bytes: UnsafeRawBufferPointer
  var offset = 0

  init(bytes: UnsafeRawBufferPointer) { unsafe self.bytes = bytes }

  var next: UInt8? { unsafe offset < bytes.count ? bytes[offset] : nil }

  mutating func skip(_ byte: UInt8) -> Bool {
    guard next == byte else { return false }
    offset += 1
    return true
  }

  mutating func skipSpaces() { while skip(UInt8(ascii: " ")) {} }

  mutating func digits(_ count: Int) -> Int? {
    guard unsafe offset + count <= bytes.count else { return nil }
    var value = 0
    for place in offset..<offset + count {
      let byte = unsafe bytes[place]
      guard byte >= 0x30, byte <= 0x39 else { return nil }
      value = value * 10 + Int(byte - 0x30)
    }
    offset += count
    return value
  }

  /// - Parameter naiveZone: the zone of a time without an offset; nil for UTC.
  mutating func dateTime(naiveZone: TimeZone?) -> Int64? {
    guard let year = digits(4), skip(UInt8(ascii: "-")), let month = digits(2), skip(UInt8(ascii: "-")),
      let day = digits(2), let days = Self.daysSince1970(year: year, month: month, day: day)
    else { return nil }
    var microseconds = days * 86_400_000_000
    var offsetMinutes: Int64?
    if skip(UInt8(ascii: "T")) || skip(UInt8(ascii: "t")) || skip(UInt8(ascii: " ")) {
      skipSpaces()
      guard let time = timeOfDay() else { return nil }
      microseconds += time
      skipSpaces()
      if next != nil {
        guard let minutes = utcOffset() else { return nil }
        offsetMinutes = minutes
      }
    }
    skipSpaces()
    guard next == nil else { return nil }
    if let offsetMinutes { return microseconds - offsetMinutes * 60_000_000 }
    return naiveZone.map { microseconds - Self.offset(of: $0, atLocal: microseconds) } ?? microseconds
  }

  private mutating func timeOfDay() -> Int64? {
    guard let hour = digits(2), skip(UInt8(ascii: ":")), let minute = digits(2), minute < 60 else {
      return nil
    }
    var second = 0
    var fraction: Int64 = 0
    if skip(UInt8(ascii: ":")) {
      guard let value = digits(2), value < 60 else { return nil }
      second = value
      if skip(UInt8(ascii: ".")) || skip(UInt8(ascii: ",")) {
        var unit: Int64 = 100_000
        guard let byte = next, byte >= 0x30, byte <= 0x39 else { return nil }
        while let byte = next, byte >= 0x30, byte <= 0x39 {
          fraction += Int64(byte - 0x30) * unit
          unit /= 10
          offset += 1
        }
      }
    }
    // ISO 8601 and Postgres know 24:00:00 as the end of a day.
    guard hour < 24 || (hour == 24 && minute == 0 && second == 0 && fraction == 0) else { return nil }
    return Int64(hour * 3600 + minute * 60 + second) * 1_000_000 + fraction
  }

  /// `Z`, or `+HH[:]MM`, or `+HH`, in minutes east of Greenwich.
  private mutating func utcOffset() -> Int64? {
    if skip(UInt8(ascii: "Z")) || skip(UInt8(ascii: "z")) { return 0 }
    if unsafe bytes[offset...].elementsEqual("UTC".utf8) {
      offset += 3
      return 0
    }
    let sign: Int64
    if skip(UInt8(ascii: "+")) { sign = 1 } else if skip(UInt8(ascii: "-")) { sign = -1 } else { return nil }
    guard let hours = digits(2), hours < 16 else { return nil }
    _ = skip(UInt8(ascii: ":"))
    let minutes = digits(2) ?? 0
    guard minutes < 60 else { return nil }
    return sign * Int64(hours * 60 + minutes)
  }

  /// Days of the proleptic Gregorian calendar; nil for a day that is not in it.
  private static func daysSince1970(year: Int, month: Int, day: Int) -> Int64? {
    guard year >= 1, (1...12).contains(month) else { return nil }
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    let length =
      switch month {
      case 2: isLeap ? 29 : 28
      case 4, 6, 9, 11: 30
      default: 31
      }
    guard day >= 1, day <= length else { return nil }
    // Years counted from March, so that the leap day is the last of its year.
    let marchYear = month <= 2 ? year - 1 : year
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let days = marchYear * 365 + marchYear / 4 - marchYear / 100 + marchYear / 400 + dayOfYear
    return Int64(days - 719_468)
  }

  /// The zone's offset in microseconds at a local time.
  private static func offset(of zone: TimeZone, atLocal microseconds: Int64) -> Int64 {
    let local = Date(timeIntervalSince1970: Double(microseconds) / 1e6)
    let first = zone.secondsFromGMT(for: local)
    let second = zone.secondsFromGMT(for: local - Double(first))
    return Int64(second) * 1_000_000
  }
}
