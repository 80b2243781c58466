// The words by which a memory is found: those of its key, then those of its value.

/// The words of a memory in their order, as both backends index them.
///
/// Of a value all strings count, member names included, and its numbers and booleans. A phrase reaches neither from the key into
/// the value nor from one string into the next. What Postgres' `tsvector` cannot hold is cut off, on every backend alike: words
/// behind the 16,383rd, or behind 500,000 bytes of them; what is more than 255 occurrences of one word; of a long word
/// all but its first 255 bytes.
struct MemoryWords: Sendable {
  /// The words with a blank between; where phrases must not reach across, or a word is left out, stands `WordFolding.gap`.
  private(set) var bytes: [UInt8] = []
  /// How many words and gaps there are.
  private(set) var count = 0

  /// The most words and gaps: the positions that a `tsvector` has.
  static let limit = 16_383
  /// The most bytes: a `tsvector` has less than a megabyte for words and positions.
  static let byteLimit = 500_000
  /// The most bytes of a word.
  static let wordByteLimit = 255
  /// The most occurrences of a word that count.
  static let occurrenceLimit = 255

  private var needsGap = false

  /// The words of a memory.
  ///
  /// - Parameter valueText: the value in jsonb's spelling.
  init(key: String, valueText: String) {
    bytes.reserveCapacity(min(key.utf8.count + valueText.utf8.count + 8, Self.byteLimit))
    append(key, isJSON: false)
    needsGap = true
    append(valueText, isJSON: true)
    if count > Self.occurrenceLimit { leaveOutSurplus() }
  }

  /// The words of a memory that was read.
  init(_ memory: Memory) { self.init(key: memory.key, valueText: memory.value.json.jsonbText) }

  /// The words of a text.
  init(text: String) { append(text, isJSON: false) }

  /// The words, one by one; a gap is nil.
  var words: [ArraySlice<UInt8>?] {
    bytes.isEmpty
      ? []
      : bytes.split(separator: 0x20).map { $0.elementsEqual(WordFolding.gap) ? nil : $0 }
  }

  /// As SQLite's full-text index reads them.
  var text: String { String(decoding: bytes, as: UTF8.self) }

  // MARK: - Reading

  private var isFull: Bool { count >= Self.limit || bytes.count >= Self.byteLimit }

  private mutating func append(_ text: String, isJSON: Bool) {
    var text = text
    text.withUTF8 { utf8 in
      var index = 0
      var isInString = !isJSON
      while index < utf8.count, !isFull {
        let byte = unsafe utf8[index]
        if WordFolding.isInRun(byte) {
          let start = index
          var isASCII = true
          while index < utf8.count, unsafe WordFolding.isInRun(utf8[index]) {
            if unsafe utf8[index] >= 0x80 { isASCII = false }
            index += 1
          }
          var run = unsafe UnsafeBufferPointer(rebasing: utf8[start..<index])
          // Text without spaces: what is behind that many bytes does not count any more.
          if run.count > Self.byteLimit {
            var end = Self.byteLimit
            while end > 0, unsafe run[end] & 0xC0 == 0x80 { end -= 1 }
            unsafe run = UnsafeBufferPointer(rebasing: run[..<end])
          }
          if isASCII {
            if !isInString, unsafe run.elementsEqual("null".utf8) { continue }
            unsafe appendASCII(run)
          } else {
            unsafe WordFolding.forEachWord(inRun: String(decoding: run, as: UTF8.self)) { word in
              append(Array(String(word).utf8))
            }
          }
          continue
        }
        index += 1
        guard isJSON else { continue }
        switch byte {
        case UInt8(ascii: "\""):
          isInString.toggle()
          needsGap = true
        case UInt8(ascii: "\\") where isInString:
          // What is escaped is no part of a word: quotes, the backslash, and control characters as \n or \u001f.
          index += unsafe index < utf8.count && utf8[index] == UInt8(ascii: "u") ? 5 : 1
        default: if !isInString, byte != UInt8(ascii: "."), byte != UInt8(ascii: "-") { needsGap = true }
        }
      }
    }
  }

  private mutating func appendASCII(_ run: UnsafeBufferPointer<UInt8>) {
    guard begin() else { return }
    for place in 0..<min(run.count, Self.wordByteLimit) {
      bytes.append(WordFolding.lowercased(unsafe run[place]))
    }
  }

  private mutating func append(_ word: [UInt8]) {
    guard begin() else { return }
    var end = min(word.count, Self.wordByteLimit)
    // Not within a character.
    while end < word.count, end > 0, word[end] & 0xC0 == 0x80 { end -= 1 }
    bytes.append(contentsOf: word[..<end])
  }

  /// Makes room for a word; false where there is none.
  private mutating func begin() -> Bool {
    if needsGap, !bytes.isEmpty, count + 1 < Self.limit {
      bytes.append(0x20)
      bytes.append(contentsOf: WordFolding.gap)
      count += 1
    }
    needsGap = false
    guard !isFull else { return false }
    if !bytes.isEmpty { bytes.append(0x20) }
    count += 1
    return true
  }

  /// Puts gaps where a word stands more often than counts.
  private mutating func leaveOutSurplus() {
    var counts: [ArraySlice<UInt8>: Int] = [:]
    var isSurplus = false
    let words = words
    let kept = words.map { word -> ArraySlice<UInt8>? in
      guard let word else { return nil }
      counts[word, default: 0] += 1
      guard counts[word, default: 0] > Self.occurrenceLimit else { return word }
      isSurplus = true
      return nil
    }
    guard isSurplus else { return }
    bytes = Array(kept.map { $0 ?? WordFolding.gap[...] }.joined(separator: [0x20]))
  }
}

extension MemoryDraft {
  /// The words by which it will be found.
  var words: MemoryWords { MemoryWords(key: key, valueText: valueText) }
}
