// An agent's memories in a SQLite file.

extension SQLiteStore {
  func store(_ draft: MemoryDraft) async throws {
    try await write { transaction in
      try SQLiteMemoryWriter(
        memories: transaction.memories, time: self.time,
        makeOwnTable: { try transaction.ownTable(of: .memories) }
      ).store(draft)
    }
  }

  func value(namespace: String, key: String) async throws -> MemoryValue? {
    try await read(briefly: {
      try SQLiteOwnMemories.value($0, $1, agent: $2, namespace: namespace, key: key)
    }) { try $0.memories.current(namespace: namespace, key: key) { $0.memoryValue($1) } }
  }

  func memory(namespace: String, key: String) async throws -> Memory? {
    try await read { transaction in
      let memories = transaction.memories
      return try memories.current(namespace: namespace, key: key) { memories.memory($0, $1) }
    }
  }

  func delete(namespace: String, key: String) async throws -> Bool {
    try await write { transaction in
      try SQLiteMemoryWriter(
        memories: transaction.memories, time: self.time,
        makeOwnTable: { try transaction.ownTable(of: .memories) }
      ).delete(namespace: namespace, key: key)
    }
  }

  func list(namespace: String, prefix: String, limit: Int, after: String?) async throws -> MemoryPage {
    try await read { try $0.memories.page(namespace: namespace, prefix: prefix, limit: limit, after: after) }
  }

  func search(_ text: String, namespace: String?, limit: Int) async throws -> [Memory] {
    try await read { try $0.memories.search(text, namespace: namespace, limit: limit) }
  }
}
