// Reads SQL text just far enough to know what is a parameter and what is quoted.

/// A scanner over SQL text.
enum SQLText {
  /// Replaces the number of each parameter `$n` outside of quotes, dollar quotes, comments and names.
  static func mapParameters(in sql: String, _ transform: (Int) -> Int) -> String {
    let bytes = Array(sql.utf8)
    var output: [UInt8] = []
    output.reserveCapacity(bytes.count + 16)
    var index = 0
    while index < bytes.count {
      let end = endOfQuoted(bytes, index)
      if end > index {
        output += bytes[index..<end]
        index = end
      } else if bytes[index] == UInt8(ascii: "$"), index == 0 || !isNameByte(bytes[index - 1]) {
        var digits = index + 1
        while digits < bytes.count, (48...57).contains(bytes[digits]) { digits += 1 }
        if let number = Int(String(decoding: bytes[(index + 1)..<digits], as: UTF8.self)) {
          output += Array("$\(transform(number))".utf8)
          index = digits
        } else {
          output.append(bytes[index])
          index += 1
        }
      } else {
        output.append(bytes[index])
        index += 1
      }
    }
    return String(decoding: output, as: UTF8.self)
  }

  static func isNameByte(_ byte: UInt8) -> Bool {
    (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte >= 128
      || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "$")
  }

  /// The index behind the quoted text or comment that starts at `start`; `start` itself if none does.
  static func endOfQuoted(_ bytes: [UInt8], _ start: Int) -> Int {
    func starts(_ text: StaticString, at index: Int) -> Bool {
      unsafe UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount).elementsEqual(
        bytes[index...].prefix(text.utf8CodeUnitCount))
    }
    func end(of delimiter: UInt8, escapes: Bool) -> Int {
      var index = start + 1
      while index < bytes.count {
        if escapes, bytes[index] == UInt8(ascii: "\\") {
          index += 2
        } else if bytes[index] == delimiter {
          return index + 1
        } else {
          index += 1
        }
      }
      return bytes.count
    }
    switch bytes[start] {
    case UInt8(ascii: "'"):
      // E'…' knows backslashes; a doubled quote is two quoted texts side by side, which is the same here.
      let escapes =
        start > 0 && (bytes[start - 1] | 32) == UInt8(ascii: "e")
        && (start == 1 || !isNameByte(bytes[start - 2]))
      return end(of: UInt8(ascii: "'"), escapes: escapes)
    case UInt8(ascii: "\""): return end(of: UInt8(ascii: "\""), escapes: false)
    case UInt8(ascii: "-") where starts("--", at: start):
      return bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
    case UInt8(ascii: "/") where starts("/*", at: start):
      var depth = 0
      var index = start
      while index < bytes.count {
        if starts("/*", at: index) {
          depth += 1
          index += 2
        } else if starts("*/", at: index) {
          depth -= 1
          index += 2
          if depth == 0 { return index }
        } else {
          index += 1
        }
      }
      return bytes.count
    case UInt8(ascii: "$") where start == 0 || !isNameByte(bytes[start - 1]):
      var tag = start + 1
      while tag < bytes.count, isNameByte(bytes[tag]), bytes[tag] != UInt8(ascii: "$") { tag += 1 }
      guard tag < bytes.count, bytes[tag] == UInt8(ascii: "$"), !(48...57).contains(bytes[start + 1]) else {
        return start
      }
      let delimiter = bytes[start...tag]
      var index = tag + 1
      while index + delimiter.count <= bytes.count {
        if bytes[index...].starts(with: delimiter) { return index + delimiter.count }
        index += 1
      }
      return bytes.count
    default: return start
    }
  }
}
