// Decimal numbers as text: what they count, and numeric's binary form.

import Foundation
import Testing

@testable import LegacyImport

@Suite struct DecimalTextTests {
  private func whole(_ text: String) -> Int64? {
    Array(text.utf8).withUnsafeBytes { DecimalText($0)?.wholeNumber(of: $0) }
  }

  private func isNumber(_ text: String) -> Bool {
    Array(text.utf8).withUnsafeBytes { DecimalText($0) != nil }
  }

  @Test(
    arguments: [
      ("0", 0), ("-0", 0), ("7", 7), ("+7", 7), (" 12 ", 12), ("1e3", 1000), ("1.0", 1), ("10.50e1", 105),
      ("9223372036854775807", .max), ("-9223372036854775808", .min), ("0.0", 0), ("100e-2", 1),
      ("000123", 123),
    ] as [(String, Int64)])
  func wholeNumbers(text: String, number: Int64) { #expect(whole(text) == number) }

  @Test(arguments: ["9223372036854775808", "-9223372036854775809", "1.5", "1e19", "1e-1", "0.1"])
  func numbersThatAreNotWholeOrTooLarge(text: String) {
    #expect(isNumber(text))
    #expect(whole(text) == nil)
  }

  @Test(arguments: [
    "", " ", "-", ".", "e5", "1e", "1e+", "1x", "0x10", "1 2", "--1", "nan", "1e99999999", "1,5",
  ])
  func whatIsNoNumber(text: String) { #expect(!isNumber(text)) }

  @Test(
    arguments: [
      // Count of groups, weight, sign, scale, groups of four digits, as numeric_send answers them.
      ("0", "0000 0000 0000 0000"), ("1", "0001 0000 0000 0000 0001"),
      ("-1.5", "0002 0000 4000 0001 0001 1388"),
      ("10000", "0001 0001 0000 0000 0001"), ("0.0001", "0001 ffff 0000 0004 0001"),
      ("123456.789", "0003 0001 0000 0003 000c 0d80 1ed2"), ("1e8", "0001 0002 0000 0000 0001"),
      ("5e-3", "0001 ffff 0000 0003 0032"), ("12.50", "0002 0000 0000 0002 000c 1388"),
    ])
  func binaryForm(text: String, expected: String) {
    var field: [UInt8] = []
    Array(text.utf8).withUnsafeBytes { bytes in
      guard let decimal = DecimalText(bytes) else { return }
      decimal.appendNumeric(of: bytes, scale: decimal.scale, to: &field)
    }
    let words = stride(from: 0, to: field.count, by: 2).map {
      String(format: "%02x%02x", field[$0], field[$0 + 1])
    }
    #expect(words.joined(separator: " ") == expected)
  }
}
