// The statements that list and search memories, page by page, by what stands behind a name: never by an offset.
//
// Stored rows are chosen by SQL altogether. Of imported ones SQL finds candidates: what their value is, is not for SQL to say.

import Postgres

extension MemorySQL {
  /// The current memories of the next names, each with whether it has expired (of imported ones).
  static func list(_ query: MemoryListQuery, agent: String) -> PostgresStatement {
    let filter: PostgresStatement =
      if let filter = query.filter { "AND \(condition(filter, on: "memory"))" } else { "" }
    let limit: PostgresStatement = "ORDER BY namespace, key LIMIT \(query.limit)"
    var parts: [PostgresStatement] = []
    for range in query.scope.ranges {
      let named = names(range, query, agent: agent)
      parts.append(
        """
        (SELECT agent_id, namespace, key FROM agent_memories AS memory
         WHERE \(named) AND source_id IS NULL AND (expires_at IS NULL OR expires_at > statement_timestamp()) \(filter) \(limit))
        """)
      parts.append(
        """
        (SELECT DISTINCT agent_id, namespace, key FROM agent_memories AS memory
         WHERE \(named) AND source_id IS NOT NULL AND \(unsafeSQL: isNotStored) \(limit))
        """)
    }
    let wanted = parts.dropFirst().reduce(parts[0]) { "\($0) UNION ALL \($1)" }
    return """
      WITH wanted AS (SELECT * FROM (\(wanted)) AS wanted \(limit))
      SELECT \(unsafeSQL: PostgresMemoryRow.names(of: "memory")),
        coalesce(memory.expires_at <= statement_timestamp(), false) AS is_expired
      FROM wanted CROSS JOIN LATERAL (\(unsafeSQL: current(columns, where: isListed))) AS memory
      ORDER BY wanted.namespace, wanted.key
      """
  }

  private static let isListed =
    "agent_id = wanted.agent_id AND namespace = wanted.namespace AND key = wanted.key"

  /// Whether no stored row hides an imported one, called `memory`.
  static let isNotStored = """
    NOT EXISTS (
      SELECT FROM agent_memories AS stored
      WHERE stored.agent_id = memory.agent_id AND stored.namespace = memory.namespace AND stored.key = memory.key
        AND stored.source_id IS NULL)
    """

  /// Whether an imported row, called `memory`, is the newest of its key.
  static let isNewestImported = """
    memory.id = (
      SELECT newest.id FROM agent_memories AS newest
      WHERE newest.agent_id = memory.agent_id AND newest.namespace = memory.namespace
        AND newest.key = memory.key AND newest.source_id IS NOT NULL
      ORDER BY \(newestFirst.replacing("agent_memories.", with: "newest.")) LIMIT 1)
    """

  /// The rows of a run of namespaces, behind the query's place, whose keys begin with its prefix.
  private static func names(
    _ range: NamespaceRange, _ query: MemoryListQuery, agent: String
  ) -> PostgresStatement {
    var condition: PostgresStatement = "agent_id = \(agent) AND \(isIn(range))"
    if let after = query.after {
      condition = "\(condition) AND (namespace, key) > (\(after.namespace), \(after.key))"
    }
    guard !query.prefix.isEmpty else { return condition }
    condition = "\(condition) AND key >= \(query.prefix)"
    return query.prefix.behindPrefix.map { "\(condition) AND key < \($0)" } ?? condition
  }

  private static func isIn(_ range: NamespaceRange) -> PostgresStatement {
    switch range {
    case .all: "true"
    case .one(let name): "namespace = \(name)"
    case .from(let first, let end): "namespace >= \(first) AND namespace < \(end)"
    }
  }

  /// Whether a row's namespace is in a scope.
  static func isIn(_ scope: MemoryScope) -> PostgresStatement {
    let ranges = scope.ranges.map(isIn)
    return "(\(ranges.dropFirst().reduce(ranges[0]) { "\($0) OR \($1)" }))"
  }

  // MARK: - Searching

  /// Current memories that may hold a text, the newest first.
  static func search(_ query: MemorySearchQuery, agent: String) -> PostgresStatement {
    let time = "coalesce(updated_at, '-infinity')"
    let place: PostgresStatement =
      if let after = query.after {
        """
        AND (\(unsafeSQL: time) < \(PostgresValue.timestamptz(after.time ?? .min))
          OR \(unsafeSQL: time) = \(PostgresValue.timestamptz(after.time ?? .min))
            AND (namespace, key) > (\(after.name.namespace), \(after.name.key)))
        """
      } else { "" }
    let filter: PostgresStatement =
      if let filter = query.filter { "AND \(condition(filter, on: "memory"))" } else { "" }
    let text = query.text
    return """
      SELECT \(unsafeSQL: columns) FROM agent_memories AS memory
      WHERE agent_id = \(agent) AND \(isIn(query.scope)) \(place) AND (expires_at IS NULL OR expires_at > statement_timestamp())
        AND (
          source_id IS NULL AND (\(holds("key", text)) OR \(holds("coalesce(content #>> '{}', 'null')", text))) \(filter)
          OR source_id IS NOT NULL AND \(mayHold(text)) AND \(unsafeSQL: isNotStored)
            AND \(unsafeSQL: isNewestImported))
      ORDER BY \(unsafeSQL: time) DESC, namespace, key LIMIT \(query.limit)
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
