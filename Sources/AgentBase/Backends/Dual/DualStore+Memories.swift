// An agent's memories while it is cut over.

extension DualStore {
  func store(_ draft: MemoryDraft) async throws -> Int64 { try await writing { try await $0.store(draft) } }

  func store(_ draft: MemoryDraft, expecting: MemoryExpectation) async throws -> MemoryWrite {
    try await writing { try await $0.store(draft, expecting: expecting) }
  }

  func store(_ drafts: [MemoryDraft]) async throws { try await writing { try await $0.store(drafts) } }

  func value(_ name: MemoryName, refreshing: Bool) async throws -> MemoryValue? {
    guard refreshing else {
      if try await isCompared(name) { return try await compared(name)?.value }
      return try await reading { try await $0.value(name, refreshing: false) }
    }
    return try await writing { try await $0.value(name, refreshing: true) }
  }

  func values(_ names: [MemoryName]) async throws -> [MemoryValue?] {
    try await reading { try await $0.values(names) }
  }

  func memory(_ name: MemoryName, refreshing: Bool) async throws -> Memory? {
    guard refreshing else {
      if try await isCompared(name) { return try await compared(name) }
      return try await reading { try await $0.memory(name, refreshing: false) }
    }
    return try await writing { try await $0.memory(name, refreshing: true) }
  }

  func memories(_ names: [MemoryName]) async throws -> [Memory?] {
    try await reading { try await $0.memories(names) }
  }

  func delete(_ names: [MemoryName], keepingHistory: Bool) async throws -> Int {
    try await writing { try await $0.delete(names, keepingHistory: keepingHistory) }
  }

  func list(_ query: MemoryListQuery) async throws -> [Memory] {
    try await reading { try await $0.list(query) }
  }

  func search(_ query: MemorySearchQuery) async throws -> [FoundMemory] {
    try await reading { try await $0.search(query) }
  }

  func history(_ query: MemoryHistoryQuery) async throws -> [FoundVersion] {
    try await reading { try await $0.history(query) }
  }

  func namespaces(_ query: MemoryNamespaceQuery) async throws -> [MemoryNamespace] {
    try await reading { try await $0.namespaces(query) }
  }

  func sweep(batchSize: Int) async throws -> Int {
    try await writing { try await $0.sweep(batchSize: batchSize) }
  }
}
