// An agent's memories in a SQLite file.

extension SQLiteStore {
  func store(_ draft: MemoryDraft) async throws -> Int64 {
    try await write { transaction in
      transaction.note(.memory(draft.name))
      return try transaction.memoryWriter().store(draft)
    }
  }

  func store(_ draft: MemoryDraft, expecting: MemoryExpectation) async throws -> MemoryWrite {
    try await write { transaction in
      let outcome = try transaction.memoryWriter().store(draft, expecting: expecting)
      if case .stored = outcome { transaction.note(.memory(draft.name)) }
      return outcome
    }
  }

  func store(_ drafts: [MemoryDraft]) async throws {
    try await write { transaction in
      transaction.note(drafts.map(\.name))
      let writer = try transaction.memoryWriter()
      for draft in drafts { try writer.store(draft) }
    }
  }

  func value(_ name: MemoryName, refreshing: Bool) async throws -> MemoryValue? {
    if refreshing { return try await memory(name, refreshing: true)?.value }
    return try await value(name)
  }

  func values(_ names: [MemoryName]) async throws -> [MemoryValue?] {
    try await read { transaction in
      let memories = transaction.memories
      return try names.map { try memories.value($0) }
    }
  }

  func memory(_ name: MemoryName, refreshing: Bool) async throws -> Memory? {
    let found = try await read { try $0.memories.memory(name) }
    guard refreshing, found?.timeToLive != nil else { return found }
    return try await write { transaction in
      let memories = transaction.memories
      transaction.note(.memory(name))
      try memories.refresh(name)
      return try memories.memory(name)
    }
  }

  func memories(_ names: [MemoryName]) async throws -> [Memory?] {
    try await read { transaction in
      let memories = transaction.memories
      return try names.map { try memories.memory($0) }
    }
  }

  func delete(_ names: [MemoryName], keepingHistory: Bool) async throws -> Int {
    try await write { transaction in
      transaction.note(names)
      if keepingHistory { _ = try transaction.ownTable(of: .memories) }
      let memories = transaction.memories
      return try names.count { try memories.delete($0, keepingHistory: keepingHistory) }
    }
  }

  func list(_ query: MemoryListQuery) async throws -> [Memory] {
    try await read { try $0.memories.list(query) }
  }

  func search(_ query: MemorySearchQuery) async throws -> [FoundMemory] {
    try await read { try $0.memories.search(query) }
  }

  func history(_ query: MemoryHistoryQuery) async throws -> [FoundVersion] {
    try await read { try $0.memories.history(query) }
  }

  func namespaces(_ query: MemoryNamespaceQuery) async throws -> [MemoryNamespace] {
    try await read { try $0.memories.namespaces(query) }
  }

  func sweep(batchSize: Int) async throws -> Int {
    try await write { try $0.sweep(batchSize: batchSize) }
  }
}
