// The statements of the bare loop: what has to happen for a store and a read on our own table.

internal import Schema

enum RawSQLiteText {
  /// The tables as the library makes them.
  static var tables: String { Schema.sqlite.map(\.up).joined(separator: "\n") }

  /// Stores a memory, or replaces the one of its key.
  static let store = """
    INSERT INTO main.agentbase_memories
      (agent_id, namespace, key, content, metadata, embedding, created_at, updated_at, expires_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8)
    ON CONFLICT (agent_id, namespace, key) DO UPDATE SET
      content = excluded.content, metadata = excluded.metadata, embedding = excluded.embedding,
      updated_at = max(excluded.updated_at, updated_at), expires_at = excluded.expires_at
    """

  /// Reads the value of a key that has not expired.
  static let read = """
    SELECT content, expires_at FROM main.agentbase_memories
    WHERE agent_id = ?1 AND namespace = ?2 AND key = ?3
    """
}
