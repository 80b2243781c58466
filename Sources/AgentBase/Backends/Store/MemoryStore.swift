// What a backend does with memories. Everything that it is given has been checked.

/// The memories of one agent in one database.
protocol MemoryStore: Sendable {
  /// Stores a value under its key; it becomes the current one.
  ///
  /// - Returns: its version.
  func store(_ draft: MemoryDraft) async throws -> Int64
  /// Stores values, all of them or none; their names are in order and differ.
  func store(_ drafts: [MemoryDraft]) async throws
  /// The current value of a key; nil where there is none, or it has expired.
  func value(_ name: MemoryName) async throws -> MemoryValue?
  /// The current values of keys, in their order.
  func values(_ names: [MemoryName]) async throws -> [MemoryValue?]
  /// The current memory of a key.
  func memory(_ name: MemoryName) async throws -> Memory?
  /// The current memories of keys, in their order.
  func memories(_ names: [MemoryName]) async throws -> [Memory?]
  /// Removes every row of keys, which are in order and differ; their history too, or what is current goes into it.
  ///
  /// - Returns: how many had a row that had not expired.
  func delete(_ names: [MemoryName], keepingHistory: Bool) async throws -> Int
  /// The current memories of the keys that begin with `prefix`, in the order of their bytes, from the first after `after`.
  func list(namespace: String, prefix: String, limit: Int, after: String?) async throws -> MemoryPage
  /// The current memories whose key or value holds a text, ASCII letters in either case, the newest first.
  func search(_ text: String, namespace: String?, limit: Int) async throws -> [Memory]
}
