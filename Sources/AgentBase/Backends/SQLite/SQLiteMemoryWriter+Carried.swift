// Memories that were stored in Postgres, on their way into a file that follows it.

import SQLite

/// What a memory has that was stored elsewhere.
struct MemoryOrigin: Sendable {
  /// Nil where it was imported there, and has none.
  var version: Int64?
  var createdAt: Timestamp?
  var expiresAt: Timestamp?
  var timeToLive: Int64?

  /// Whether a row of a legacy table says all of it: columns of whole seconds, say, do not.
  func fits(_ written: Memory?, _ draft: MemoryDraft) -> Bool {
    guard let written else { return false }
    return written.expiresAt.flatMap(Timestamp.init) == expiresAt && written.metadata == draft.metadata
      && written.embedding == draft.embedding
  }
}

extension SQLiteMemoryWriter {
  /// Makes the memory of a key what it is elsewhere: in the legacy row that it has, in a new one where it fits, else in our own
  /// table. No history is made of what it was: that is carried too.
  func put(_ memory: Memory) throws {
    var writer = self
    writer.clock = memory.updatedAt.flatMap(Timestamp.init) ?? clock
    let expiresAt = memory.expiresAt.flatMap(Timestamp.init)
    writer.origin = MemoryOrigin(
      version: memory.version > 0 ? memory.version : nil,
      createdAt: memory.createdAt.flatMap(Timestamp.init), expiresAt: expiresAt,
      timeToLive: memory.timeToLive?.wholeMicroseconds)
    let draft = MemoryDraft(
      namespace: memory.namespace, key: memory.key, valueText: memory.value.storedText,
      metadata: memory.metadata, embedding: memory.embedding,
      // For the legacy tables, which spell out when it ends.
      timeToLive: expiresAt.map { $0.microseconds - writer.clock.microseconds }, historyLimit: nil)
    // Where our own table is the only one, what is there does not matter: the row is replaced by its key.
    let isKnown = memories.catalog.soleMemories != nil && writer.origin?.version != nil
    _ = try writer.store(draft, over: isKnown ? [] : memories.rows(memory.name, withMemories: false))
  }
}
