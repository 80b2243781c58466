// Text compared as both databases compare it: byte by byte.

/// A text whose equality and order are those of its UTF-8 bytes; `String` would take the composed and the decomposed "é"
/// for the same.
struct ExactText: Hashable, Comparable, Sendable {
  let text: String

  init(_ text: String) { self.text = text }

  static func == (left: ExactText, right: ExactText) -> Bool { left.text.utf8.elementsEqual(right.text.utf8) }

  static func < (left: ExactText, right: ExactText) -> Bool {
    left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
  }

  func hash(into hasher: inout Hasher) { for byte in text.utf8 { hasher.combine(byte) } }
}

extension String {
  /// Whether both have the same bytes.
  func isExactly(_ other: String) -> Bool { utf8.elementsEqual(other.utf8) }

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
