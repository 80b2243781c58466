// Hits as an asynchronous sequence: page after page, each read when it is needed.

/// What a search finds, hit by hit. A page is read when the one before is used up; cancelling the task ends it.
public struct MemoryHitSequence: AsyncSequence, Sendable {
  let page: @Sendable (MemoryCursor?) async throws -> MemoryHits

  /// Goes through the hits, the best first.
  public struct AsyncIterator: AsyncIteratorProtocol {
    let page: @Sendable (MemoryCursor?) async throws -> MemoryHits
    var hits: ArraySlice<MemoryHit> = []
    var next: MemoryCursor?
    var isAtEnd = false

    /// The next hit; nil behind the last.
    public mutating func next() async throws -> MemoryHit? {
      while hits.isEmpty {
        guard !isAtEnd else { return nil }
        let read = try await page(next)
        (hits, next, isAtEnd) = (read.hits[...], read.next, read.next == nil)
      }
      return hits.removeFirst()
    }
  }

  /// An iterator at the first hit.
  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(page: page) }
}

extension AgentOperations {
  /// All memories that hold words, those that fit best first: `searchMemories(matching:)`, page after page.
  public func memories(
    matching query: String, in scope: MemoryScope = .all, where filter: MemoryFilter? = nil,
    pageSize: Int = 100
  ) -> MemoryHitSequence {
    MemoryHitSequence {
      try await searchMemories(matching: query, in: scope, where: filter, limit: pageSize, after: $0)
    }
  }

  /// All memories with embeddings, those nearest to a vector first: `searchMemories(near:)`, page after page.
  public func memories(
    near vector: [Float], by metric: VectorMetric? = nil, in scope: MemoryScope = .all,
    where filter: MemoryFilter? = nil, pageSize: Int = 100
  ) -> MemoryHitSequence {
    MemoryHitSequence {
      try await searchMemories(near: vector, by: metric, in: scope, where: filter, limit: pageSize, after: $0)
    }
  }
}
