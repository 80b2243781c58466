// How well words fit a query: the rule of Postgres' ts_rank, for the backends and rows that Postgres does not rank.

import Foundation

/// The words by which memories are ranked, and the rule.
///
/// It is `ts_rank(words, 'one | two'::tsquery, 1)`: each word of the query counts by how often it is there (the second time a
/// quarter of the first, the third a ninth), and a long memory counts less than a short one. The arithmetic is that of the
/// server to the last bit, so that both backends give one order.
struct WordRank: Sendable {
  /// A word that counts, or the beginning of words that do.
  struct Word: Sendable, Hashable {
    var bytes: [UInt8]
    var isPrefix: Bool
  }

  /// In the order of their bytes, each once.
  let words: [Word]

  /// The words of a query, those that must not be there left out.
  init(_ query: WordQuery) {
    var isPrefix: [[UInt8]: Bool] = [:]
    for term in query.alternatives.lazy.flatMap(\.wanted) {
      for (place, word) in term.words.enumerated() {
        isPrefix[Array(word.utf8), default: false] =
          isPrefix[Array(word.utf8), default: false] || (term.isPrefix && place == term.words.count - 1)
      }
    }
    words = isPrefix.map { Word(bytes: $0.key, isPrefix: $0.value) }
      .sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
  }

  /// The words as Postgres' `tsquery` reads them.
  var tsquery: String {
    words.map { "'" + String(decoding: $0.bytes, as: UTF8.self) + "'" + ($0.isPrefix ? ":*" : "") }
      .joined(separator: "|")
  }

  /// The rank of a memory's words.
  func rank(_ memory: MemoryWords) -> Float { unsafe memory.bytes.withUnsafeBytes { unsafe rank(words: $0) } }

  /// The rank of words with a blank between.
  func rank(words bytes: UnsafeRawBufferPointer) -> Float {
    var exact = [Int](repeating: 0, count: words.count)
    var byPrefix = [[ArraySlice<UInt8>: Int]](repeating: [:], count: words.count)
    // The word that says whose memory it is counts as one.
    var length = 1
    var start = 0
    while start < bytes.count {
      var end = start
      while end < bytes.count, unsafe bytes[end] != 0x20 { end += 1 }
      let word = unsafe UnsafeRawBufferPointer(rebasing: bytes[start..<end])
      start = end + 1
      if unsafe word.isEmpty || word.elementsEqual(WordFolding.gap) { continue }
      length += 1
      for (place, wanted) in words.enumerated() {
        guard word.count >= wanted.bytes.count, unsafe word.starts(with: wanted.bytes) else { continue }
        if wanted.isPrefix {
          unsafe byPrefix[place][Array(word)[...], default: 0] += 1
        } else if word.count == wanted.bytes.count {
          exact[place] += 1
        }
      }
    }
    var sum: Float = 0
    for (place, word) in words.enumerated() {
      if word.isPrefix {
        for entry in byPrefix[place].sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
          Self.add(entry.value, to: &sum)
        }
      } else if exact[place] > 0 {
        Self.add(exact[place], to: &sum)
      }
    }
    guard !words.isEmpty else { return 0 }
    sum /= Float(words.count)
    return Float(Double(sum) / (log(Double(length + 1)) / log(2.0)))
  }

  /// Adds what that many occurrences of a word count.
  private static func add(_ count: Int, to sum: inout Float) {
    let weight: Float = 0.1
    var series: Float = 0
    for place in 1...count { series += weight / Float(place * place) }
    sum = Float(Double(sum) + Double(weight + series - weight) / 1.64493406685)
  }
}
