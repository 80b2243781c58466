// What an agent remembers.

extension AgentOperations {
  /// Stores a value under a key; it replaces the one that was there.
  ///
  /// - Parameters:
  ///   - key: not empty; agent id, namespace and key have 2,600 bytes together at most.
  ///   - value: any `Encodable` value, or `JSON`, which keeps every digit of its numbers.
  ///   - namespace: keeps equal keys apart.
  ///   - metadata: what else to keep with it.
  ///   - embedding: the value's vector, of 1 to 16,000 finite numbers.
  ///   - expiresIn: how long it is kept; nil for ever.
  /// - Throws: `AgentBaseError` of the code `invalidName` or `invalidValue` for what no backend could hold.
  public func storeMemory(
    _ key: String, _ value: some Encodable & Sendable, namespace: String = "", metadata: JSONObject = [:],
    embedding: [Float]? = nil, expiresIn: Duration? = nil
  ) async throws {
    try await withStore(key: key) { store in
      try StoredLimits.check(key, "key", with: id, namespace)
      try StoredLimits.checkText(namespace, "namespace")
      try StoredLimits.check(embedding: embedding)
      try JSONLimits.check(.object(metadata))
      try await store.store(
        MemoryDraft(
          namespace: namespace, key: key, valueText: try MemoryValue.storedText(of: value),
          metadata: metadata, embedding: embedding,
          timeToLive: try StoredLimits.microseconds(of: expiresIn)))
    }
  }

  /// The value of a key; nil where there is none, or it has expired.
  ///
  /// - Throws: `AgentBaseError` of the code `wrongType` where the value is not a `Type`.
  public func retrieveMemory<Value: Decodable>(
    _ key: String, as type: Value.Type = Value.self, namespace: String = ""
  ) async throws -> Value? {
    try await withStore(key: key) { store in
      guard Self.canExist(namespace, key) else { return nil }
      return try await store.value(namespace: namespace, key: key)?.decode(as: type)
    }
  }

  /// The memory of a key with its metadata, times and embedding; nil where there is none, or it has expired.
  public func memory(_ key: String, namespace: String = "") async throws -> Memory? {
    try await withStore(key: key) { store in
      guard Self.canExist(namespace, key) else { return nil }
      return try await store.memory(namespace: namespace, key: key)
    }
  }

  /// Forgets a key: the value, the ones that it replaced, and those that were imported.
  ///
  /// - Returns: whether there was a value.
  @discardableResult
  public func deleteMemory(_ key: String, namespace: String = "") async throws -> Bool {
    try await withStore(key: key) { store in
      guard Self.canExist(namespace, key) else { return false }
      return try await store.delete(namespace: namespace, key: key)
    }
  }

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

  // MARK: - Checks

  /// Whether there can be anything under this name: Postgres cannot even be asked for a NUL.
  private static func canExist(_ namespace: String, _ key: String) -> Bool {
    !namespace.utf8.contains(0) && !key.utf8.contains(0)
  }

  static func check(limit: Int) throws(AgentBaseError) {
    guard (1...10_000).contains(limit) else {
      throw AgentBaseError(.invalidValue, "the limit \(limit) is not from 1 to 10000")
    }
  }
}
