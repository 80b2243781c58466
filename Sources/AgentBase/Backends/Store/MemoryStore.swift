// What a backend does with memories. Everything that it is given has been checked.

/// The memories of one agent in one database.
protocol MemoryStore: Sendable {
  /// Stores a value under its key; it becomes the current one.
  ///
  /// - Returns: its version.
  func store(_ draft: MemoryDraft) async throws -> Int64
  /// Stores a value under its key where what is there is what is expected.
  func store(_ draft: MemoryDraft, expecting: MemoryExpectation) async throws -> MemoryWrite
  /// Stores values, all of them or none; their names are in order and differ.
  func store(_ drafts: [MemoryDraft]) async throws
  /// The current value of a key; nil where there is none, or it has expired. `refreshing` begins its life anew.
  func value(_ name: MemoryName, refreshing: Bool) async throws -> MemoryValue?
  /// The current values of keys, in their order.
  func values(_ names: [MemoryName]) async throws -> [MemoryValue?]
  /// The current memory of a key. `refreshing` begins its life anew.
  func memory(_ name: MemoryName, refreshing: Bool) async throws -> Memory?
  /// The current memories of keys, in their order.
  func memories(_ names: [MemoryName]) async throws -> [Memory?]
  /// Removes every row of keys, which are in order and differ; their history too, or what is current goes into it.
  ///
  /// - Returns: how many had a memory that had not expired.
  func delete(_ names: [MemoryName], keepingHistory: Bool) async throws -> Int
  /// The current memories of a query, by namespace and key in the order of their bytes.
  func list(_ query: MemoryListQuery) async throws -> [Memory]
  /// The current memories whose key or value holds the query's text, ASCII letters in either case, the newest first.
  func search(_ query: MemorySearchQuery) async throws -> [FoundMemory]
  /// The earlier values of a key, the newest first; none of a key that has expired.
  func history(_ query: MemoryHistoryQuery) async throws -> [FoundVersion]
  /// The namespaces of the current memories, in the order of their bytes, each with how many.
  func namespaces(_ query: MemoryNamespaceQuery) async throws -> [MemoryNamespace]
  /// Removes memories that have expired with all rows of their keys, and answers how many: 0 where none is left.
  func sweep(batchSize: Int) async throws -> Int
}
