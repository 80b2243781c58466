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
  private static let isAlive = "expires_at IS NULL OR expires_at > now()"

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
      created_at = CASE WHEN memory.expires_at <= now() THEN excluded.created_at ELSE memory.created_at END,
      updated_at = excluded.updated_at, expires_at = excluded.expires_at, time_to_live = excluded.time_to_live,
      version = coalesce(memory.version, excluded.version) + 1, history_limit = excluded.history_limit,
      written_by = excluded.written_by
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
       version, history_limit, written_by)
    """

  /// Their values: those of `values(of:agent:)`, and what the server adds.
  static let row = """
    $1::uuid, $2::text, $3::text, $4::text, $5::jsonb, $6::jsonb, $7::real[], now(), now(),
    now() + $8::bigint * interval '1 microsecond', $8::bigint, \(clock), $9::integer, 'agent'
    """

  /// The parameters of a row that is stored.
  static func values(of draft: MemoryDraft, agent: String) -> [PostgresValue] {
    [
      .uuid(PostgresUUID(TimeOrderedUUID.make())), .text(agent), .text(draft.namespace), .text(draft.key),
      .jsonb(draft.valueText), .jsonb(JSON.object(draft.metadata).jsonbText), draft.embedding.postgresValue,
      draft.timeToLive.postgresValue, draft.historyLimit.postgresValue,
    ]
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
      columns, where: "agent_id = wanted.agent_id AND namespace = wanted.space AND key = wanted.name")
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
      FROM (SELECT name, \(agent)::text AS agent_id, \(namespace)::text AS space FROM wanted) AS wanted
      CROSS JOIN LATERAL (\(unsafeSQL: current)) AS memory ORDER BY wanted.name
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
