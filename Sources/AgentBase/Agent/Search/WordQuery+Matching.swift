// Whether words fulfil a query: for rows that stand in no index, and the rule that the indexes have to agree with.

extension WordQuery {
  /// Whether a memory's words fulfil the query.
  func matches(_ memory: MemoryWords) -> Bool {
    let words = memory.words
    return alternatives.contains { alternative in
      alternative.wanted.allSatisfy { $0.isIn(words) } && !alternative.unwanted.contains { $0.isIn(words) }
    }
  }

  /// An ASCII word that every memory must hold which fulfils the query, in the way of a coarse sieve; nil where there is none.
  var asciiSieve: [String]? {
    var needed: [String] = []
    for alternative in alternatives {
      let words = alternative.wanted.flatMap(\.words).filter { $0.utf8.allSatisfy { $0 < 0x80 } }
      guard let longest = words.max(by: { $0.utf8.count < $1.utf8.count }) else { return nil }
      needed.append(longest)
    }
    return needed
  }
}

extension WordQuery.Term {
  fileprivate func isIn(_ memory: [ArraySlice<UInt8>?]) -> Bool {
    guard memory.count >= words.count else { return false }
    return (0...(memory.count - words.count)).contains { start in
      words.indices.allSatisfy { place in
        guard let found = memory[start + place] else { return false }
        return isPrefix && place == words.count - 1
          ? found.starts(with: words[place].utf8) : found.elementsEqual(words[place].utf8)
      }
    }
  }
}
