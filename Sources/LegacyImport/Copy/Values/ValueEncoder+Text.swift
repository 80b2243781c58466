// TEXT for every type of column, from the bytes that SQLite lends.

import AgentBase
import Postgres
import SQLite

extension ValueEncoder {
  /// Appends TEXT, which must be UTF-8 without a NUL wherever Postgres keeps text.
  func append(text bytes: UnsafeRawBufferPointer, to buffer: inout PostgresCopyEncoder) throws(ValueRejection)
  {
    switch type {
    case .text(let most):
      try unsafe checkText(bytes)
      if let most, bytes.count > most { try unsafe checkLength(bytes, most: most) }
      unsafe buffer.append(text: bytes)
    case .bytea: unsafe buffer.append(bytea: bytes)
    case .int2, .int4, .int8:
      guard let number = unsafe DecimalText(bytes)?.wholeNumber(of: bytes) else {
        throw unsafe unfit(spelling(bytes), "a whole number")
      }
      try append(integer: number, to: &buffer)
    case .boolean:
      guard let value = unsafe Self.boolean(bytes) else {
        throw unsafe unfit(spelling(bytes), "a boolean")
      }
      buffer.append(bool: value)
    case .timestamptz, .timestamp, .date: try unsafe appendTime(bytes, to: &buffer)
    case .time(let digits): try unsafe appendTimeOfDay(bytes, digits: digits, to: &buffer)
    case .float8, .float4: try unsafe appendReal(bytes, to: &buffer)
    case .numeric, .unlimitedNumeric: try unsafe appendNumeric(bytes, to: &buffer)
    case .jsonb: try unsafe appendJSONB(bytes, to: &buffer)
    case .uuid: try unsafe appendUUID(bytes, to: &buffer)
    case .enumeration(let labels): try unsafe appendLabel(bytes, of: labels, to: &buffer)
    case .vector:
      guard let numbers = unsafe LegacyConversion.embedding(.text(spelling(bytes))) else {
        throw unsafe unfit(spelling(bytes), "a JSON array of finite numbers")
      }
      try append(vector: numbers, to: &buffer)
    case .array(let part, let element):
      try unsafe appendArray(bytes, of: part, element: element, to: &buffer)
    case .character(let count):
      try unsafe checkText(bytes)
      let characters = unsafe bytes.count { $0 & 0xC0 != 0x80 }
      if characters > count { try unsafe checkLength(bytes, most: count) }
      buffer.appendField { field in
        unsafe field.append(contentsOf: bytes)
        field.append(contentsOf: repeatElement(0x20, count: count - characters))
      }
    case .name:
      try unsafe checkText(bytes)
      guard bytes.count < 64 else { throw ValueRejection("\(bytes.count) bytes are more than a name holds") }
      unsafe buffer.append(text: bytes)
    case .json, .other:
      try unsafe checkText(bytes)
      unsafe buffer.append(text: bytes)
    }
  }

  /// Appends what a number is spelled as.
  func appendSpelled(_ text: String, to buffer: inout PostgresCopyEncoder) throws(ValueRejection) {
    try unsafe text.utf8Span.span.withUnsafeBytes { (bytes) throws(ValueRejection) in
      try unsafe append(text: bytes, to: &buffer)
    }
  }

  // MARK: - Text

  /// The text for a reason.
  func spelling(_ bytes: UnsafeRawBufferPointer) -> String { unsafe String(decoding: bytes, as: UTF8.self) }

  func checkText(_ bytes: UnsafeRawBufferPointer) throws(ValueRejection) {
    if unsafe PlainText.isValid(bytes) { return }
    throw ValueRejection(
      unsafe bytes.contains(0)
        ? "the text holds a NUL (U+0000), which Postgres cannot store" : "the text is not UTF-8")
  }

  private func checkLength(_ bytes: UnsafeRawBufferPointer, most: Int) throws(ValueRejection) {
    // Every byte but those that continue a character.
    let count = unsafe bytes.count { $0 & 0xC0 != 0x80 }
    guard count <= most else {
      throw ValueRejection("the text has \(count) characters; \(typeName) holds \(most)")
    }
  }

  // MARK: - Booleans and numbers

  /// The words that Postgres reads too: true, false, yes, no, on, off, t, f, y, n, 1, 0, in any case of letters.
  static func boolean(_ bytes: UnsafeRawBufferPointer) -> Bool? {
    guard (1...5).contains(bytes.count) else { return nil }
    return switch unsafe String(decoding: bytes, as: UTF8.self).lowercased() {
    case "1", "true", "t", "yes", "y", "on": true
    case "0", "false", "f", "no", "n", "off": false
    default: nil
    }
  }

  private func appendReal(_ bytes: UnsafeRawBufferPointer, to buffer: inout PostgresCopyEncoder)
    throws(ValueRejection)
  {
    let number: Double
    if let decimal = unsafe DecimalText(bytes) {
      // More digits than a double tells apart would be lost.
      guard decimal.significantDigits <= 17, let value = unsafe Double(spelling(bytes).filter { $0 != " " }),
        value.isFinite
      else { throw unsafe inexact(spelling(bytes)) }
      number = value
    } else if let special = unsafe Self.special(bytes) {
      number = special
    } else {
      throw unsafe unfit(spelling(bytes), "a number")
    }
    try append(real: number, to: &buffer)
  }

  /// The numbers that are none, as Postgres spells them.
  static func special(_ bytes: UnsafeRawBufferPointer) -> Double? {
    guard (3...9).contains(bytes.count) else { return nil }
    return switch unsafe String(decoding: bytes, as: UTF8.self).lowercased() {
    case "nan": .nan
    case "inf", "infinity", "+infinity": .infinity
    case "-inf", "-infinity": -.infinity
    default: nil
    }
  }

  private func appendNumeric(_ bytes: UnsafeRawBufferPointer, to buffer: inout PostgresCopyEncoder)
    throws(ValueRejection)
  {
    if let decimal = unsafe DecimalText(bytes) {
      if case .numeric(let precision, let scale) = type {
        guard decimal.lowest >= -scale else {
          throw ValueRejection(
            unsafe "\(shown(spelling(bytes))) has more digits after the point than \(typeName) keeps")
        }
        guard decimal.highest < precision - scale else { throw unsafe outOfRange(spelling(bytes)) }
      }
      guard decimal.highest < JSONNumber.limits.before, decimal.scale <= JSONNumber.limits.after else {
        throw unsafe outOfRange(spelling(bytes))
      }
      // With the scale that the column gives it, the value is sent as it will come back.
      let scale = if case .numeric(_, let scale) = type { max(0, scale) } else { decimal.scale }
      buffer.appendField { field in unsafe decimal.appendNumeric(of: bytes, scale: scale, to: &field) }
    } else if let special = unsafe Self.special(bytes) {
      if case .numeric = type, !special.isNaN { throw unsafe outOfRange(spelling(bytes)) }
      let sign: UInt8 = special.isNaN ? 0xC0 : special > 0 ? 0xD0 : 0xF0
      // numeric_send gives the infinities a scale of 32, and the copy sends what will come back.
      buffer.appendField { $0.append(contentsOf: [0, 0, 0, 0, sign, 0, 0, special.isNaN ? 0 : 32]) }
    } else {
      throw unsafe unfit(spelling(bytes), "a number")
    }
  }

  // MARK: - Times

  private func appendTime(_ bytes: UnsafeRawBufferPointer, to buffer: inout PostgresCopyEncoder)
    throws(ValueRejection)
  {
    let zone = if case .timestamptz = type { time } else { plainTime }
    let isoTime = unsafe zone.microseconds(ofDateTime: bytes)
    guard let microseconds = unsafe isoTime ?? zone.microseconds(of: .text(spelling(bytes))) else {
      throw unsafe unfit(spelling(bytes), "a time")
    }
    guard unsafe !Self.isFinerThanMicroseconds(bytes) else {
      throw ValueRejection(unsafe "\(shown(spelling(bytes))) is finer than the microseconds of Postgres")
    }
    try append(microseconds: microseconds, spelled: unsafe spelling(bytes), to: &buffer)
  }

  /// Whether a second's fraction has a digit beyond the sixth that is not zero.
  private static func isFinerThanMicroseconds(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard bytes.count > 26, let point = unsafe bytes.firstIndex(where: { $0 == 0x2E || $0 == 0x2C }) else {
      return false
    }
    for place in (point + 1)..<bytes.count {
      let byte = unsafe bytes[place]
      guard byte >= 0x30, byte <= 0x39 else { return false }
      if place > point + 6, byte != 0x30 { return true }
    }
    return false
  }

  /// `HH:MM[:SS[.fraction]]`, in microseconds since midnight.
  private func appendTimeOfDay(
    _ bytes: UnsafeRawBufferPointer, digits: Int, to buffer: inout PostgresCopyEncoder
  ) throws(ValueRejection) {
    let text = unsafe spelling(bytes)
    guard text.utf8.count >= 5, text.utf8.count < 20, !text.contains(where: { "+-zZ ".contains($0) }),
      let microseconds = plainTime.microseconds(of: .text("1970-01-01 " + text))
    else { throw unfit(text, "a time of day") }
    guard digits >= 6 || microseconds % Self.microseconds[digits] == 0 else {
      throw ValueRejection("\(shown(text)) has a finer fraction of a second than \(typeName) keeps")
    }
    buffer.append(int8: microseconds)
  }
}
