// Searching an agent's memories in a SQLite file.

extension SQLiteStore {
  func hits(_ search: WordSearch) async throws -> HitPage {
    let (page, areUnread) = try await read { try $0.memories.hits(search) }
    // So that the next search need not read them. It does not fail since the file may only be read.
    if areUnread, transaction == nil {
      while (try? await write { try $0.memories.readWords() }) == true {}
    }
    return page
  }

  func hits(_ search: VectorSearch) async throws -> HitPage {
    try await read { try $0.memories.hits(search) }
  }

  func spaces() async throws -> [StoredSpace] { try await read { try $0.memories.spaces() } }

  func declare(_ spaces: [StoredSpace]) async throws -> [StoredSpace] {
    try await write { transaction in
      _ = try transaction.ownTable(of: .memories)
      for space in spaces {
        transaction.note(.space(space.namespace))
        try transaction.memories.write(space, isReplacing: false)
      }
      return try transaction.memories.spaces()
    }
  }

  func set(_ space: StoredSpace) async throws {
    try await write { transaction in
      _ = try transaction.ownTable(of: .memories)
      transaction.note(.space(space.namespace))
      try transaction.memories.write(space, isReplacing: true)
    }
  }

  /// There is none: each vector is compared.
  func prepareIndex(_ space: StoredSpace) async throws -> Bool { true }

  func embeddedMemories(in scope: MemoryScope, after: MemoryName?, limit: Int) async throws -> [Memory] {
    try await read { try $0.memories.embedded(in: scope, after: after, limit: limit) }
  }

  func replace(_ embeddings: [NewEmbedding]) async throws -> Int {
    try await write { transaction in
      transaction.note(embeddings.map(\.name))
      return try transaction.memories.replace(embeddings)
    }
  }
}
