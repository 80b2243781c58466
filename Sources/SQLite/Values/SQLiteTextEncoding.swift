// Text of UTF-16 databases, without loss: SQLite's own conversion to UTF-8 swallows lone surrogates.

/// How a database stores its text.
enum SQLiteTextEncoding {
  case utf8
  case utf16LittleEndian
  case utf16BigEndian
}

/// Conversion between UTF-16 and WTF-8, that is UTF-8 in which a lone surrogate has its three-byte form.
enum SQLiteUTF16 {
  /// The WTF-8 of stored UTF-16.
  ///
  /// An odd byte at the end, which is no UTF-16 at all, follows as 0xFF and the byte: shown, never dropped.
  static func bytes(of stored: UnsafeRawBufferPointer, bigEndian: Bool) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(stored.count)
    let units = stored.count / 2
    func unit(_ index: Int) -> UInt32 {
      let first = unsafe UInt32(stored[2 * index])
      let second = unsafe UInt32(stored[2 * index + 1])
      return bigEndian ? first << 8 | second : second << 8 | first
    }
    var index = 0
    while index < units {
      var code = unit(index)
      index += 1
      if 0xD800..<0xDC00 ~= code, index < units, case let low = unit(index), 0xDC00..<0xE000 ~= low {
        code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
        index += 1
      }
      append(code, to: &bytes)
    }
    if !stored.count.isMultiple(of: 2) { bytes += unsafe [0xFF, stored[stored.count - 1]] }
    return bytes
  }

  /// The UTF-16 of WTF-8 bytes; nil where they are anything else.
  static func units(of bytes: [UInt8]) -> [UInt16]? {
    var units: [UInt16] = []
    units.reserveCapacity(bytes.count)
    var index = 0
    while index < bytes.count {
      guard let (code, length) = decode(bytes, at: index) else { return nil }
      index += length
      if code >= 0x10000 {
        units.append(UInt16(0xD800 + (code - 0x10000) >> 10))
        units.append(UInt16(0xDC00 + (code - 0x10000) & 0x3FF))
      } else {
        // Two halves side by side would be read back as one character: not the bytes that came in.
        if 0xDC00..<0xE000 ~= code, let last = units.last, 0xD800..<0xDC00 ~= last { return nil }
        units.append(UInt16(code))
      }
    }
    return units
  }

  private static func append(_ code: UInt32, to bytes: inout [UInt8]) {
    switch code {
    case ..<0x80:
      bytes.append(UInt8(code))
    case ..<0x800:
      bytes.append(UInt8(0xC0 | code >> 6))
      bytes.append(UInt8(0x80 | code & 0x3F))
    case ..<0x10000:
      bytes.append(UInt8(0xE0 | code >> 12))
      bytes.append(UInt8(0x80 | code >> 6 & 0x3F))
      bytes.append(UInt8(0x80 | code & 0x3F))
    default:
      bytes.append(UInt8(0xF0 | code >> 18))
      bytes.append(UInt8(0x80 | code >> 12 & 0x3F))
      bytes.append(UInt8(0x80 | code >> 6 & 0x3F))
      bytes.append(UInt8(0x80 | code & 0x3F))
    }
  }

  /// The code point at an index and the number of its bytes; only the shortest form counts.
  private static func decode(_ bytes: [UInt8], at index: Int) -> (code: UInt32, length: Int)? {
    let first = UInt32(bytes[index])
    let (length, smallest): (Int, UInt32)
    switch first {
    case ..<0x80: return (first, 1)
    case 0xC2..<0xE0: (length, smallest) = (2, 0x80)
    case 0xE0..<0xF0: (length, smallest) = (3, 0x800)
    case 0xF0..<0xF5: (length, smallest) = (4, 0x10000)
    default: return nil
    }
    guard index + length <= bytes.count else { return nil }
    var code = first & (0xFF >> UInt32(length + 1))
    for byte in bytes[(index + 1)..<(index + length)] {
      guard byte & 0xC0 == 0x80 else { return nil }
      code = code << 6 | UInt32(byte & 0x3F)
    }
    guard code >= smallest, code <= 0x10FFFF else { return nil }
    return (code, length)
  }
}
