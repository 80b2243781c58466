// The earlier values of an agent's memories in a SQLite file.

import SQLite

/// The earlier values within one transaction.
struct SQLiteHistory {
  let connection: SQLiteConnection
  let agent: String
  /// Whether the table is there.
  let isThere: Bool

  /// Keeps a value that is being replaced or deleted.
  func keep(_ memory: Memory, replacedAt: Timestamp) throws {
    let storedAt = memory.updatedAt.flatMap(Timestamp.init)?.text
    try connection.execute(
      """
      INSERT INTO main.agentbase_history
        (agent_id, namespace, key, version, content, metadata, embedding, stored_at, replaced_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
      """,
      key(MemoryName(namespace: memory.namespace, key: memory.key)) + [
        .integer(memory.version), .text(memory.value.json.jsonbText),
        .text(JSON.object(memory.metadata).jsonbText), memory.embedding.map(SQLiteEmbedding.value) ?? .null,
        storedAt.map(SQLiteValue.text) ?? .null, .text(replacedAt.text),
      ])
  }

  /// Removes all but the newest values of a key.
  func trim(_ name: MemoryName, to limit: Int32) throws {
    guard limit < .max else { return }
    try connection.execute(
      """
      DELETE FROM main.agentbase_history WHERE \(isKey) AND id <= (
        SELECT id FROM main.agentbase_history WHERE \(isKey) ORDER BY id DESC LIMIT 1 OFFSET ?4)
      """, key(name) + [.integer(Int64(limit))])
  }

  /// Removes all values of a key.
  func forget(_ name: MemoryName) throws {
    guard isThere else { return }
    try connection.execute("DELETE FROM main.agentbase_history WHERE \(isKey)", key(name))
  }

  private var isKey: String { "agent_id = ?1 AND namespace = ?2 AND key = ?3" }

  private func key(_ name: MemoryName) -> [SQLiteValue] {
    [.text(agent), .text(name.namespace), .text(name.key)]
  }
}
