// Identities of stored rows: version 7 UUIDs (RFC 9562), which grow with time, as a B-tree likes.

import Foundation

/// Makes UUIDs whose first bits are the time.
enum TimeOrderedUUID {
  /// A UUID of now: 48 bits of milliseconds, 12 bits of the millisecond's fraction, and 62 random bits.
  static func make() -> UUID {
    let microseconds = UInt64(Timestamp.now.microseconds)
    let milliseconds = microseconds / 1000
    let fraction = microseconds % 1000 * 4096 / 1000
    var bytes = UUID().uuid
    bytes.0 = UInt8(truncatingIfNeeded: milliseconds >> 40)
    bytes.1 = UInt8(truncatingIfNeeded: milliseconds >> 32)
    bytes.2 = UInt8(truncatingIfNeeded: milliseconds >> 24)
    bytes.3 = UInt8(truncatingIfNeeded: milliseconds >> 16)
    bytes.4 = UInt8(truncatingIfNeeded: milliseconds >> 8)
    bytes.5 = UInt8(truncatingIfNeeded: milliseconds)
    bytes.6 = 0x70 | UInt8(truncatingIfNeeded: fraction >> 8)
    bytes.7 = UInt8(truncatingIfNeeded: fraction)
    return UUID(uuid: bytes)
  }
}
