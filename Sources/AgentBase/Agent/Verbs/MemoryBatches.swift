// What an agent remembers: many keys at once.

extension AgentOperations {
  /// Stores memories, all of them or none, in one statement; of two with one key the last one counts.
  ///
  /// - Throws: `AgentBaseError` as `storeMemory` does, with the key of the memory that cannot be stored.
  @concurrent public func storeMemories(_ items: [MemoryItem]) async throws {
    try await withStore { store in
      let drafts = try await items.concurrentMap { [self] item throws(AgentBaseError) in
        do throws(AgentBaseError) {
          return try draft(item)
        } catch {
          throw error.of(agent: id, key: item.key)
        }
      }
      if !drafts.isEmpty { try await store.store(try await embedded(drafts.settled(), store)) }
    }
  }

  /// The values of keys, in the order of the keys, in one statement; nil where there is none, or it has expired.
  ///
  /// - Throws: `AgentBaseError` of the code `wrongType`, with its key, where a value is not a `Type`.
  @concurrent public func retrieveMemories<Value: Decodable>(
    keys: [String], as type: Value.Type = Value.self, namespace: String = ""
  ) async throws -> [Value?] {
    try await withStore { store in
      let found = try await self.found(keys, namespace) { try await store.values($0) }
      var values: [Value?] = []
      values.reserveCapacity(keys.count)
      for (key, value) in zip(keys, found) {
        do throws(AgentBaseError) {
          values.append(try value?.decode(as: type))
        } catch {
          throw error.of(agent: id, key: key)
        }
      }
      return values
    }
  }

  /// The memories of keys with their metadata, times and embeddings, in the order of the keys, in one statement; nil where
  /// there is none, or it has expired.
  @concurrent public func memories(keys: [String], namespace: String = "") async throws -> [Memory?] {
    try await withStore { store in
      try await found(keys, namespace) { try await store.memories($0) }
    }
  }

  /// Forgets keys, all of them or none, in one statement; see `deleteMemory`.
  ///
  /// - Returns: how many of them had a value.
  @discardableResult
  @concurrent public func deleteMemories(
    keys: [String], namespace: String = "", keepingHistory: Bool = false
  ) async throws -> Int {
    try await withStore { store in
      let names = Set(
        keys.lazy.filter { Self.canExist(namespace, $0) }.map { MemoryName(namespace: namespace, key: $0) })
      guard !names.isEmpty else { return 0 }
      return try await store.delete(names.sorted(), keepingHistory: keepingHistory)
    }
  }

  /// What is found of keys that can exist, at the places of all.
  private func found<Value>(
    _ keys: [String], _ namespace: String, _ find: ([MemoryName]) async throws -> [Value?]
  ) async throws -> [Value?] {
    let places = keys.indices.filter { Self.canExist(namespace, keys[$0]) }
    guard !places.isEmpty else { return keys.map { _ in nil } }
    let values = try await find(places.map { MemoryName(namespace: namespace, key: keys[$0]) })
    guard places.count < keys.count else { return values }
    var all = [Value?](repeating: nil, count: keys.count)
    for (place, value) in zip(places, values) { all[place] = value }
    return all
  }
}
