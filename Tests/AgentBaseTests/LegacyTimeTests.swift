// The times of legacy tables, in the spellings that agents use.

import AgentBase
import Foundation
import SQLite
import Testing

@Suite struct LegacyTimeTests {
  /// 2024-01-15 10:30:00 UTC.
  static let moment: Int64 = 1_705_314_600_000_000

  @Test(
    arguments: [
      "2024-01-15 10:30:00", "2024-01-15T10:30:00", "2024-01-15T10:30:00Z", "2024-01-15 10:30",
      "2024-01-15 10:30:00 UTC",
      "2024-01-15T11:30:00+01:00", "2024-01-15T11:30:00+0100", "2024-01-15 05:00:00-05:30",
      "2024-01-15T10:30:00.000000",
      "1705314600", "1705314600000", "1705314600.0", "  2024-01-15 10:30:00  ",
    ]
  )
  func textOfOneMoment(text: String) {
    #expect(LegacyTime().microseconds(of: .text(text)) == Self.moment)
  }

  @Test func numbersOfOneMoment() {
    let time = LegacyTime()
    for value in [
      SQLiteValue.integer(1_705_314_600), .integer(1_705_314_600_000), .integer(1_705_314_600_000_000),
      .integer(1_705_314_600_000_000_000), .real(1_705_314_600), .real(2_460_324.9375),
    ] {
      #expect(time.microseconds(of: value) == Self.moment, "\(value)")
    }
    #expect(time.microseconds(of: .real(1_705_314_600.25)) == Self.moment + 250_000)
    #expect(time.microseconds(of: .integer(0)) == 0)
    #expect(time.microseconds(of: .integer(-86_400)) == -86_400_000_000)
  }

  @Test func fractionsAndEdges() {
    let time = LegacyTime()
    #expect(time.microseconds(of: .text("2024-01-15 10:30:00.123456789")) == Self.moment + 123_456)
    #expect(time.microseconds(of: .text("1970-01-01")) == 0)
    #expect(time.microseconds(of: .text("2024-02-29")) == 1_709_164_800_000_000)
    #expect(
      time.microseconds(of: .text("2023-12-31T24:00:00Z")) == time.microseconds(of: .text("2024-01-01")))
  }

  @Test(
    arguments: [
      "", "now", "2024-02-30", "2024-13-01", "0000-00-00", "2023-02-29", "2024-01-15 25:00:00",
      "2024-01-15 24:00:01",
      "2024-01-15 10:60", "2024-01-15x", "2024-01-15 10:30:00 Mars", "nan", "infinity", "0x10", "10:30",
      "1/2",
    ]
  )
  func whatIsNoTime(text: String) {
    #expect(LegacyTime().microseconds(of: .text(text)) == nil)
  }

  @Test func extremeNumbersAreNoTimes() {
    for value in [
      SQLiteValue.real(.infinity), .real(1e300), .real(-1e308), .null, .blob([1]), .malformedText([255]),
    ] {
      #expect(LegacyTime().microseconds(of: value) == nil)
    }
  }

  @Test func naiveTimesAreReadInTheZoneThatTheUserNames() throws {
    let berlin = LegacyTime(naiveZone: try #require(TimeZone(identifier: "Europe/Berlin")))
    #expect(berlin.microseconds(of: .text("2024-01-15 11:30:00")) == Self.moment)
    #expect(berlin.microseconds(of: .text("2024-07-15 12:30:00")) == 1_721_039_400_000_000)
    #expect(berlin.microseconds(of: .text("2024-01-15T10:30:00Z")) == Self.moment)
  }
}
