// What an agent remembers: listing and searching.

extension AgentOperations {
  /// The memories of a namespace whose keys begin with a prefix, in the order of the keys' bytes.
  ///
  /// - Parameters:
  ///   - limit: the most that are answered, from 1 to 10,000.
  ///   - after: `next` of the page before.
  @concurrent public func listMemories(
    namespace: String = "", prefix: String = "", limit: Int = 100, after: String? = nil
  ) async throws -> MemoryPage {
    try await list(
      MemoryListQuery(
        scope: .namespace(namespace), prefix: prefix, limit: limit,
        after: after.map { MemoryName(namespace: namespace, key: $0) }))
  }

  /// The memories of namespaces whose keys begin with a prefix and that fulfil a condition, by namespace and key in the
  /// order of their bytes.
  ///
  /// - Parameters:
  ///   - filter: nil for all.
  ///   - limit: the most that are answered, from 1 to 10,000.
  ///   - after: `cursor` of the page before.
  @concurrent public func listMemories(
    in scope: MemoryScope, prefix: String = "", where filter: MemoryFilter? = nil, limit: Int = 100,
    after: MemoryCursor? = nil
  ) async throws -> MemoryPage {
    try await list(
      MemoryListQuery(scope: scope, prefix: prefix, filter: filter, limit: limit, after: try after?.name()))
  }

  /// The same memories, one after the other; see `MemorySequence`.
  ///
  ///     for try await memory in agent.memories(in: .under("users"), where: .metadata("kind") == "note") { … }
  public func memories(
    in scope: MemoryScope, prefix: String = "", where filter: MemoryFilter? = nil, pageSize: Int = 100
  ) -> MemorySequence {
    MemorySequence { cursor in
      try await listMemories(in: scope, prefix: prefix, where: filter, limit: pageSize, after: cursor)
    }
  }

  private func list(_ query: MemoryListQuery, verb: StaticString = #function) async throws -> MemoryPage {
    try await withStore(verb: verb) { store in
      try Self.check(limit: query.limit)
      guard Self.canExist(query.scope.name ?? "", query.prefix),
        Self.canExist(query.after?.namespace ?? "", query.after?.key ?? "")
      else { return MemoryPage(memories: []) }
      // One more tells whether there is another page.
      var query = query
      query.limit += 1
      var memories = try await store.list(query)
      guard memories.count == query.limit else { return MemoryPage(memories: memories) }
      memories.removeLast()
      let last = memories.last.map { MemoryName(namespace: $0.namespace, key: $0.key) }
      return MemoryPage(
        memories: memories, next: last?.key, cursor: last.map { MemoryCursor(behind: $0) })
    }
  }

  // MARK: - Searching

  /// The memories whose key or value holds a text, the newest first. ASCII letters match in either case.
  ///
  /// Of a value that is a string, the string is searched; of any other, its JSON text.
  ///
  /// - Parameters:
  ///   - namespace: nil for all.
  ///   - limit: the most that are answered, from 1 to 10,000.
  @concurrent public func searchMemories(
    _ text: String, namespace: String? = nil, limit: Int = 10
  ) async throws -> [Memory] {
    try await withStore { store in
      try Self.check(limit: limit)
      guard Self.canExist(namespace ?? "", text) else { return [] }
      let scope = namespace.map(MemoryScope.namespace) ?? .all
      return try await store.search(MemorySearchQuery(text: text, scope: scope, limit: limit)).map(\.memory)
    }
  }

  /// The memories of namespaces whose key or value holds a text and that fulfil a condition, the newest first, page by page.
  ///
  /// - Parameters:
  ///   - filter: nil for all.
  ///   - limit: the most that are answered, from 1 to 10,000.
  ///   - after: `cursor` of the page before. A memory that was stored again since has moved to the front, and is not
  ///     answered behind it.
  @concurrent public func searchMemories(
    _ text: String, in scope: MemoryScope, where filter: MemoryFilter? = nil, limit: Int = 10,
    after: MemoryCursor? = nil
  ) async throws -> MemoryPage {
    try await withStore { store in
      try Self.check(limit: limit)
      let place = try after?.searchPlace()
      guard Self.canExist(scope.name ?? "", text) else { return MemoryPage(memories: []) }
      let query = MemorySearchQuery(text: text, scope: scope, filter: filter, limit: limit + 1, after: place)
      var found = try await store.search(query)
      guard found.count == query.limit else { return MemoryPage(memories: found.map(\.memory)) }
      found.removeLast()
      return MemoryPage(
        memories: found.map(\.memory), cursor: found.last.map { MemoryCursor(behind: $0.place) })
    }
  }

  /// The same memories, one after the other; see `MemorySequence`.
  public func memories(
    holding text: String, in scope: MemoryScope = .all, where filter: MemoryFilter? = nil, pageSize: Int = 100
  ) -> MemorySequence {
    MemorySequence { cursor in
      try await searchMemories(text, in: scope, where: filter, limit: pageSize, after: cursor)
    }
  }
}
