// Identities of stored rows: version 7 UUIDs (RFC 9562), which grow with time, as a B-tree likes.

import Foundation

/// Makes UUIDs whose first bits are the time.
enum TimeOrderedUUID {
  /// A UUID of now, as its two halves: 48 bits of milliseconds, 12 bits of the millisecond's fraction, and 62 random bits.
  ///
  /// The random bits come from the system's generator itself: Foundation's UUID opens a file for each, which took a third of
  /// the time of a batch of stores.
  static func halves() -> (high: UInt64, low: UInt64) {
    let microseconds = UInt64(Timestamp.now.microseconds)
    let (milliseconds, rest) = microseconds.quotientAndRemainder(dividingBy: 1000)
    let high = milliseconds << 16 | 0x7000 | rest * 4096 / 1000
    return (high, UInt64.random(in: 0 ... .max) >> 2 | 1 << 63)
  }

  /// The same as a UUID.
  static func make() -> UUID {
    let (high, low) = halves()
    let byte = { (half: UInt64, place: UInt64) in UInt8(truncatingIfNeeded: half >> (56 - 8 * place)) }
    return UUID(
      uuid: (
        byte(high, 0), byte(high, 1), byte(high, 2), byte(high, 3), byte(high, 4), byte(high, 5),
        byte(high, 6),
        byte(high, 7), byte(low, 0), byte(low, 1), byte(low, 2), byte(low, 3), byte(low, 4), byte(low, 5),
        byte(low, 6), byte(low, 7)
      ))
  }
}
