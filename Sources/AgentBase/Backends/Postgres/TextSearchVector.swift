// Words as Postgres' tsvector, in its binary form: words are data there, whatever they hold.

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
    .raw(type: type, bytes: bytes(words, agent: agent))
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

  /// The words of several memories.
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

  /// The words with their places from 1: how many words differ; each with a NUL behind, how many places, and these.
  static func bytes(_ words: MemoryWords, agent: String) -> [UInt8] {
    let all = words.words
    // Sorted, with equal words side by side: the server need not sort them again.
    var entries: [(word: ArraySlice<UInt8>, place: UInt16)] = []
    entries.reserveCapacity(all.count)
    for (place, word) in all.enumerated() {
      if let word { entries.append((word, UInt16(place + 1))) }
    }
    entries.sort {
      $0.word.lexicographicallyPrecedes($1.word)
        || (!$1.word.lexicographicallyPrecedes($0.word) && $0.place < $1.place)
    }
    var bytes: [UInt8] = [0, 0, 0, 0]
    bytes.reserveCapacity(words.bytes.count + 5 * entries.count + 32)
    var count: UInt32 = 0
    var index = 0
    while index < entries.count {
      let word = entries[index].word
      var end = index + 1
      while end < entries.count, entries[end].word.elementsEqual(word) { end += 1 }
      bytes.append(contentsOf: word)
      bytes.append(0)
      append(UInt16(end - index), to: &bytes)
      for entry in entries[index..<end] { append(entry.place, to: &bytes) }
      count += 1
      index = end
    }
    bytes.append(contentsOf: owner(agent).utf8)
    bytes.append(0)
    append(UInt16(0), to: &bytes)
    count += 1
    for place in 0..<4 { bytes[place] = UInt8(truncatingIfNeeded: count >> (24 - 8 * UInt32(place))) }
    return bytes
  }

  private static func append(_ number: UInt16, to bytes: inout [UInt8]) {
    bytes.append(UInt8(number >> 8))
    bytes.append(UInt8(number & 0xFF))
  }

  private static func append(_ number: UInt32, to bytes: inout [UInt8]) {
    for shift in [24, 16, 8, 0] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: number >> shift)) }
  }
}
