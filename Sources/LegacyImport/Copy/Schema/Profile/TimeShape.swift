// Whether a text is a date or a time that comes back from Postgres as the same moment.

/// What a text is, of the times that `LegacyTime` reads.
enum TimeShape: Sendable, Hashable {
  /// `YYYY-MM-DD`.
  case date
  /// A date, `T` or a space, a time of day, and perhaps `Z` or an offset.
  case timestamp
  /// `HH:MM` or `HH:MM:SS`, perhaps with a fraction.
  case time
  case other

  init(_ text: UnsafeRawBufferPointer) {
    var scanner = unsafe TimeShapeScanner(bytes: text)
    self = unsafe scanner.shape()
  }
}

/// Reads a time from bytes, left to right; never beyond microseconds, which is all that Postgres keeps.
@unsafe private struct TimeShapeScanner {
  let bytes: UnsafeRawBufferPointer
  var offset = 0

  init(bytes: UnsafeRawBufferPointer) { unsafe self.bytes = bytes }

  private var next: UInt8? { unsafe offset < bytes.count ? bytes[offset] : nil }

  private mutating func skip(_ byte: UInt8) -> Bool {
    guard unsafe next == byte else { return false }
    unsafe offset += 1
    return true
  }

  private mutating func number(_ digits: Int) -> Int? {
    guard unsafe offset + digits <= bytes.count else { return nil }
    var value = 0
    for place in unsafe offset..<(offset + digits) {
      let byte = unsafe bytes[place]
      guard byte >= 0x30, byte <= 0x39 else { return nil }
      value = value * 10 + Int(byte - 0x30)
    }
    unsafe offset += digits
    return value
  }

  mutating func shape() -> TimeShape {
    if unsafe bytes.count > 2, unsafe bytes[2] == UInt8(ascii: ":") {
      let isTime = unsafe timeOfDay()
      return unsafe isTime && next == nil ? .time : .other
    }
    guard unsafe date() else { return .other }
    if unsafe next == nil { return .date }
    let separates = unsafe skip(UInt8(ascii: "T")) || skip(UInt8(ascii: " "))
    guard separates, unsafe timeOfDay(), unsafe zone() else { return .other }
    return unsafe next == nil ? .timestamp : .other
  }

  private mutating func date() -> Bool {
    let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    guard let year = unsafe number(4), unsafe skip(UInt8(ascii: "-")), let month = unsafe number(2),
      unsafe skip(UInt8(ascii: "-")), let day = unsafe number(2), year >= 1, (1...12).contains(month)
    else { return false }
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    return day >= 1 && day <= lengths[month - 1] + (isLeap && month == 2 ? 1 : 0)
  }

  private mutating func timeOfDay() -> Bool {
    guard let hour = unsafe number(2), hour < 24, unsafe skip(UInt8(ascii: ":")),
      let minute = unsafe number(2), minute < 60
    else { return false }
    guard unsafe skip(UInt8(ascii: ":")) else { return true }
    guard let second = unsafe number(2), second < 60 else { return false }
    guard unsafe skip(UInt8(ascii: ".")) else { return true }
    var digits = 0
    while let byte = unsafe next, byte >= 0x30, byte <= 0x39 {
      digits += 1
      // A seventh digit would be lost, unless it is a zero.
      if digits > 6, byte != 0x30 { return false }
      unsafe offset += 1
    }
    return digits > 0
  }

  private mutating func zone() -> Bool {
    if unsafe next == nil || skip(UInt8(ascii: "Z")) { return true }
    guard unsafe skip(UInt8(ascii: "+")) || skip(UInt8(ascii: "-")) else { return false }
    guard let hours = unsafe number(2), hours < 16 else { return false }
    if unsafe next == nil { return true }
    _ = unsafe skip(UInt8(ascii: ":"))
    guard let minutes = unsafe number(2) else { return false }
    return minutes < 60
  }
}
