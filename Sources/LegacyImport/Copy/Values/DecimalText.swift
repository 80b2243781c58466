// A decimal number as text: what it counts, and Postgres' binary form of it, without rounding.

/// The places of a decimal number's digits in its text: spaces, a sign, digits with a point, an exponent.
struct DecimalText: Sendable {
  private let isNegative: Bool
  /// Where the digits begin and end in the text, the point among them.
  private let start: Int
  private let end: Int
  /// Where the point stands, or `end`.
  private let point: Int
  /// The power of ten of the digit just before the point.
  private let exponent: Int
  /// The powers of ten of the first and the last digit that is not zero; both 0 for zero.
  let highest: Int
  let lowest: Int
  private let isZero: Bool

  /// Reads a number; nil where the text is none.
  init?(_ text: UnsafeRawBufferPointer) {
    var (first, last) = (0, text.count)
    while first < last, unsafe text[first] == 0x20 { first += 1 }
    while last > first, unsafe text[last - 1] == 0x20 { last -= 1 }
    guard first < last else { return nil }
    let sign = unsafe text[first]
    isNegative = sign == UInt8(ascii: "-")
    if isNegative || sign == UInt8(ascii: "+") { first += 1 }
    var (place, point, digits) = (first, -1, 0)
    var (highIndex, lowIndex) = (-1, -1)
    scan: while place < last {
      let byte = unsafe text[place]
      switch byte {
      case 0x30...0x39:
        digits += 1
        if byte != 0x30 {
          if highIndex < 0 { highIndex = place }
          lowIndex = place
        }
      case UInt8(ascii: ".") where point < 0: point = place
      default: break scan
      }
      place += 1
    }
    guard digits > 0 else { return nil }
    var exponent = 0
    if place < last {
      guard unsafe text[place] | 0x20 == UInt8(ascii: "e"), place + 1 < last, last - place < 9,
        let written = unsafe Int(String(decoding: text[(place + 1)..<last], as: UTF8.self))
      else { return nil }
      exponent = written
    }
    (start, end, self.exponent) = (first, place, exponent)
    let pointPlace = point < 0 ? place : point
    self.point = pointPlace
    isZero = highIndex < 0
    let power = { (index: Int) in
      (index < pointPlace ? pointPlace - 1 - index : pointPlace - index) + exponent
    }
    highest = isZero ? 0 : power(highIndex)
    lowest = isZero ? 0 : power(lowIndex)
  }

  /// How many digits there are from the first that is not zero to the last.
  var significantDigits: Int { isZero ? 0 : highest - lowest + 1 }

  /// The digits after the point that numeric keeps to show.
  var scale: Int { max(0, end - point - 1 - exponent, isZero ? 0 : -lowest) }

  /// The number where it is whole and fits: its fraction, if one is written, is zero.
  func wholeNumber(of text: UnsafeRawBufferPointer) -> Int64? {
    if isZero { return 0 }
    guard lowest >= 0, highest < 19 else { return nil }
    var number: Int64 = 0
    for power in stride(from: highest, through: 0, by: -1) {
      let digit = unsafe Int64(digit(power, of: text))
      let (shifted, isTooLarge) = number.multipliedReportingOverflow(by: 10)
      // Down from zero, as the lowest number has no positive twin.
      let (next, overflows) = shifted.subtractingReportingOverflow(digit)
      if isTooLarge || overflows { return nil }
      number = next
    }
    if isNegative { return number }
    return number == .min ? nil : -number
  }

  /// Appends numeric's binary form: count of groups, weight, sign, scale, groups of four digits.
  func appendNumeric(of text: UnsafeRawBufferPointer, scale: Int, to field: inout [UInt8]) {
    let (top, bottom) = isZero ? (0, 0) : (Self.group(of: highest), Self.group(of: lowest))
    let count = isZero ? 0 : top - bottom + 1
    field.append(bigEndian: Int16(truncatingIfNeeded: count))
    field.append(bigEndian: Int16(truncatingIfNeeded: top))
    field.append(bigEndian: Int16(isNegative && !isZero ? 0x4000 : 0))
    field.append(bigEndian: Int16(truncatingIfNeeded: scale))
    for group in stride(from: top, through: bottom, by: -1) where count > 0 {
      var digits: Int16 = 0
      for power in stride(from: 4 * group + 3, through: 4 * group, by: -1) {
        digits = unsafe digits * 10 + digit(power, of: text)
      }
      field.append(bigEndian: digits)
    }
  }

  /// The group of four digits that a power of ten falls into.
  private static func group(of power: Int) -> Int { power >= 0 ? power / 4 : (power - 3) / 4 }

  private func digit(_ power: Int, of text: UnsafeRawBufferPointer) -> Int16 {
    let shifted = power - exponent
    let place = shifted >= 0 ? point - 1 - shifted : point - shifted
    guard place >= start, place < end else { return 0 }
    return unsafe Int16(text[place]) - 0x30
  }
}
