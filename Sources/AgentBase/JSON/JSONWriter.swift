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
    for index in 0..<utf8.count {
      let byte = unsafe utf8[index]
      guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { continue }
      unsafe bytes.append(contentsOf: utf8[start..<index])
      start = index + 1
      bytes.append(UInt8(ascii: "\\"))
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(byte)
      case 0x08: bytes.append(UInt8(ascii: "b"))
      case 0x0C: bytes.append(UInt8(ascii: "f"))
      case 0x0A: bytes.append(UInt8(ascii: "n"))
      case 0x0D: bytes.append(UInt8(ascii: "r"))
      case 0x09: bytes.append(UInt8(ascii: "t"))
      default:
        let hex = Array("0123456789abcdef".utf8)
        bytes.append(contentsOf: "u00".utf8)
        bytes.append(hex[Int(byte >> 4)])
        bytes.append(hex[Int(byte & 15)])
      }
    }
    unsafe bytes.append(contentsOf: utf8[start...])
  }
}
