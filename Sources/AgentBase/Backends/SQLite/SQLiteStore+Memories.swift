// An agent's memories in a SQLite file.

extension SQLiteStore {
  func store(_ draft: MemoryDraft) async throws -> Int64 {
    try await write { try $0.memoryWriter().store(draft) }
  }

  func store(_ drafts: [MemoryDraft]) async throws {
    try await write { transaction in
      let writer = try transaction.memoryWriter()
      for draft in drafts { try writer.store(draft) }
    }
  }

  func value(_ name: MemoryName) async throws -> MemoryValue? {
    try await read(
      briefly: { try SQLiteOwnMemories.value($0, agent: $1, name) },
      otherwise: { try $0.memories.value(name) })
  }

  func values(_ names: [MemoryName]) async throws -> [MemoryValue?] {
    try await read { transaction in
      let memories = transaction.memories
      return try names.map { try memories.value($0) }
    }
  }

  func memory(_ name: MemoryName) async throws -> Memory? {
    try await read { try $0.memories.memory(name) }
  }

  func memories(_ names: [MemoryName]) async throws -> [Memory?] {
    try await read { transaction in
      let memories = transaction.memories
      return try names.map { try memories.memory($0) }
    }
  }

  func delete(_ names: [MemoryName], keepingHistory: Bool) async throws -> Int {
    try await write { transaction in
      if keepingHistory { _ = try transaction.ownTable(of: .memories) }
      let memories = transaction.memories
      return try names.count { try memories.delete($0, keepingHistory: keepingHistory) }
    }
  }

  func list(namespace: String, prefix: String, limit: Int, after: String?) async throws -> MemoryPage {
    try await read { try $0.memories.page(namespace: namespace, prefix: prefix, limit: limit, after: after) }
  }

  func search(_ text: String, namespace: String?, limit: Int) async throws -> [Memory] {
    try await read { try $0.memories.search(text, namespace: namespace, limit: limit) }
  }
}
