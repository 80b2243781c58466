// Searching by words and by vectors at once.

extension AgentOperations {
  /// The memories that fit a text by its words or by its meaning: the lists of both searches, fused by their ranks (reciprocal rank
  /// fusion, Cormack et al. 2009).
  ///
  /// A memory scores 1 / (k + its place) in each list, from 1 on, and these are added up. Where one list does not hold it, the
  /// other does. Of equal scores the newest comes first.
  ///
  /// - Parameters:
  ///   - text: the query by words; the text that is embedded, where no vector is given.
  ///   - vector: the vector to be near to; nil for that of the text, which the embedder of the config makes.
  ///   - metric: how vectors are compared, as in the search by vectors.
  ///   - limit: the most that are answered, from 1 to 10,000.
  ///   - after: `next` of the page before.
  ///   - k: how little the first places count for more than the next.
  ///   - depth: how many of each list are fused, from 1 to 10,000; pages end where both end.
  /// - Throws: as the two searches do.
  @concurrent public func searchMemories(
    hybrid text: String, near vector: [Float]? = nil, by metric: VectorMetric? = nil,
    in scope: MemoryScope = .all,
    where filter: MemoryFilter? = nil, limit: Int = 10, after: MemoryCursor? = nil, k: Int = 60,
    depth: Int = 200
  ) async throws -> MemoryHits {
    try await withStore { store in
      try Self.check(limit: limit)
      try Self.check(limit: depth)
      guard (0...1_000_000).contains(k) else {
        throw AgentBaseError(.invalidValue, "the constant \(k) of the fusion is not from 0 to 1000000")
      }
      let query = try WordQuery(text)
      let place = try after.map { cursor throws(AgentBaseError) in try HitPlace(cursor, "hybrid") }
      guard scope.canExist else { return MemoryHits(hits: [], next: nil) }
      // The words are looked up while the embedder is at work.
      async let words = wordHits(query, scope, filter, depth, store)
      let wanted = if let vector { vector } else { try await self.vector(of: text, in: scope) }
      let search = try await vectorSearch(wanted, metric, scope, filter, depth, store)
      let near = try await store.hits(search).hits
      let fused = RankFusion.fuse([try await words, near], k: k)
      let rest = fused.drop { hit in place.map { hit.place <= $0 } ?? false }
      let page = HitPage(Array(rest), limit: limit)
      let distances = Dictionary(near.map { (MemoryName(of: $0.memory), $0.place.order) }) { first, _ in first
      }
      return MemoryHits(
        hits: page.hits.map { hit in
          MemoryHit(
            memory: hit.memory, score: -hit.place.order, distance: distances[MemoryName(of: hit.memory)])
        }, next: page.isCut ? page.hits.last?.place.cursor("hybrid") : nil)
    }
  }

  private func wordHits(
    _ query: WordQuery, _ scope: MemoryScope, _ filter: MemoryFilter?, _ depth: Int, _ store: any AgentStore
  ) async throws -> [PlacedHit] {
    guard !query.isEmpty else { return [] }
    return try await store.hits(
      WordSearch(
        query: query, rank: WordRank(query), scope: scope, filter: filter, limit: depth, after: nil)
    ).hits
  }
}

/// Makes one list of several by the places in them.
enum RankFusion {
  /// The lists as one, the best first.
  static func fuse(_ lists: [[PlacedHit]], k: Int) -> [PlacedHit] {
    var fused: [MemoryName: PlacedHit] = [:]
    for list in lists {
      for (place, hit) in list.enumerated() {
        let name = MemoryName(of: hit.memory)
        var entry = fused[name] ?? hit
        let before = fused[name]?.place.order ?? 0
        entry.place.order = before - 1 / Double(k + place + 1)
        fused[name] = entry
      }
    }
    return fused.values.sorted()
  }
}

extension MemoryName {
  /// The name of a memory.
  init(of memory: Memory) { self.init(namespace: memory.namespace, key: memory.key) }
}
