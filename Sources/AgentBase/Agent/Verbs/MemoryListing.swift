// What an agent remembers: listing and searching.

extension AgentOperations {
  /// The memories whose keys begin with a prefix, in the order of the keys' bytes.
  ///
  /// - Parameters:
  ///   - limit: the most that are answered, from 1 to 10,000.
  ///   - after: `next` of the page before.
  public func listMemories(
    namespace: String = "", prefix: String = "", limit: Int = 100, after: String? = nil
  ) async throws -> MemoryPage {
    try await withStore { store in
      try Self.check(limit: limit)
      guard Self.canExist(namespace, prefix), Self.canExist(namespace, after ?? "") else {
        return MemoryPage(memories: [], next: nil)
      }
      return try await store.list(namespace: namespace, prefix: prefix, limit: limit, after: after)
    }
  }

  /// The memories whose key or value holds a text, the newest first. ASCII letters match in either case.
  ///
  /// Of a value that is a string, the string is searched; of any other, its JSON text.
  ///
  /// - Parameters:
  ///   - namespace: nil for all.
  ///   - limit: the most that are answered, from 1 to 10,000.
  public func searchMemories(
    _ text: String, namespace: String? = nil, limit: Int = 10
  ) async throws -> [Memory] {
    try await withStore { store in
      try Self.check(limit: limit)
      guard Self.canExist(namespace ?? "", text) else { return [] }
      return try await store.search(text, namespace: namespace, limit: limit)
    }
  }
}
