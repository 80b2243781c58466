// The statements of memories in Postgres.
//
// A key has one stored row at most, and any number of imported ones. The stored row is the current one; else it is the newest of
// the imported. Each statement finds it by the two partial indexes of the table.
//
// Times are those of the statement, here and of the other kinds: now() is one for a whole transaction, so that what is stored
// in one would have no order, and a time to live would begin before its call.

import Postgres

/// The SQL of memories.
enum MemorySQL {
  /// The columns of a memory, in the order in which `PostgresMemoryRow` reads them.
  static let columns = """
    namespace, key, content, metadata, embedding::real[] AS embedding, created_at, updated_at, expires_at,
    source_id IS NOT NULL AS is_imported, source_exact, version, time_to_live
    """

  /// From the newest imported row to the oldest. Equal times are told apart by the legacy rowid, then by the table's name.
  static let newestFirst = """
    updated_at DESC NULLS LAST, source_row DESC, (
      SELECT table_name FROM agent_import_sources AS source
      WHERE source.agent_id = agent_memories.agent_id AND source.source_id = agent_memories.source_id
    ) COLLATE "C" DESC, id DESC
    """

  /// The current row of a key, expired or not; the conditions are on agent, namespace and key.
  static func current(_ columns: String, where condition: String) -> String {
    """
    SELECT * FROM (
      (SELECT 0 AS place, \(columns) FROM agent_memories WHERE \(condition) AND source_id IS NULL)
      UNION ALL
      (SELECT 1 AS place, \(columns) FROM agent_memories WHERE \(condition) AND source_id IS NOT NULL
       ORDER BY \(newestFirst) LIMIT 1)
    ) AS newest ORDER BY place LIMIT 1
    """
  }

  private static let isTheKey = "agent_id = $1 AND namespace = $2 AND key = $3"
  private static let isAlive = "expires_at IS NULL OR expires_at > statement_timestamp()"

  // MARK: - One key

  /// The current value of a key: content, is_imported, source_exact.
  static func value(agent: String, _ name: MemoryName) -> PostgresStatement {
    PostgresStatement(sql: valueSQL, values: [.text(agent), .text(name.namespace), .text(name.key)])
  }

  private static let valueSQL = """
    SELECT content, is_imported, source_exact FROM (
      \(current("content, source_id IS NOT NULL AS is_imported, source_exact, expires_at", where: isTheKey))
    ) AS memory WHERE \(isAlive)
    """

  /// The current memory of a key.
  static func memory(agent: String, _ name: MemoryName) -> PostgresStatement {
    PostgresStatement(sql: memorySQL, values: [.text(agent), .text(name.namespace), .text(name.key)])
  }

  private static let memorySQL =
    "SELECT \(PostgresMemoryRow.names) FROM (\(current(columns, where: isTheKey))) AS memory WHERE \(isAlive)"

  /// The server's clock in microseconds, which the version of a new row begins at.
  static let clock = "floor(date_part('epoch', clock_timestamp()) * 1000000)::bigint"

  /// What a store does with the row that is there. One that has expired is as good as deleted.
  static let replacing = """
    ON CONFLICT (agent_id, namespace, key) WHERE source_id IS NULL DO UPDATE SET
      content = excluded.content, metadata = excluded.metadata, embedding = excluded.embedding,
      created_at = CASE WHEN memory.expires_at <= statement_timestamp() THEN excluded.created_at ELSE memory.created_at END,
      updated_at = excluded.updated_at, expires_at = excluded.expires_at, time_to_live = excluded.time_to_live,
      version = coalesce(memory.version, excluded.version) + 1, history_limit = excluded.history_limit,
      words = excluded.words, written_by = excluded.written_by
    """

  /// Stores a value under its key, and answers its version.
  static func store(_ draft: MemoryDraft, agent: String) -> PostgresStatement {
    PostgresStatement(sql: storeSQL, values: values(of: draft, agent: agent))
  }

  private static let storeSQL = "INSERT \(target) VALUES (\(row)) \(replacing) RETURNING version"

  /// The columns of a row that is stored.
  static let target = """
    INTO agent_memories AS memory
      (id, agent_id, namespace, key, content, metadata, embedding, created_at, updated_at, expires_at, time_to_live,
       version, history_limit, words, written_by)
    """

  /// Their values: those of `values(of:agent:)`, and what the server adds.
  static let row = """
    $1::uuid, $2::text, $3::text, $4::text, $5::jsonb, $6::jsonb, agentbase_vector($7::real[], $2, $3), statement_timestamp(), statement_timestamp(),
    statement_timestamp() + $8::bigint * interval '1 microsecond', $8::bigint, \(clock), $9::integer, $10::tsvector, 'agent'
    """

  /// The parameters of a row that is stored.
  static func values(of draft: MemoryDraft, agent: String) -> [PostgresValue] {
    [
      .uuid(PostgresUUID.timeOrdered()), .text(agent), .text(draft.namespace), .text(draft.key),
      .jsonb(draft.valueText), .jsonb(draft.metadataText), draft.embedding.postgresValue,
      draft.timeToLive.postgresValue, draft.historyLimit.postgresValue,
      TextSearchVector.value(draft.words, agent: agent),
    ]
  }
}
