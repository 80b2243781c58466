// Text compared as both databases compare it: byte by byte.

import Glibc

/// A text whose equality and order are those of its UTF-8 bytes; `String` would take the composed and the decomposed "é"
/// for the same.
struct ExactText: Hashable, Comparable, Sendable {
  let text: String

  init(_ text: String) { self.text = text }

  static func == (left: ExactText, right: ExactText) -> Bool { left.text.isExactly(right.text) }

  static func < (left: ExactText, right: ExactText) -> Bool { left.text.byteOrder(to: right.text) < 0 }

  func hash(into hasher: inout Hasher) {
    // The bytes at once, and one that ends no text.
    var text = text
    text.withUTF8 { unsafe hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    hasher.combine(0xFF as UInt8)
  }
}

extension String {
  /// Whether both have the same bytes.
  func isExactly(_ other: String) -> Bool {
    utf8.count == other.utf8.count && byteOrder(to: other) == 0
  }

  /// Negative, zero or positive: the order of the bytes (`memcmp`).
  func byteOrder(to other: String) -> Int {
    var (left, right) = (self, other)
    return left.withUTF8 { left in
      right.withUTF8 { right in
        // An empty text has no bytes to point to.
        guard let first = left.baseAddress, let second = right.baseAddress else {
          return left.count - right.count
        }
        let order = unsafe Int(memcmp(first, second, min(left.count, right.count)))
        return order != 0 ? order : left.count - right.count
      }
    }
  }

  /// Whether the other's bytes are in it, ASCII letters in either case, as SQLite's LIKE and our SQL for Postgres do.
  func contains(ignoringASCIICase other: String) -> Bool {
    let needle = other.utf8.map(Self.lowercased)
    guard let first = needle.first else { return true }
    let hay = Array(utf8)
    guard hay.count >= needle.count else { return false }
    return (0...(hay.count - needle.count)).contains { start in
      Self.lowercased(hay[start]) == first
        && needle.indices.allSatisfy { Self.lowercased(hay[start + $0]) == needle[$0] }
    }
  }

  private static func lowercased(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte }
}
