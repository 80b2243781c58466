// The statements of memories that live for a time.

import Postgres

extension MemorySQL {
  // MARK: - Refreshing

  /// The current value of a key, whose life begins anew.
  static func refreshedValue(agent: String, _ name: MemoryName) -> PostgresStatement {
    PostgresStatement(sql: refreshedValueSQL, values: [.text(agent), .text(name.namespace), .text(name.key)])
  }

  /// The current memory of a key, whose life begins anew.
  static func refreshedMemory(agent: String, _ name: MemoryName) -> PostgresStatement {
    PostgresStatement(
      sql: refreshedMemorySQL, values: [.text(agent), .text(name.namespace), .text(name.key)])
  }

  private static let refreshedValueSQL = refreshed(
    "content, is_imported, source_exact",
    current: "content, source_id IS NOT NULL AS is_imported, source_exact, expires_at")
  private static let refreshedMemorySQL = refreshed(
    PostgresMemoryRow.names.replacing(
      "expires_at", with: "coalesce((SELECT expires_at FROM refreshed), expires_at) AS expires_at"),
    current: columns)

  private static func refreshed(_ names: String, current columns: String) -> String {
    """
    WITH refreshed AS (
      UPDATE agent_memories SET expires_at = statement_timestamp() + time_to_live * interval '1 microsecond'
      WHERE agent_id = $1 AND namespace = $2 AND key = $3 AND source_id IS NULL AND expires_at > statement_timestamp()
        AND time_to_live IS NOT NULL
      RETURNING expires_at
    )
    SELECT \(names) FROM (\(current(columns, where: "agent_id = $1 AND namespace = $2 AND key = $3"))) AS memory
    WHERE expires_at IS NULL OR expires_at > statement_timestamp()
    """
  }

  // MARK: - Sweeping

  /// Removes keys that have expired, with all their rows and their history, and answers how many: of an agent, or of all.
  ///
  /// What another process is sweeping is left to it. Imported rows are remembered, as with a deletion.
  static func sweep(agent: String?, batchSize: Int) -> PostgresStatement {
    // Of an agent whose SQLite file decides nobody else may remove anything.
    let owner: PostgresStatement =
      if let agent { "agent_id = \(agent)" } else {
        """
        NOT EXISTS (SELECT FROM agent_cutover AS fence WHERE fence.agent_id = memory.agent_id
          AND fence.phase NOT IN ('postgres-primary', 'postgres-only'))
        """
      }
    return """
      WITH expired AS MATERIALIZED (
        SELECT agent_id, namespace, key FROM agent_memories AS memory
        WHERE \(owner) AND expires_at <= statement_timestamp() AND (
          source_id IS NULL OR \(unsafeSQL: isNotStored) AND \(unsafeSQL: isNewestImported))
        ORDER BY expires_at LIMIT \(batchSize) FOR UPDATE SKIP LOCKED
      ), gone AS (
        DELETE FROM agent_memories AS memory USING expired
        WHERE memory.agent_id = expired.agent_id AND memory.namespace = expired.namespace AND memory.key = expired.key
          AND (memory.source_id IS NOT NULL OR memory.expires_at <= statement_timestamp())
        RETURNING memory.agent_id, memory.id, memory.source_id
      ), forgotten AS (
        DELETE FROM agent_memory_history AS history USING expired
        WHERE history.agent_id = expired.agent_id AND history.namespace = expired.namespace
          AND history.key = expired.key
        RETURNING history.*
      ), \(unsafeSQL: remembered)
      SELECT count(*) FROM expired
      """
  }
}
