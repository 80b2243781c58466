// Writes JSON the way Postgres prints jsonb, so that what was sent can be compared byte by byte with what comes back.

extension JSON {
  /// The value as Postgres prints it from a `jsonb` column: members by length and bytes of their names, `": "` and
  /// `", "` between, numbers without exponents.
  public var jsonbText: String {
    var bytes: [UInt8] = []
    JSONWriter.append(self, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The value with members in their own order.
  public var text: String {
    var bytes: [UInt8] = []
    JSONWriter.append(self, to: &bytes, sorted: false)
    return String(decoding: bytes, as: UTF8.self)
  }
}

extension JSON: CustomStringConvertible {
  /// The value as text, members in their own order.
  public var description: String { text }
}

/// Appends JSON in `jsonb`'s spelling to a byte buffer.
public enum JSONWriter {
  /// Appends the text of a value.
  public static func append(_ value: JSON, to bytes: inout [UInt8], sorted: Bool = true) {
    switch value {
    case .null: bytes.append(contentsOf: "null".utf8)
    case .bool(let value): bytes.append(contentsOf: value ? "true".utf8 : "false".utf8)
    case .number(let number): bytes.append(contentsOf: number.digits.utf8)
    case .string(let string): append(string: string, to: &bytes)
    case .array(let values):
      bytes.append(UInt8(ascii: "["))
      for (place, value) in values.enumerated() {
        if place > 0 { bytes.append(contentsOf: ", ".utf8) }
        append(value, to: &bytes, sorted: sorted)
      }
      bytes.append(UInt8(ascii: "]"))
    case .object(let object):
      bytes.append(UInt8(ascii: "{"))
      for (place, member) in (sorted ? object.sortedMembers : object.members).enumerated() {
        if place > 0 { bytes.append(contentsOf: ", ".utf8) }
        append(string: member.name, to: &bytes)
        bytes.append(contentsOf: ": ".utf8)
        append(member.value, to: &bytes, sorted: sorted)
      }
      bytes.append(UInt8(ascii: "}"))
    }
  }

  /// Appends a quoted string.
  public static func append(string: String, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\""))
    var string = string
    string.withUTF8 { utf8 in unsafe appendEscaped(UnsafeRawBufferPointer(utf8), to: &bytes) }
    bytes.append(UInt8(ascii: "\""))
  }

  /// Appends UTF-8 text with what JSON escapes, as Postgres' `escape_json` does: the two quotes, the short escapes,
  /// and other control characters as four lower-case hexadecimal digits. The caller has checked that it is UTF-8.
  public static func appendEscaped(_ utf8: UnsafeRawBufferPointer, to bytes: inout [UInt8]) {
    var start = 0
    while let index = unsafe firstEscaped(in: utf8, from: start) {
      unsafe bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: utf8[start..<index]))
      start = index + 1
      let byte = unsafe utf8[index]
      bytes.append(UInt8(ascii: "\\"))
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(byte)
      case 0x08: bytes.append(UInt8(ascii: "b"))
      case 0x0C: bytes.append(UInt8(ascii: "f"))
      case 0x0A: bytes.append(UInt8(ascii: "n"))
      case 0x0D: bytes.append(UInt8(ascii: "r"))
      case 0x09: bytes.append(UInt8(ascii: "t"))
      default:
        bytes.append(contentsOf: "u00".utf8)
        bytes.append(hexDigit(byte >> 4))
        bytes.append(hexDigit(byte & 15))
      }
    }
    unsafe bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: utf8[start...]))
  }

  private static func hexDigit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
  }

  /// The place of the first byte from `start` on that has to be escaped. Eight bytes are looked at in one step.
  static func firstEscaped(in utf8: UnsafeRawBufferPointer, from start: Int) -> Int? {
    var index = start
    while index + 8 <= utf8.count {
      let word = unsafe UInt64(littleEndian: utf8.loadUnaligned(fromByteOffset: index, as: UInt64.self))
      let found = ByteLanes.below(0x20, word) | ByteLanes.equal(0x22, word) | ByteLanes.equal(0x5C, word)
      if found != 0 { return index + found.trailingZeroBitCount / 8 }
      index += 8
    }
    while index < utf8.count {
      let byte = unsafe utf8[index]
      if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { return index }
      index += 1
    }
    return nil
  }
}
