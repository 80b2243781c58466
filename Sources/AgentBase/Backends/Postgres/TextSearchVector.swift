// Words as Postgres' tsvector, in its binary form: words are data there, whatever they hold.

import Glibc
import Postgres

/// Makes values of the type `tsvector`.
enum TextSearchVector {
  /// The word that marks the memories of an agent. No other word can be the same: it begins with a character that none holds.
  ///
  /// It is short, whatever the id: where two agents had one, the index would find memories of both, and the condition on the
  /// agent leaves the others out.
  static func owner(_ agent: String) -> String {
    var hash = StableHash()
    hash.combine(agent)
    return "\u{E000}" + String(hash.value, radix: 36)
  }

  static let type = PostgresType(rawValue: 3614)

  /// The words of a memory of an agent.
  static func value(_ words: MemoryWords, agent: String) -> PostgresValue {
    .raw(type: type, bytes: bytes(words, owner: owner(agent)))
  }

  /// A value as text, such as `'dark':3 'mode':4,7`.
  static func text(_ bytes: [UInt8]) -> String {
    var text = ""
    var index = 4
    while let end = bytes[min(index, bytes.count)...].firstIndex(of: 0), end + 2 < bytes.count {
      let count = Int(bytes[end + 1]) << 8 | Int(bytes[end + 2])
      guard end + 3 + 2 * count <= bytes.count else { break }
      let places = (0..<count).map { place in
        String(Int(bytes[end + 3 + 2 * place]) << 8 | Int(bytes[end + 4 + 2 * place]))
      }
      text += (text.isEmpty ? "'" : " '") + String(decoding: bytes[index..<end], as: UTF8.self) + "'"
      if count > 0 { text += ":" + places.joined(separator: ",") }
      index = end + 3 + 2 * count
    }
    return text
  }

  /// Several of them, by their bytes.
  static func array(_ vectors: [[UInt8]]) -> PostgresValue {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(20 + vectors.reduce(0) { $0 + $1.count + 4 })
    // One dimension, no NULLs, the type of the elements; how many there are, counted from 1.
    append(UInt32(vectors.isEmpty ? 0 : 1), to: &bytes)
    append(0 as UInt32, to: &bytes)
    append(type.rawValue, to: &bytes)
    if !vectors.isEmpty {
      append(UInt32(vectors.count), to: &bytes)
      append(1 as UInt32, to: &bytes)
    }
    for vector in vectors {
      append(UInt32(vector.count), to: &bytes)
      bytes.append(contentsOf: vector)
    }
    return .raw(type: PostgresType(rawValue: 3643), bytes: bytes)
  }

  /// The words of memories of agents.
  static func array(of memories: [(agent: String, words: MemoryWords)]) -> PostgresValue {
    var (agent, mark) = ("", owner(""))
    return array(
      memories.map { memory in
        // Most batches are of one agent.
        if !memory.agent.isExactly(agent) { (agent, mark) = (memory.agent, owner(memory.agent)) }
        return bytes(memory.words, owner: mark)
      })
  }

  /// The words with their places from 1: how many words differ; each with a NUL behind, how many places, and these.
  static func bytes(_ words: MemoryWords, owner: String) -> [UInt8] {
    unsafe words.bytes.withUnsafeBytes { text in
      // Sorted, with equal words side by side: the server need not sort them again.
      let entries = unsafe entries(of: text).sorted { unsafe $0.precedes($1, in: text) }
      var bytes: [UInt8] = [0, 0, 0, 0]
      bytes.reserveCapacity(text.count + 5 * entries.count + 32)
      var count: UInt32 = 0
      var index = 0
      while index < entries.count {
        let word = entries[index]
        var end = index + 1
        while end < entries.count, unsafe entries[end].compare(word, in: text) == 0 { end += 1 }
        unsafe bytes.append(contentsOf: text[word.start..<word.start + word.count])
        bytes.append(0)
        append(UInt16(end - index), to: &bytes)
        for entry in entries[index..<end] { append(entry.place, to: &bytes) }
        count += 1
        index = end
      }
      bytes.append(contentsOf: owner.utf8)
      bytes.append(0)
      append(UInt16(0), to: &bytes)
      count += 1
      for place in 0..<4 { bytes[place] = UInt8(truncatingIfNeeded: count >> (24 - 8 * UInt32(place))) }
      return bytes
    }
  }

  /// Where a word stands in the bytes of a memory's words, and the how manieth it is.
  private struct Entry {
    var start: Int
    var count: Int
    var place: UInt16

    /// Negative, zero or positive, as this word comes before, is, or comes behind another; by their bytes.
    func compare(_ other: Entry, in text: UnsafeRawBufferPointer) -> Int {
      guard let base = text.baseAddress else { return 0 }
      let order = unsafe memcmp(base + start, base + other.start, min(count, other.count))
      return order == 0 ? count - other.count : Int(order)
    }

    func precedes(_ other: Entry, in text: UnsafeRawBufferPointer) -> Bool {
      let order = unsafe compare(other, in: text)
      return order < 0 || (order == 0 && place < other.place)
    }
  }

  /// The words in their order; gaps count and are left out.
  private static func entries(of text: UnsafeRawBufferPointer) -> [Entry] {
    var entries: [Entry] = []
    var (start, place) = (0, 0 as UInt16)
    while start < text.count {
      let end = unsafe text[start...].firstIndex(of: 0x20) ?? text.count
      place += 1
      let isGap =
        unsafe end - start == WordFolding.gap.count && text[start..<end].elementsEqual(WordFolding.gap)
      if !isGap { entries.append(Entry(start: start, count: end - start, place: place)) }
      start = end + 1
    }
    return entries
  }

  private static func append(_ number: UInt16, to bytes: inout [UInt8]) {
    bytes.append(UInt8(number >> 8))
    bytes.append(UInt8(number & 0xFF))
  }

  private static func append(_ number: UInt32, to bytes: inout [UInt8]) {
    for shift in [24, 16, 8, 0] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: number >> shift)) }
  }
}
