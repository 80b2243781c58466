// Eight bytes looked at in one step, as the lanes of a 64-bit word.

/// Questions about the eight bytes of a word. An answer has the highest bit of each lane for which it is yes; above the
/// first such lane it may be wrong, so only whether there is one, and which is the lowest, count.
public enum ByteLanes {
  /// Bytes that are less than `limit`, which is 128 at most.
  @inlinable
  public static func below(_ limit: UInt8, _ word: UInt64) -> UInt64 {
    (word &- 0x0101_0101_0101_0101 &* UInt64(limit)) & ~word & 0x8080_8080_8080_8080
  }

  /// Bytes that are this one.
  @inlinable
  public static func equal(_ byte: UInt8, _ word: UInt64) -> UInt64 {
    below(1, word ^ (0x0101_0101_0101_0101 &* UInt64(byte)))
  }

  /// Bytes that are not ASCII.
  @inlinable
  public static func notASCII(_ word: UInt64) -> UInt64 { word & 0x8080_8080_8080_8080 }
}

/// Text as Postgres and JSON take it.
public enum PlainText {
  /// Whether the bytes are UTF-8 without a NUL.
  public static func isValid(_ utf8: UnsafeRawBufferPointer) -> Bool {
    var index = 0
    while index + 8 <= utf8.count {
      let word = unsafe UInt64(littleEndian: utf8.loadUnaligned(fromByteOffset: index, as: UInt64.self))
      guard ByteLanes.notASCII(word) | ByteLanes.equal(0, word) == 0 else { break }
      index += 8
    }
    let rest = unsafe UnsafeRawBufferPointer(rebasing: utf8[index...])
    if unsafe rest.allSatisfy({ $0 > 0 && $0 < 0x80 }) { return true }
    let span = unsafe Span<UInt8>(_unsafeElements: rest.assumingMemoryBound(to: UInt8.self))
    return unsafe !rest.contains(0) && (try? UTF8Span(validating: span)) != nil
  }
}
