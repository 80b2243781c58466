// What a key held before, and bringing it back.

extension AgentOperations {
  /// The earlier values of a key, the newest first: those that were kept since `AgentConfig.keepsHistory` is set, and legacy or
  /// imported rows that a newer one has replaced.
  ///
  /// A memory that has expired has no history; one that was deleted has, where the deletion kept it.
  ///
  /// - Parameters:
  ///   - limit: the most that are answered, from 1 to 10,000.
  ///   - after: `cursor` of the part before.
  @concurrent public func history(
    of key: String, namespace: String = "", limit: Int = 100, after: MemoryCursor? = nil
  ) async throws -> MemoryHistory {
    try await withStore(key: key) { store in
      try Self.check(limit: limit)
      let place = try after?.historyPlace()
      guard Self.canExist(namespace, key) else { return MemoryHistory(versions: []) }
      let name = MemoryName(namespace: namespace, key: key)
      var found = try await store.history(MemoryHistoryQuery(name: name, limit: limit + 1, after: place))
      guard found.count > limit else { return MemoryHistory(versions: found.map(\.version)) }
      found.removeLast()
      return MemoryHistory(
        versions: found.map(\.version), cursor: found.last.map { MemoryCursor(behind: $0.place) })
    }
  }

  /// Stores an earlier value of a key again, with its metadata and its embedding; it stays until it is replaced.
  ///
  /// - Returns: the version that it has now; the current value stays as it is, where it has this version.
  /// - Throws: `AgentBaseError` of the code `unknownVersion` where the history has no such version.
  @discardableResult
  @concurrent public func restoreMemory(_ key: String, namespace: String = "", version: Int64) async throws
    -> Int64
  {
    if try await memory(key, namespace: namespace)?.version == version { return version }
    var cursor: MemoryCursor?
    repeat {
      let part = try await history(of: key, namespace: namespace, limit: 1000, after: cursor)
      if let earlier = part.versions.first(where: { $0.version == version }) {
        // A vector of an embedding that has been changed since is none any more.
        let isFitting =
          access.config.space(of: namespace).map { $0.dimensions == earlier.embedding?.count } ?? true
        return try await storeMemory(
          key, earlier.value.json, namespace: namespace, metadata: earlier.metadata,
          embedding: isFitting ? earlier.embedding : nil)
      }
      cursor = part.cursor
    } while cursor != nil
    throw AgentBaseError(
      .unknownVersion, "there is no version \(version) of it", advice: "history(of:) lists its versions.",
      agent: id, key: key)
  }

  // MARK: - Namespaces

  /// The namespaces that hold memories, in the order of their bytes, each with how many.
  ///
  /// - Parameters:
  ///   - parent: a namespace; only itself and what nests in it is answered. `users/1` does not hold `users/10`.
  ///   - maxDepth: how deep below `parent` names go (`a/b/c` is three deep below none); deeper ones are counted with the one that
  ///     they nest in. nil for any depth.
  ///   - limit: the most that are answered, from 1 to 10,000.
  ///   - after: the last name of the part before.
  @concurrent public func namespaces(
    under parent: String? = nil, maxDepth: Int? = nil, limit: Int = 1000, after: String? = nil
  ) async throws -> [MemoryNamespace] {
    try await withStore { store in
      try Self.check(limit: limit)
      if let maxDepth, maxDepth < (parent == nil ? 1 : 0) {
        throw AgentBaseError(.invalidValue, "the depth \(maxDepth) is too small")
      }
      guard Self.canExist(parent ?? "", after ?? "") else { return [] }
      let own = parent.map { $0.utf8.count { $0 == UInt8(ascii: "/") } + 1 } ?? 0
      return try await store.namespaces(
        MemoryNamespaceQuery(
          scope: parent.map(MemoryScope.under) ?? .all, parts: maxDepth.map { $0 + own }, limit: limit,
          after: after))
    }
  }

  // MARK: - Expiry

  /// Removes the agent's expired memories with all rows of their keys, a batch at a time, until none is left.
  ///
  /// They are not answered by any verb before that either; `AgentConfig.sweepInterval` does it regularly.
  ///
  /// - Parameter batchSize: how many are removed in one transaction, from 1 to 10,000.
  /// - Returns: how many there were.
  @discardableResult
  @concurrent public func sweepExpiredMemories(batchSize: Int = 500) async throws -> Int {
    try await withStore { store in
      try Self.check(limit: batchSize)
      var count = 0
      while true {
        let swept = try await store.sweep(batchSize: batchSize)
        guard swept > 0 else { return count }
        count += swept
        try Task.checkCancellation()
      }
    }
  }
}
