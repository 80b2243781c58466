// Tells whether JSON text is already spelled as Postgres prints jsonb, without building its value.

/// The test for `jsonb`'s own spelling. Text that passes is equal, byte by byte, to what `JSONWriter` makes of its value.
public enum CanonicalJSON {
  /// Whether the bytes are one JSON value in `jsonb`'s spelling, without an escape. They are UTF-8; what needs a closer look
  /// (an escape, an exponent, a number of many digits, nesting beyond 32) is answered with false.
  public static func isCanonical(_ utf8: UnsafeRawBufferPointer) -> Bool {
    var scanner = unsafe CanonicalScanner(bytes: utf8)
    return scanner.value(depth: 0) && scanner.isAtEnd
  }
}

/// Reads JSON from bytes, left to right. The bytes are lent for its lifetime.
@safe
private struct CanonicalScanner {
  let bytes: UnsafeRawBufferPointer
  var offset = 0

  init(bytes: UnsafeRawBufferPointer) { unsafe self.bytes = bytes }

  var isAtEnd: Bool { unsafe offset == bytes.count }
  private var next: UInt8 { unsafe offset < bytes.count ? bytes[offset] : 0 }

  private mutating func skip(_ byte: UInt8) -> Bool {
    guard next == byte, !isAtEnd else { return false }
    offset += 1
    return true
  }

  private mutating func skip(_ text: StaticString) -> Bool {
    text.withUTF8Buffer { text in
      guard unsafe bytes.count - offset >= text.count,
        unsafe UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + text.count]).elementsEqual(text)
      else { return false }
      offset += text.count
      return true
    }
  }

  mutating func value(depth: Int) -> Bool {
    guard depth < 32 else { return false }
    switch next {
    case UInt8(ascii: "{"): return object(depth: depth)
    case UInt8(ascii: "["): return array(depth: depth)
    case UInt8(ascii: "\""): return string() != nil
    case UInt8(ascii: "n"): return skip("null")
    case UInt8(ascii: "t"): return skip("true")
    case UInt8(ascii: "f"): return skip("false")
    default: return number()
    }
  }

  /// Members by length and bytes of their names, each name once, as `jsonb` keeps them.
  private mutating func object(depth: Int) -> Bool {
    offset += 1
    if skip(UInt8(ascii: "}")) { return true }
    var last: Range<Int>?
    repeat {
      guard let name = string(), skip(": ") else { return false }
      if let last, !precedes(last, name) { return false }
      last = name
      guard value(depth: depth + 1) else { return false }
    } while skip(", ")
    return skip(UInt8(ascii: "}"))
  }

  private func precedes(_ left: Range<Int>, _ right: Range<Int>) -> Bool {
    if left.count != right.count { return left.count < right.count }
    return unsafe UnsafeRawBufferPointer(rebasing: bytes[left])
      .lexicographicallyPrecedes(UnsafeRawBufferPointer(rebasing: bytes[right]))
  }

  private mutating func array(depth: Int) -> Bool {
    offset += 1
    if skip(UInt8(ascii: "]")) { return true }
    repeat {
      guard value(depth: depth + 1) else { return false }
    } while skip(", ")
    return skip(UInt8(ascii: "]"))
  }

  /// A string without an escape: the places of its bytes.
  private mutating func string() -> Range<Int>? {
    guard skip(UInt8(ascii: "\"")) else { return nil }
    let start = offset
    while !isAtEnd {
      let byte = next
      if byte == UInt8(ascii: "\"") {
        offset += 1
        return start..<offset - 1
      }
      guard byte >= 0x20, byte != UInt8(ascii: "\\") else { return nil }
      offset += 1
    }
    return nil
  }

  /// A number of at most 100 digits without an exponent, and no negative zero.
  private mutating func number() -> Bool {
    let start = offset
    let isNegative = skip(UInt8(ascii: "-"))
    let first = next
    guard skipDigits() > 0, first != UInt8(ascii: "0") || offset == start + (isNegative ? 2 : 1) else {
      return false
    }
    if skip(UInt8(ascii: ".")) { guard skipDigits() > 0 else { return false } }
    if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") { return false }
    guard offset - start <= 100 else { return false }
    guard isNegative else { return true }
    return unsafe bytes[start..<offset].contains { $0 > UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
  }

  private mutating func skipDigits() -> Int {
    let start = offset
    while next >= UInt8(ascii: "0"), next <= UInt8(ascii: "9") { offset += 1 }
    return offset - start
  }
}
