// What an agent remembers: one key.

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
  /// - Returns: the version of the value; see `Memory.version`.
  /// - Throws: `AgentBaseError` of the code `invalidName` or `invalidValue` for what no backend could hold.
  @discardableResult
  @concurrent public func storeMemory(
    _ key: String, _ value: some Encodable & Sendable, namespace: String = "", metadata: JSONObject = [:],
    embedding: [Float]? = nil, expiresIn: Duration? = nil
  ) async throws -> Int64 {
    try await withStore(key: key) { store in
      let draft = try draft(
        MemoryItem(
          key, value, namespace: namespace, metadata: metadata, embedding: embedding, expiresIn: expiresIn))
      return try await store.store(try await embedded(draft, store))
    }
  }

  /// The value of a key; nil where there is none, or it has expired.
  ///
  /// - Parameter refreshing: whether its time to live begins anew, where it has one.
  /// - Throws: `AgentBaseError` of the code `wrongType` where the value is not a `Type`.
  @concurrent public func retrieveMemory<Value: Decodable>(
    _ key: String, as type: Value.Type = Value.self, namespace: String = "",
    refreshing: Bool = false
  ) async throws -> Value? {
    try await withStore(key: key) { store in
      guard Self.canExist(namespace, key) else { return nil }
      let name = MemoryName(namespace: namespace, key: key)
      return try await store.value(name, refreshing: refreshing)?.decode(as: type)
    }
  }

  /// The memory of a key with its metadata, times and embedding; nil where there is none, or it has expired.
  ///
  /// - Parameter refreshing: whether its time to live begins anew, where it has one.
  @concurrent public func memory(
    _ key: String, namespace: String = "", refreshing: Bool = false
  ) async throws -> Memory? {
    try await withStore(key: key) { store in
      guard Self.canExist(namespace, key) else { return nil }
      return try await store.memory(
        MemoryName(namespace: namespace, key: key), refreshing: refreshing)
    }
  }

  /// Forgets a key: the value, the ones that it replaced, and those that were imported.
  ///
  /// - Parameter keepingHistory: whether the value and the ones before it stay in the history, to be listed and restored.
  /// - Returns: whether there was a value.
  @discardableResult
  @concurrent public func deleteMemory(
    _ key: String, namespace: String = "", keepingHistory: Bool = false
  ) async throws -> Bool {
    try await withStore(key: key) { store in
      guard Self.canExist(namespace, key) else { return false }
      let name = MemoryName(namespace: namespace, key: key)
      return try await store.delete([name], keepingHistory: keepingHistory) > 0
    }
  }

  // MARK: - Checks

  /// A memory that can be stored.
  func draft(_ item: MemoryItem) throws(AgentBaseError) -> MemoryDraft {
    try StoredLimits.check(item.key, "key", with: id, item.namespace)
    try StoredLimits.checkText(item.namespace, "namespace")
    try StoredLimits.check(embedding: item.embedding)
    try JSONLimits.check(.object(item.metadata))
    return MemoryDraft(
      namespace: item.namespace, key: item.key, valueText: try MemoryValue.storedText(of: item.value),
      metadata: item.metadata, embedding: item.embedding,
      timeToLive: try StoredLimits.microseconds(of: item.expiresIn),
      historyLimit: access.config.storedHistoryLimit)
  }

  /// Whether there can be anything under this name: Postgres cannot even be asked for a NUL.
  static func canExist(_ namespace: String, _ key: String) -> Bool {
    !namespace.utf8.contains(0) && !key.utf8.contains(0)
  }

  static func check(limit: Int) throws(AgentBaseError) {
    guard (1...10_000).contains(limit) else {
      throw AgentBaseError(.invalidValue, "the limit \(limit) is not from 1 to 10000")
    }
  }
}
