// The vectors of memories: making them, changing them all, and their index.

/// How far a change of the embedding is.
public struct EmbeddingChange: Sendable {
  /// How many memories have got a new vector.
  public var changed = 0
  /// How many have a vector that cannot be made again, since their value has no text: it was removed.
  public var removed = 0
}

extension AgentOperations {
  /// Changes the vectors of memories to another embedding: other dimensions, another metric, or another embedder.
  ///
  /// From its beginning on, stores have to bring vectors of the new dimensions, and searches find the memories that have them
  /// already. All stored memories with a vector get one of their value anew, batch by batch. Where it is cut off, the same call goes
  /// on where it stopped; memories that are stored meanwhile are left as they are. Imported rows keep their vectors: they are
  /// what was imported.
  ///
  /// - Parameters:
  ///   - space: the new embedding, with an embedder. Set it in the config of agents that are opened from now on.
  ///   - namespace: the space that is changed: of this namespace and what nests in it; empty for the agent's own.
  ///   - batchSize: how many texts the embedder is given at once.
  ///   - progress: called after each batch.
  /// - Returns: what this call has changed.
  /// - Throws: `AgentBaseError` of the code `embedding` where the embedder fails, or there is none.
  @discardableResult
  @concurrent public func changeEmbedding(
    to space: EmbeddingSpace, in namespace: String = "", batchSize: Int = 100,
    progress: (@Sendable (EmbeddingChange) -> Void)? = nil
  ) async throws -> EmbeddingChange {
    try await withStore { store in
      try space.check()
      try StoredLimits.checkText(namespace, "namespace")
      try Self.check(limit: batchSize)
      guard space.embedder != nil else {
        throw AgentBaseError(
          .embedding, "a change of the embedding needs an embedder", advice: "Make the space with one.")
      }
      access.spaces.remember(nil)
      let stored = try await store.spaces()
      var state = StoredSpace(
        namespace: namespace, dimensions: space.dimensions, metric: space.metric,
        change: MemoryName(namespace: "", key: ""))
      // Where the same change was cut off, it goes on.
      if let before = stored.first(where: { $0.namespace.isExactly(namespace) }),
        before.dimensions == space.dimensions, before.metric == space.metric, let place = before.change
      {
        state.change = place
      }
      try await store.set(state)
      let inner = stored.filter { !$0.namespace.isExactly(namespace) }
      let scope: MemoryScope = namespace.isEmpty ? .all : .under(namespace)
      var change = EmbeddingChange()
      while let place = state.change {
        try Task.checkCancellation()
        let memories = try await store.embeddedMemories(
          in: scope, after: place.key.isEmpty ? nil : place, limit: batchSize)
        guard let last = memories.last else {
          state.change = nil
          break
        }
        let mine = memories.filter { memory in
          // Parts of it that are a space of their own stay as they are.
          let own = (inner + [state]).space(of: memory.namespace)
          return own?.namespace.isExactly(namespace) ?? false
        }
        let texts = mine.map { space.text(of: $0.value) }
        var vectors = try await space.embed(texts.compactMap(\.self))[...]
        var embeddings: [NewEmbedding] = []
        for (memory, text) in zip(mine, texts) {
          let vector = text == nil ? nil : vectors.popFirst()
          embeddings.append(
            NewEmbedding(name: MemoryName(of: memory), version: memory.version, vector: vector))
          if vector == nil { change.removed += 1 }
        }
        if !embeddings.isEmpty { change.changed += try await store.replace(embeddings) }
        state.change = MemoryName(of: last)
        try await store.set(state)
        progress?(change)
      }
      try await store.set(state)
      access.spaces.remember(nil)
      _ = try await store.prepareIndex(state)
      return change
    }
  }

  /// Makes the indexes of the agent's vectors, where the backend has such: for many vectors this takes minutes, while others go
  /// on reading and writing. Without them a search compares each vector.
  ///
  /// - Returns: whether all searches have an index: not where the user may not make one (the owner of the tables may), where
  ///   vectors have more than 4,000 dimensions, or in a transaction.
  @discardableResult
  @concurrent public func prepareVectorSearch() async throws -> Bool {
    try await withStore { store in
      var arePrepared = true
      for space in try await declaredSpaces(store) {
        arePrepared = try await store.prepareIndex(space) && arePrepared
      }
      return arePrepared
    }
  }

  // MARK: - Storing

  /// A memory on its way into a store, with a vector of the embedder of its space where it has none.
  func embedded(_ draft: MemoryDraft, _ store: any AgentStore) async throws -> MemoryDraft {
    guard access.config.embedding != nil || !access.config.embeddingByNamespace.isEmpty else { return draft }
    return try await embedded([draft], store).first ?? draft
  }

  /// Memories on their way into a store, those without a vector with one of the embedder of their space.
  func embedded(_ drafts: [MemoryDraft], _ store: any AgentStore) async throws -> [MemoryDraft] {
    let config = access.config
    guard config.embedding != nil || !config.embeddingByNamespace.isEmpty else { return drafts }
    var drafts = drafts
    var isEmbedding = false
    // One call of each embedder.
    var texts: [String: (space: EmbeddingSpace, places: [Int], texts: [String])] = [:]
    let spaces = config.spaces
    for (place, draft) in drafts.enumerated() {
      guard let space = config.space(of: draft.namespace) else { continue }
      if draft.embedding != nil {
        isEmbedding = true
      } else if space.embedder != nil,
        let text = space.text(of: MemoryValue(storedText: draft.valueText))
      {
        let name =
          spaces.filter { $0.namespace.isEmpty || MemoryScope.under($0.namespace).contains(draft.namespace) }
          .map(\.namespace).max { $0.utf8.count < $1.utf8.count } ?? ""
        texts[name, default: (space, [], [])].places.append(place)
        texts[name]?.texts.append(text)
      }
    }
    if isEmbedding || !texts.isEmpty { _ = try await declaredSpaces(store) }
    for (space, places, texts) in texts.values {
      for (place, vector) in zip(places, try await space.embed(texts)) { drafts[place].embedding = vector }
    }
    return drafts
  }
}
