// The statements that store a memory only where something is expected to be there. None waits, and none loses a write.

import Postgres

extension MemorySQL {
  /// Stores over the stored row of a version, and answers the new one; nothing where another is there.
  static func store(_ draft: MemoryDraft, over version: Int64, agent: String) -> PostgresStatement {
    PostgresStatement(
      sql: overVersion, values: Array(values(of: draft, agent: agent).dropFirst()) + [.int8(version)])
  }

  private static let overVersion = """
    \(update) AND version = $10::bigint AND (expires_at IS NULL OR expires_at > statement_timestamp()) RETURNING version
    """

  private static let update = """
    UPDATE agent_memories SET content = $4::jsonb, metadata = $5::jsonb,
      embedding = agentbase_vector($6::real[], $1::text, $2::text), updated_at = statement_timestamp(),
      expires_at = statement_timestamp() + $7::bigint * interval '1 microsecond', time_to_live = $7::bigint,
      version = coalesce(version, \(clock)) + 1, history_limit = $8::integer, words = $9::tsvector,
      written_by = 'agent'
    WHERE agent_id = $1::text AND namespace = $2::text AND key = $3::text AND source_id IS NULL
    """

  /// Stores where nothing is, or what is there has expired, and answers the version; nothing where a memory is there.
  static func storeAbsent(_ draft: MemoryDraft, agent: String) -> PostgresStatement {
    PostgresStatement(sql: overNothing, values: values(of: draft, agent: agent))
  }

  private static let overNothing = """
    INSERT \(target) SELECT \(row)
    WHERE NOT EXISTS (
      SELECT FROM (\(current("source_id, expires_at", where: isDraftsKey))) AS current
      WHERE source_id IS NOT NULL AND (expires_at IS NULL OR expires_at > statement_timestamp()))
    \(replacing) WHERE memory.expires_at <= statement_timestamp() RETURNING version
    """

  private static let isDraftsKey = "agent_id = $2::text AND namespace = $3::text AND key = $4::text"

  // MARK: - Rows without a version of their own

  /// A row whose version is a digest, as it was read.
  struct UncountedRow: Sendable {
    let id: PostgresUUID
    /// The transaction that wrote the row: another one, if the row has been changed.
    let writer: String
    let memory: Memory
  }

  /// The current memory of a key, its id and what wrote it.
  static func uncounted(agent: String, _ name: MemoryName) -> PostgresStatement {
    PostgresStatement(
      sql: """
        SELECT \(PostgresMemoryRow.names), id, writer FROM (
          \(current(columns + ", id, xmin::text AS writer", where: "agent_id = $1 AND namespace = $2 AND key = $3"))
        ) AS memory WHERE expires_at IS NULL OR expires_at > statement_timestamp()
        """, values: [.text(agent), .text(name.namespace), .text(name.key)])
  }

  /// Stores over such a row, and answers the version; nothing where it is not the current one any more, or has been changed.
  ///
  /// An imported row stays beside the stored one. It is held meanwhile, so that who deletes the key waits, and sees both.
  static func store(_ draft: MemoryDraft, over row: UncountedRow, agent: String) -> PostgresStatement {
    guard row.memory.isImported else {
      return PostgresStatement(
        sql: "\(update) AND version IS NULL AND id = $10 AND xmin::text = $11 RETURNING version",
        values: Array(values(of: draft, agent: agent).dropFirst()) + [.uuid(row.id), .text(row.writer)])
    }
    return PostgresStatement(
      sql: """
        WITH held AS MATERIALIZED (
          SELECT id FROM agent_memories WHERE agent_id = $2::text AND id = $11 AND xmin::text = $12 FOR UPDATE
        )
        INSERT \(target) SELECT \(self.row) FROM held
        WHERE held.id = (SELECT current.id FROM (\(current("id", where: isDraftsKey))) AS current)
        ON CONFLICT (agent_id, namespace, key) WHERE source_id IS NULL DO NOTHING RETURNING version
        """, values: values(of: draft, agent: agent) + [.uuid(row.id), .text(row.writer)])
  }
}
