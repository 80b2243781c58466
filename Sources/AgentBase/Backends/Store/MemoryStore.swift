// What a backend does with memories. Everything that it is given has been checked.

/// The memories of one agent in one database.
protocol MemoryStore: Sendable {
  /// Stores a value under its key; it becomes the current one.
  func store(_ draft: MemoryDraft) async throws
  /// The current value of a key; nil where there is none, or it has expired.
  func value(namespace: String, key: String) async throws -> MemoryValue?
  /// The current memory of a key.
  func memory(namespace: String, key: String) async throws -> Memory?
  /// Removes every row of a key.
  ///
  /// - Returns: whether there was one that had not expired.
  func delete(namespace: String, key: String) async throws -> Bool
  /// The current memories of the keys that begin with `prefix`, in the order of their bytes, from the first after `after`.
  func list(namespace: String, prefix: String, limit: Int, after: String?) async throws -> MemoryPage
  /// The current memories whose key or value holds a text, ASCII letters in either case, the newest first.
  func search(_ text: String, namespace: String?, limit: Int) async throws -> [Memory]
}
