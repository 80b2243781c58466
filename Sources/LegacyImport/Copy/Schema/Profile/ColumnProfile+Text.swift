// Describing text, without a copy of it. What a text has shown not to be of all, no later one is asked for.

extension ColumnProfile {
  /// Adds a TEXT.
  ///
  /// - Parameter json: what keeps its room for reading JSON; nil where the column is not declared so.
  mutating func add(text: UnsafeRawBufferPointer, json: inout JSONShape?) {
    texts += 1
    let shape = unsafe TextShape(text)
    guard let characters = shape.characters else {
      unstorableTexts += 1
      textsAreJSON = false
      endTexts()
      return
    }
    longestText = max(longestText, characters)
    let first = unsafe text.first ?? 0
    if textsAreDates || textsAreTimestamps || textsAreTimes {
      if first >= 0x30, first <= 0x39 {
        let time = unsafe TimeShape(text)
        textsAreDates = textsAreDates && time == .date
        textsAreTimestamps = textsAreTimestamps && (time == .date || time == .timestamp)
        textsAreTimes = textsAreTimes && time == .time
      } else {
        (textsAreDates, textsAreTimestamps, textsAreTimes) = (false, false, false)
      }
    }
    if textsAreUUIDs { textsAreUUIDs = unsafe Self.isUUID(text) }
    if textsAreBooleans { textsAreBooleans = unsafe Self.isWord(text, of: ["true", "false"]) }
    if textsAreOddReals {
      textsAreOddReals = unsafe Self.isWord(text, of: ["nan", "infinity", "-infinity"])
    }
    if textsAreJSON, json != nil {
      let shape = unsafe json?.read(text)
      textsAreJSON = shape != .invalid
      if shape != .plain { textsFitJSONB = false }
    }
  }

  /// Nothing that could be said of all texts is true any more.
  private mutating func endTexts() {
    textsAreBooleans = false
    textsAreOddReals = false
    textsAreDates = false
    textsAreTimestamps = false
    textsAreTimes = false
    textsAreUUIDs = false
    textsFitJSONB = false
  }

  private static func isWord(_ text: UnsafeRawBufferPointer, of words: [StaticString]) -> Bool {
    for word in words where text.count == word.utf8CodeUnitCount {
      var isEqual = true
      for place in 0..<word.utf8CodeUnitCount {
        let byte = unsafe text[place]
        let lower = byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
        if unsafe lower != word.utf8Start[place] { isEqual = false }
      }
      if isEqual { return true }
    }
    return false
  }

  private static func isUUID(_ text: UnsafeRawBufferPointer) -> Bool {
    guard text.count == 36 else { return false }
    for place in 0..<36 {
      let byte = unsafe text[place]
      if place == 8 || place == 13 || place == 18 || place == 23 {
        guard byte == UInt8(ascii: "-") else { return false }
      } else {
        let isHexadecimal = (byte >= 0x30 && byte <= 0x39) || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x66)
        guard isHexadecimal else { return false }
      }
    }
    return true
  }
}

/// How long a text is, where Postgres can hold it.
struct TextShape {
  /// Its characters; nil where it holds a NUL or is not UTF-8.
  let characters: Int?

  init(_ text: UnsafeRawBufferPointer) {
    // Most text is ASCII: eight bytes at once, none of them zero and none with its high bit set.
    var offset = 0
    while offset + 8 <= text.count {
      let word = unsafe text.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      let zeros = (word &- 0x0101_0101_0101_0101) & ~word
      guard (zeros | word) & 0x8080_8080_8080_8080 == 0 else { break }
      offset += 8
    }
    while offset < text.count {
      let byte = unsafe text[offset]
      guard byte != 0 else {
        characters = nil
        return
      }
      guard byte < 0x80 else { break }
      offset += 1
    }
    if offset == text.count {
      characters = offset
      return
    }
    characters = unsafe Self.count(text, from: offset)
  }

  private static func count(_ text: UnsafeRawBufferPointer, from start: Int) -> Int? {
    let rest = unsafe text[start...]
    guard unsafe UTF8.isValid(rest), unsafe !rest.contains(0) else { return nil }
    return unsafe rest.reduce(start) { $1 & 0xC0 == 0x80 ? $0 : $0 + 1 }
  }
}

extension UTF8 {
  /// Whether the bytes are well-formed UTF-8 (Unicode, table 3-7).
  fileprivate static func isValid(_ bytes: Slice<UnsafeRawBufferPointer>) -> Bool {
    var decoder = UTF8()
    var iterator = unsafe bytes.makeIterator()
    while true {
      switch unsafe decoder.decode(&iterator) {
      case .scalarValue: continue
      case .emptyInput: return true
      case .error: return false
      }
    }
  }
}
