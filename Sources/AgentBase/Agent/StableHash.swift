// A number for bytes that is the same in every process and on every machine, as Swift's own hashes are not.

/// FNV-1a, 64 bits.
struct StableHash {
  private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

  mutating func combine(_ byte: UInt8) { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }

  mutating func combine(_ text: String) { for byte in text.utf8 { combine(byte) } }
}
