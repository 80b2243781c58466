// Our own table of memories, without the care that legacy tables need: each call is one statement, by the key's index.

import SQLite

/// Our own table of memories, where it is the only one and its text is UTF-8: a statement finds the key's one row, exactly.
package enum SQLiteOwnMemories {
  /// Reads the value of a key, and when it expires.
  package static let valueSQL = """
    SELECT content, expires_at FROM main.agentbase_memories WHERE agent_id = ?1 AND namespace = ?2 AND key = ?3
    """

  /// Reads the version of a key's value, expired or not.
  package static let versionSQL = """
    SELECT version FROM main.agentbase_memories WHERE agent_id = ?1 AND namespace = ?2 AND key = ?3
    """

  /// Stores a memory, or replaces the one of its key. RETURNING would save the statement before it, but has SQLite make and drop a
  /// temporary table each time, which takes longer than all the rest.
  package static let storeSQL = """
    INSERT INTO main.agentbase_memories
      (agent_id, namespace, key, content, metadata, embedding, created_at, updated_at, expires_at, version, time_to_live)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8, ?9, ?10)
    ON CONFLICT (agent_id, namespace, key) DO UPDATE SET
      content = excluded.content, metadata = excluded.metadata, embedding = excluded.embedding,
      created_at = CASE WHEN expires_at <= ?7 THEN excluded.created_at ELSE created_at END,
      updated_at = max(excluded.updated_at, updated_at), expires_at = excluded.expires_at,
      version = excluded.version, time_to_live = excluded.time_to_live
    """

  /// The value of a key.
  ///
  /// - Returns: a value, or that there is none; nil where the row is not as the library writes it.
  static func value(_ connection: SQLiteConnection, agent: String, _ name: MemoryName) throws -> MemoryValue??
  {
    var statement = try connection.prepare(valueSQL)
    try statement.bind(text: agent, at: 1)
    try statement.bind(text: name.namespace, at: 2)
    try statement.bind(text: name.key, at: 3)
    guard try statement.step() else { return .some(nil) }
    guard case .text(let text) = statement.value(0) else { return nil }
    switch statement.value(1) {
    case .null: break
    case .text(let time):
      // Times of one form sort as their text does; whatever else stands there is read with more care.
      let now = Timestamp.now.text
      guard time.utf8.count == now.utf8.count else { return nil }
      if time <= now { return .some(nil) }
    default: return nil
    }
    return .some(MemoryValue(storedText: text))
  }

  /// Stores a memory without a history.
  ///
  /// - Returns: its version: one more than that of the value that it replaces, expired or not; else the clock's microseconds.
  static func store(_ connection: SQLiteConnection, agent: String, _ draft: MemoryDraft) throws -> Int64 {
    let now = Timestamp.now
    let known = try version(connection, agent: agent, draft)
    let version = known.map { $0 + 1 } ?? now.microseconds
    var statement = try connection.prepare(storeSQL)
    try statement.bind(text: agent, at: 1)
    try statement.bind(text: draft.namespace, at: 2)
    try statement.bind(text: draft.key, at: 3)
    try statement.bind(text: draft.valueText, at: 4)
    try statement.bind(text: draft.metadata.isEmpty ? "{}" : JSON.object(draft.metadata).jsonbText, at: 5)
    if let embedding = draft.embedding { try statement.bind(SQLiteEmbedding.value(embedding), at: 6) }
    try statement.bind(text: now.text, at: 7)
    if let timeToLive = draft.timeToLive {
      try statement.bind(text: Timestamp(microseconds: now.microseconds + timeToLive).text, at: 8)
      try statement.bind(integer: timeToLive, at: 10)
    }
    try statement.bind(integer: version, at: 9)
    try statement.run()
    return version
  }

  private static func version(
    _ connection: SQLiteConnection, agent: String, _ draft: MemoryDraft
  ) throws -> Int64? {
    var statement = try connection.prepare(versionSQL)
    try statement.bind(text: agent, at: 1)
    try statement.bind(text: draft.namespace, at: 2)
    try statement.bind(text: draft.key, at: 3)
    guard try statement.step(), statement.storageClass(0) == .integer else { return nil }
    return statement.integer(0)
  }
}
