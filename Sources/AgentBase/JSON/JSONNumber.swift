// A JSON number as its decimal digits, written as Postgres' numeric writes it.

/// A number of JSON, exactly: its decimal digits without an exponent, as `jsonb` prints it.
///
/// A real always carries a point (`5.0`, and 1e300 as a one with 300 zeros and `.0`) and an integer never does, so that
/// SQLite's REAL and INTEGER can be told apart after a way through `jsonb`, which keeps the trailing zero.
public struct JSONNumber: Sendable, Hashable {
  /// The digits: an optional minus sign, digits, and perhaps a point and digits. Zero has no sign.
  public let digits: String

  /// The most digits before and after the point that Postgres' numeric holds.
  public static let limits = (before: 131_072, after: 16_383)

  /// A whole number.
  public init(_ value: some BinaryInteger) { digits = String(value) }

  /// The shortest digits that read back as this double, with a point; nil for NaN and the infinities. The sign of
  /// `-0.0` is lost, as it is in numeric.
  public init?(_ value: Double) {
    guard value.isFinite else { return nil }
    guard let number = JSONNumber(text: value.description) else {
      return nil
    }
    digits = number.digits.contains(".") ? number.digits : number.digits + ".0"
  }

  /// The digits of a number in JSON's grammar; nil where `text` is none, or has more digits than numeric holds.
  public init?(text: String) {
    if Self.isKept(text) {
      digits = text
      return
    }
    var bytes = Array(text.utf8)[...]
    let isNegative = bytes.first == UInt8(ascii: "-")
    if isNegative { bytes = bytes.dropFirst() }
    let whole = bytes.prefix { $0 >= 0x30 && $0 <= 0x39 }
    bytes = bytes.dropFirst(whole.count)
    guard let first = whole.first, first != 0x30 || whole.count == 1 else { return nil }
    var fraction: ArraySlice<UInt8> = []
    if bytes.first == UInt8(ascii: ".") {
      fraction = bytes.dropFirst().prefix { $0 >= 0x30 && $0 <= 0x39 }
      bytes = bytes.dropFirst(fraction.count + 1)
      guard !fraction.isEmpty else { return nil }
    }
    var exponent = 0
    if bytes.first == UInt8(ascii: "e") || bytes.first == UInt8(ascii: "E") {
      let written = String(decoding: bytes.dropFirst(), as: UTF8.self)
      let digits =
        written.first.map { $0 == "-" || $0 == "+" } == true ? String(written.dropFirst()) : written
      guard !digits.isEmpty, digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
      guard let value = Int(written), abs(value) <= Self.limits.before else { return nil }
      exponent = value
      bytes = []
    }
    guard bytes.isEmpty,
      let digits = Self.positional(whole: whole, fraction: fraction, exponent: exponent)
    else { return nil }
    let isZero = digits.allSatisfy { $0 == 0x30 || $0 == UInt8(ascii: ".") }
    self.digits = (isNegative && !isZero ? "-" : "") + String(decoding: digits, as: UTF8.self)
  }

  /// Whether a short text is digits as they are kept, without an exponent: all but a few of the numbers that there are.
  private static func isKept(_ text: String) -> Bool {
    let bytes = text.utf8
    guard bytes.count <= 32, let first = bytes.first else { return false }
    let isNegative = first == UInt8(ascii: "-")
    var (before, after) = (0, 0)
    var hasPoint = false
    var isZero = true
    var startsWithZero = false
    for byte in isNegative ? bytes.dropFirst() : bytes[...] {
      switch byte {
      case 0x30...0x39:
        if hasPoint { after += 1 } else { before += 1 }
        if before == 1, !hasPoint { startsWithZero = byte == 0x30 }
        isZero = isZero && byte == 0x30
      case UInt8(ascii: ".") where !hasPoint: hasPoint = true
      default: return false
      }
    }
    return before > 0 && (!startsWithZero || before == 1) && (!hasPoint || after > 0)
      && !(isNegative && isZero)
  }

  /// The digits with the point moved by `exponent`; nil past the limits of numeric.
  private static func positional(
    whole: ArraySlice<UInt8>, fraction: ArraySlice<UInt8>, exponent: Int
  ) -> [UInt8]? {
    let all = Array(whole) + Array(fraction)
    let point = whole.count + exponent
    let zero = UInt8(ascii: "0")
    var before: [UInt8]
    var after: [UInt8]
    if point <= 0 {
      before = [zero]
      after = Array(repeating: zero, count: -point) + all
    } else if point >= all.count {
      before = all + Array(repeating: zero, count: point - all.count)
      after = []
    } else {
      before = Array(all[..<point])
      after = Array(all[point...])
    }
    let leadingZeros = before.prefix { $0 == zero }.count
    before.removeFirst(min(leadingZeros, before.count - 1))
    // numeric keeps as many places as were written, less those that the exponent takes away.
    after = Array(after.prefix(max(0, fraction.count - exponent)))
    guard before.count <= limits.before, after.count <= limits.after else { return nil }
    return after.isEmpty ? before : before + [UInt8(ascii: ".")] + after
  }

  /// Whether this is written without a point.
  public var isInteger: Bool { !digits.utf8.contains(UInt8(ascii: ".")) }

  /// The whole number, or nil where there is a point or it does not fit.
  public var int64Value: Int64? { Int64(digits) }

  /// The nearest double; an infinity past its range.
  public var doubleValue: Double { Double(digits) ?? .nan }
}
