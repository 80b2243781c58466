// What an agent finds: by words, by vectors, and by both.

extension AgentOperations {
  /// The memories that hold words, those that fit best first.
  ///
  /// All words of the query are needed, in the key or in the value, in any order and any case: `crawl sitemap`. `"in a row"` is a
  /// phrase, `OR` stands between alternatives, `-word` must not be there, `sitem*` begins a word; everything else is
  /// punctuation. Accents do not count. In scripts without spaces, such as Chinese, any part of a text is found. A memory ranks by
  /// how often the words are there and how short it is; of equal ones the newest comes first.
  ///
  /// - Parameters:
  ///   - filter: what else has to hold.
  ///   - limit: the most that are answered, from 1 to 10,000.
  ///   - after: `next` of the page before.
  /// - Throws: `AgentBaseError` of the code `invalidValue` for a query of more than 256 words, or another search's cursor.
  @concurrent public func searchMemories(
    matching query: String, in scope: MemoryScope = .all, where filter: MemoryFilter? = nil, limit: Int = 10,
    after: MemoryCursor? = nil
  ) async throws -> MemoryHits {
    try await withStore { store in
      try Self.check(limit: limit)
      let query = try WordQuery(query)
      let place = try after.map { cursor throws(AgentBaseError) in try HitPlace(cursor, "words") }
      guard !query.isEmpty, scope.canExist else { return MemoryHits(hits: [], next: nil) }
      let page = try await store.hits(
        WordSearch(
          query: query, rank: WordRank(query), scope: scope, filter: filter, limit: limit, after: place))
      return MemoryHits(
        hits: page.hits.map { MemoryHit(memory: $0.memory, score: -$0.place.order, distance: nil) },
        next: page.isCut ? page.hits.last?.place.cursor("words") : nil)
    }
  }

  /// The memories whose embeddings are nearest to a vector.
  ///
  /// Where k memories exist that fulfil the conditions, k are found: an index that gives fewer is not the last word.
  ///
  /// - Parameters:
  ///   - metric: how vectors are compared; nil for the way of the agent's space, or by the angle where none is declared.
  ///   - filter: what else has to hold.
  ///   - limit: the most that are answered, from 1 to 10,000.
  ///   - after: `next` of the page before.
  /// - Throws: `AgentBaseError`: `wrongDimensions` where the agent's vectors have other dimensions; `invalidValue` for a vector
  ///   that is none, or of zeros where angles are compared; `missingExtension` where the server has no pgvector.
  @concurrent public func searchMemories(
    near vector: [Float], by metric: VectorMetric? = nil, in scope: MemoryScope = .all,
    where filter: MemoryFilter? = nil, limit: Int = 10, after: MemoryCursor? = nil
  ) async throws -> MemoryHits {
    try await withStore { store in
      try Self.check(limit: limit)
      let search = try await vectorSearch(vector, metric, scope, filter, limit, store)
      return try await hits(of: search, after: after, store)
    }
  }

  /// The memories whose embeddings are nearest to that of a text, which the embedder of the agent's config makes.
  ///
  /// - Throws: as the search by a vector does; `AgentBaseError` of the code `embedding` where the embedder fails.
  @concurrent public func searchMemories(
    near text: String, by metric: VectorMetric? = nil, in scope: MemoryScope = .all,
    where filter: MemoryFilter? = nil, limit: Int = 10, after: MemoryCursor? = nil
  ) async throws -> MemoryHits {
    try await withStore { store in
      try Self.check(limit: limit)
      let vector = try await vector(of: text, in: scope)
      let search = try await vectorSearch(vector, metric, scope, filter, limit, store)
      return try await hits(of: search, after: after, store)
    }
  }

  // MARK: - Vectors

  /// A search by a vector, checked against what the agent's vectors are.
  func vectorSearch(
    _ vector: [Float], _ metric: VectorMetric?, _ scope: MemoryScope, _ filter: MemoryFilter?, _ limit: Int,
    _ store: any AgentStore
  ) async throws -> VectorSearch {
    try StoredLimits.check(embedding: vector)
    let spaces = try await declaredSpaces(store).spaces(in: scope)
    if let space = spaces.first, !spaces.contains(where: { $0.dimensions == vector.count }) {
      throw AgentBaseError.wrongDimensions(space, wanted: vector.count)
    }
    let metric = metric ?? spaces.first { $0.dimensions == vector.count }?.metric ?? .cosine
    guard metric != .cosine || vector.contains(where: { $0 != 0 }) else {
      throw AgentBaseError(
        .invalidValue, "a vector of zeros has no angle to others",
        advice: "Search by .euclidean or .innerProduct, or with another vector.")
    }
    return VectorSearch(
      vector: vector, metric: metric, scope: scope, filter: filter, limit: limit, after: nil)
  }

  private func hits(
    of search: VectorSearch, after: MemoryCursor?, _ store: any AgentStore
  ) async throws -> MemoryHits {
    let kind = search.metric.rawValue
    var search = search
    search.after = try after.map { cursor throws(AgentBaseError) in try HitPlace(cursor, kind) }
    guard search.scope.canExist else { return MemoryHits(hits: [], next: nil) }
    let page = try await store.hits(search)
    return MemoryHits(
      hits: page.hits.map { hit in
        MemoryHit(
          memory: hit.memory, score: search.metric.score(ofDistance: hit.place.order),
          distance: hit.place.order)
      }, next: page.isCut ? page.hits.last?.place.cursor(kind) : nil)
  }

  /// The vector of a text that is looked for.
  func vector(of text: String, in scope: MemoryScope) async throws -> [Float] {
    let space: EmbeddingSpace? =
      switch scope {
      case .all: access.config.embedding ?? access.config.spaces.first?.space
      case .namespace(let name), .under(let name): access.config.space(of: name)
      }
    guard let space, space.embedder != nil else {
      throw AgentBaseError(
        .embedding, "there is no embedder for the text that is looked for",
        advice: "Set `embedding` of the config to a space with an embedder, or give the vector.")
    }
    let vectors = try await space.embed([text])
    return vectors.first ?? []
  }
}

extension MemoryScope {
  /// Whether there can be anything in it: Postgres cannot even be asked for a NUL.
  var canExist: Bool {
    switch self {
    case .all: true
    case .namespace(let name), .under(let name): !name.utf8.contains(0)
    }
  }
}
