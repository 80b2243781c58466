// The statements of memories in Postgres.
//
// A key has one stored row at most, and any number of imported ones. The stored row is the current one; else it is the newest of
// the imported. Each statement finds it by the two partial indexes of the table.

import Postgres

/// The SQL of memories.
enum MemorySQL {
  /// The columns of a memory, in the order in which `PostgresMemoryRow` reads them.
  static let columns = """
    namespace, key, content, metadata, embedding::real[] AS embedding, created_at, updated_at, expires_at,
    source_id IS NOT NULL AS is_imported, source_exact
    """

  /// From the newest imported row to the oldest. Equal times are told apart by the legacy rowid, then by the table's name.
  static let newestFirst = """
    updated_at DESC NULLS LAST, source_row DESC, (
      SELECT table_name FROM agent_import_sources AS source
      WHERE source.agent_id = agent_memories.agent_id AND source.source_id = agent_memories.source_id
    ) COLLATE "C" DESC, id DESC
    """

  /// The current row of a key, expired or not; the conditions are on agent, namespace and key.
  static func current(_ columns: String, where condition: PostgresStatement) -> PostgresStatement {
    """
    SELECT * FROM (
      (SELECT 0 AS place, \(unsafeSQL: columns) FROM agent_memories WHERE \(condition) AND source_id IS NULL)
      UNION ALL
      (SELECT 1 AS place, \(unsafeSQL: columns) FROM agent_memories WHERE \(condition) AND source_id IS NOT NULL
       ORDER BY \(unsafeSQL: newestFirst) LIMIT 1)
    ) AS newest ORDER BY place LIMIT 1
    """
  }

  // MARK: - One key

  /// The current value of a key: content, is_imported, source_exact.
  static func value(agent: String, namespace: String, key: String) -> PostgresStatement {
    PostgresStatement(sql: valueSQL, values: [.text(agent), .text(namespace), .text(key)])
  }

  /// Made once: to put it together anew took a fifth of the time of a read.
  private static let valueSQL: String = {
    let newest = current(
      "content, source_id IS NOT NULL AS is_imported, source_exact, expires_at",
      where: "agent_id = $1 AND namespace = $2 AND key = $3")
    return """
      SELECT content, is_imported, source_exact FROM (\(newest.sql)) AS memory
      WHERE expires_at IS NULL OR expires_at > now()
      """
  }()

  /// The current memory of a key.
  static func memory(agent: String, namespace: String, key: String) -> PostgresStatement {
    let current = current(
      columns, where: "agent_id = \(agent) AND namespace = \(namespace) AND key = \(key)")
    return """
      SELECT \(unsafeSQL: PostgresMemoryRow.names) FROM (\(current)) AS memory
      WHERE expires_at IS NULL OR expires_at > now()
      """
  }

  /// Stores a value under its key.
  static func store(_ draft: MemoryDraft, agent: String) -> PostgresStatement {
    """
    INSERT INTO agent_memories
      (id, agent_id, namespace, key, content, metadata, embedding, created_at, updated_at, expires_at, written_by)
    VALUES (\(PostgresUUID(TimeOrderedUUID.make())), \(agent), \(draft.namespace), \(draft.key),
      \(PostgresValue.jsonb(draft.valueText)), \(PostgresValue.jsonb(JSON.object(draft.metadata).jsonbText)),
      \(draft.embedding.postgresValue)::real[], now(), now(), now() + \(draft.timeToLive.postgresValue)::bigint * interval '1 microsecond',
      'agent')
    ON CONFLICT (agent_id, namespace, key) WHERE source_id IS NULL DO UPDATE SET
      content = excluded.content, metadata = excluded.metadata, embedding = excluded.embedding,
      updated_at = excluded.updated_at, expires_at = excluded.expires_at, written_by = excluded.written_by
    """
  }

  /// Removes every row of a key, and remembers which of them were imported, so that a verification knows that they are not
  /// lost. Answers whether one had not expired.
  static func delete(agent: String, namespace: String, key: String) -> PostgresStatement {
    """
    WITH gone AS (
      DELETE FROM agent_memories WHERE agent_id = \(agent) AND namespace = \(namespace) AND key = \(key)
      RETURNING agent_id, id, source_id, expires_at
    ), remembered AS (
      INSERT INTO agent_import_deletions (agent_id, id, source_id)
      SELECT agent_id, id, source_id FROM gone WHERE source_id IS NOT NULL
      ON CONFLICT (agent_id, id) DO UPDATE SET deleted_at = excluded.deleted_at
    )
    SELECT EXISTS (SELECT FROM gone WHERE expires_at IS NULL OR expires_at > now())
    """
  }

  // MARK: - Many keys

  /// The current memories of the next keys, each with whether it has expired.
  static func list(
    agent: String, namespace: String, prefix: String, after: String?, limit: Int
  ) -> PostgresStatement {
    let later: PostgresStatement = if let after { "AND key COLLATE \"C\" > \(after)" } else { "" }
    let condition: PostgresStatement = """
      agent_id = \(agent) AND namespace = \(namespace) AND key COLLATE "C" >= \(prefix)
      AND starts_with(key, \(prefix)) \(later)
      """
    let current = current(
      columns, where: "agent_id = \(agent) AND namespace = \(namespace) AND key = wanted.name")
    return """
      WITH wanted AS (
        (SELECT key COLLATE "C" AS name FROM agent_memories WHERE \(condition) AND source_id IS NULL
         ORDER BY key COLLATE "C" LIMIT \(limit))
        UNION
        (SELECT DISTINCT key COLLATE "C" FROM agent_memories WHERE \(condition) AND source_id IS NOT NULL
         ORDER BY key COLLATE "C" LIMIT \(limit))
        ORDER BY name LIMIT \(limit)
      )
      SELECT \(unsafeSQL: PostgresMemoryRow.names), coalesce(expires_at <= now(), false) AS is_expired
      FROM wanted CROSS JOIN LATERAL (\(current)) AS memory ORDER BY wanted.name
      """
  }

  /// Where a search goes on.
  struct SearchPlace {
    /// Microseconds since 1970 UTC; nil for rows without a time, which come last.
    var time: Int64?
    var namespace: String
    var key: String
  }

  /// Current memories that may hold a text, the newest first. Of imported ones, whether they do is for the caller to find out: what
  /// their value is, is not for SQL to say.
  static func search(
    _ text: String, agent: String, namespace: String?, after: SearchPlace?, limit: Int
  ) -> PostgresStatement {
    let time = "coalesce(updated_at, '-infinity')"
    let place: PostgresStatement =
      if let after {
        """
        AND (\(unsafeSQL: time) < \(PostgresValue.timestamptz(after.time ?? .min))
          OR \(unsafeSQL: time) = \(PostgresValue.timestamptz(after.time ?? .min))
            AND (namespace COLLATE "C", key COLLATE "C") > (\(after.namespace), \(after.key)))
        """
      } else { "" }
    let space: PostgresStatement = if let namespace { "AND namespace = \(namespace)" } else { "" }
    return """
      SELECT \(unsafeSQL: columns) FROM agent_memories
      WHERE agent_id = \(agent) \(space) \(place) AND (expires_at IS NULL OR expires_at > now())
        AND (
          source_id IS NULL AND (\(holds("key", text)) OR \(holds("coalesce(content #>> '{}', 'null')", text)))
          OR source_id IS NOT NULL AND \(mayHold(text))
            AND NOT EXISTS (
              SELECT FROM agent_memories AS stored
              WHERE stored.agent_id = agent_memories.agent_id AND stored.namespace = agent_memories.namespace
                AND stored.key = agent_memories.key AND stored.source_id IS NULL)
            AND id = (
              SELECT newest.id FROM agent_memories AS newest
              WHERE newest.agent_id = agent_memories.agent_id AND newest.namespace = agent_memories.namespace
                AND newest.key = agent_memories.key AND newest.source_id IS NOT NULL
              ORDER BY \(unsafeSQL: newestFirst.replacing("agent_memories.", with: "newest.")) LIMIT 1))
      ORDER BY \(unsafeSQL: time) DESC, namespace COLLATE "C", key COLLATE "C" LIMIT \(limit)
      """
  }

  /// Whether an expression holds a text. The collation C folds ASCII letters only, as SQLite does.
  private static func holds(_ expression: String, _ text: String) -> PostgresStatement {
    """
    position(lower(\(text)::text COLLATE "C") IN lower((\(unsafeSQL: expression)) COLLATE "C")) > 0
    """
  }

  /// Whether an imported row may hold a text: a coarse sieve over its JSON, which may spell the text with escapes.
  private static func mayHold(_ text: String) -> PostgresStatement {
    if text.utf8.contains(where: { $0 < 0x20 || $0 == 0x22 || $0 == 0x2F || $0 == 0x5C }) { return "true" }
    return """
      (\(holds("key", text)) OR \(holds("content::text", text)) OR position('\\u' IN content::text) > 0)
      """
  }
}
