// The binary form of `numeric` (numeric_send): digits of base 10,000.

/// Decodes `numeric` into its exact decimal text.
enum NumericText {
  static func decode(_ bytes: UnsafeRawBufferPointer) throws(DecodingFailure) -> String {
    var reader = unsafe BinaryReader(bytes)
    let count = unsafe Int(try reader.integer(Int16.self))
    let weight = unsafe Int(try reader.integer(Int16.self))
    let sign = unsafe try reader.integer(UInt16.self)
    let scale = unsafe Int(try reader.integer(Int16.self))
    switch sign {
    case 0xC000: return "NaN"
    case 0xD000: return "Infinity"
    case 0xF000: return "-Infinity"
    case 0x0000, 0x4000: break
    default: throw .malformed
    }
    guard count >= 0, scale >= 0, unsafe reader.remaining == 2 * count else { throw .malformed }
    var digits: [UInt16] = []
    for _ in 0..<count { unsafe digits.append(try reader.integer()) }

    /// The four decimal digits of the group at a power of 10,000.
    func group(_ power: Int) -> String {
      let index = weight - power
      let text = String(digits.indices.contains(index) ? digits[index] : 0)
      return String(repeating: "0", count: max(0, 4 - text.count)) + text
    }
    var text = ""
    for power in stride(from: max(weight, 0), through: 0, by: -1) { text += group(power) }
    text = String(text.drop { $0 == "0" })
    if text.isEmpty { text = "0" }
    if scale > 0 {
      var fraction = ""
      var power = -1
      while fraction.utf8.count < scale {
        fraction += group(power)
        power -= 1
      }
      text += "." + fraction.prefix(scale)
    }
    return sign == 0x4000 ? "-" + text : text
  }
}
