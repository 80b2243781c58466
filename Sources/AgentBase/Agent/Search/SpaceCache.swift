// What an agent knows of its spaces of vectors: the config's, and the database's, which decide.

import Synchronization

/// The spaces that the database told of, for a while: another process may change them.
final class SpaceCache: Sendable {
  private let known = Mutex<(spaces: [StoredSpace], readAt: ContinuousClock.Instant)?>(nil)

  /// The spaces, where they were read not long ago.
  var spaces: [StoredSpace]? {
    known.withLock { known in
      guard let known, ContinuousClock.now - known.readAt < .seconds(5) else { return nil }
      return known.spaces
    }
  }

  /// Remembers what was read; nil to read again.
  func remember(_ spaces: [StoredSpace]?) { known.withLock { $0 = spaces.map { ($0, .now) } } }
}

extension AgentConfig {
  /// The spaces of the config, by namespace; the empty one is the agent's own.
  var spaces: [(namespace: String, space: EmbeddingSpace)] {
    (embedding.map { [(namespace: "", space: $0)] } ?? [])
      + embeddingByNamespace.filter { !$0.key.isEmpty }.sorted { $0.key < $1.key }.map {
        (namespace: $0.key, space: $0.value)
      }
  }

  /// The space that a namespace's memories are in: the innermost one.
  func space(of namespace: String) -> EmbeddingSpace? {
    embeddingByNamespace.filter { !$0.key.isEmpty && MemoryScope.under($0.key).contains(namespace) }
      .max { $0.key.utf8.count < $1.key.utf8.count }?.value ?? embedding
  }
}

extension AgentOperations {
  /// The spaces of the agent in the database; those of the config are declared there where they are not.
  ///
  /// - Throws: `AgentBaseError` of the code `wrongDimensions` where the database's differ from the config's.
  func declaredSpaces(_ store: any AgentStore) async throws -> [StoredSpace] {
    if let spaces = access.spaces.spaces { return spaces }
    let wanted = access.config.spaces
    var stored = try await store.spaces()
    let missing = wanted.filter { wanted in !stored.contains { $0.namespace.isExactly(wanted.namespace) } }
    if !missing.isEmpty {
      for (_, space) in missing { try space.check() }
      stored = try await store.declare(
        missing.map {
          StoredSpace(namespace: $0.namespace, dimensions: $0.space.dimensions, metric: $0.space.metric)
        })
    }
    for (namespace, space) in wanted {
      guard let known = stored.first(where: { $0.namespace.isExactly(namespace) }) else { continue }
      guard known.dimensions == space.dimensions else {
        throw AgentBaseError.wrongDimensions(known, wanted: space.dimensions)
      }
    }
    access.spaces.remember(stored)
    return stored
  }
}

extension AgentBaseError {
  /// A vector, or a config, of other dimensions than a space has.
  static func wrongDimensions(_ space: StoredSpace, wanted: Int) -> AgentBaseError {
    let place =
      space.namespace.isEmpty ? "the agent's vectors" : "the vectors of the namespace \"\(space.namespace)\""
    return AgentBaseError(
      .wrongDimensions, "\(place) have \(space.dimensions) dimensions, not \(wanted)",
      advice: "Use the embedder that made them, or change them all with changeEmbedding(to:).")
  }
}
