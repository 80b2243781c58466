// The statements of searches by words in Postgres.

import Postgres

/// The SQL of searches.
enum SearchSQL {
  static let isAlive = "(expires_at IS NULL OR expires_at > statement_timestamp())"

  /// Whether an imported row of `agent_memories` is the current one of its key.
  static let isCurrentImported = """
    NOT EXISTS (
      SELECT FROM agent_memories AS stored
      WHERE stored.agent_id = agent_memories.agent_id AND stored.namespace = agent_memories.namespace
        AND stored.key = agent_memories.key AND stored.source_id IS NULL)
    AND id = (
      SELECT newest.id FROM agent_memories AS newest
      WHERE newest.agent_id = agent_memories.agent_id AND newest.namespace = agent_memories.namespace
        AND newest.key = agent_memories.key AND newest.source_id IS NOT NULL
      ORDER BY \(MemorySQL.newestFirst.replacing("agent_memories.", with: "newest.")) LIMIT 1)
    """

  /// The condition of a scope, behind others.
  static func scope(_ scope: MemoryScope) -> PostgresStatement {
    switch scope {
    case .all: return ""
    case .namespace(let name): return "AND namespace = \(name)"
    case .under(let name):
      if name.isEmpty { return "AND namespace = ''" }
      return "AND (namespace = \(name) OR starts_with(namespace, \(name + "/")))"
    }
  }

  /// The condition of a filter on stored rows, behind others. Of imported ones Swift alone knows the value.
  static func filter(_ filter: MemoryFilter?, orImported: Bool = false) -> PostgresStatement {
    guard let filter else { return "" }
    let condition = MemorySQL.condition(filter, on: "agent_memories")
    return orImported ? "AND (source_id IS NOT NULL OR \(condition))" : "AND \(condition)"
  }

  /// The condition of being behind a place, behind others. `order` is an expression of which less is better.
  static func after(_ place: HitPlace?, order: String, value: PostgresValue?) -> PostgresStatement {
    guard let place, let value else { return "" }
    let time = PostgresValue.timestamptz(place.time ?? .min)
    return """
      AND (\(unsafeSQL: order) > \(value) OR \(unsafeSQL: order) = \(value) AND (\(unsafeSQL: Self.time) < \(time)
        OR \(unsafeSQL: Self.time) = \(time) AND (namespace, key) > (\(place.namespace), \(place.key))))
      """
  }

  /// The time that hits are ordered by.
  static let time = "coalesce(updated_at, '-infinity')"

  /// The stored memories that fulfil a query by words, the best first; beside each, how it ranks, and whether the agent has
  /// imported rows and stored ones without words. Where there is no hit, one row tells the latter.
  static func words(_ search: WordSearch, after: HitPlace?, limit: Int, agent: String) -> PostgresStatement {
    """
    SELECT \(unsafeSQL: PostgresMemoryRow.names(of: "hit")), hit.rank, others.are_imported, others.are_unread
    FROM (
      SELECT EXISTS (SELECT FROM agent_memories WHERE agent_id = \(agent) AND source_id IS NOT NULL) AS are_imported,
        EXISTS (SELECT FROM agent_memories WHERE agent_id = \(agent) AND words IS NULL AND source_id IS NULL) AS are_unread
    ) AS others
    LEFT JOIN (
      SELECT * FROM (
        SELECT \(unsafeSQL: MemorySQL.columns), -ts_rank(words, \(search.rank.tsquery)::text::tsquery, 1) AS rank
        FROM agent_memories
        WHERE agent_id = \(agent) AND source_id IS NULL
          AND words @@ \(search.query.tsquery(of: TextSearchVector.owner(agent)))::text::tsquery
          AND \(unsafeSQL: isAlive) \(scope(search.scope)) \(filter(search.filter))
      ) AS found
      WHERE true \(Self.after(after, order: "rank", value: after.map { .float4(Float($0.order)) }))
      ORDER BY rank, \(unsafeSQL: time) DESC, namespace, key LIMIT \(limit)
    ) AS hit ON true
    ORDER BY hit.rank, coalesce(hit.updated_at, '-infinity') DESC, hit.namespace, hit.key
    """
  }

  /// Current rows without words, by their names, with their ids.
  ///
  /// - Parameter isImported: whether of the imported ones, else of the stored ones.
  static func unread(
    _ search: WordSearch, isImported: Bool, after: MemoryName?, limit: Int, agent: String
  ) -> PostgresStatement {
    let later: PostgresStatement =
      if let after { "AND (namespace, key) > (\(after.namespace), \(after.key))" } else { "" }
    let rows: PostgresStatement =
      isImported
      ? "source_id IS NOT NULL \(mayHold(search.query)) AND \(unsafeSQL: isCurrentImported)"
      : "source_id IS NULL AND words IS NULL"
    return """
      SELECT \(unsafeSQL: MemorySQL.columns), id FROM agent_memories
      WHERE agent_id = \(agent) AND \(unsafeSQL: isAlive) \(scope(search.scope)) \(later) AND \(rows)
      ORDER BY namespace, key LIMIT \(limit)
      """
  }

  /// A coarse sieve over imported rows: a text of ASCII has to spell a word of the query. What holds other characters, or
  /// values that JSON cannot spell, is let through.
  private static func mayHold(_ query: WordQuery) -> PostgresStatement {
    guard let needed = query.asciiSieve else { return "" }
    var condition: PostgresStatement = """
      AND (source_exact IS NOT NULL OR octet_length(key) > length(key)
        OR octet_length(content::text) > length(content::text)
      """
    for word in needed {
      condition = """
        \(condition) OR position(\(word) IN lower(key COLLATE "C")) > 0
          OR position(\(word) IN lower(content::text COLLATE "C")) > 0
        """
    }
    return "\(condition))"
  }

  /// Puts words to stored rows that have none, those that others hold left out.
  static func read(_ rows: [(id: PostgresUUID, words: MemoryWords)], agent: String) -> PostgresStatement {
    """
    WITH unread AS MATERIALIZED (
      SELECT id FROM agent_memories WHERE agent_id = \(agent) AND id = ANY (\(rows.map(\.id))) AND words IS NULL
      FOR UPDATE SKIP LOCKED
    )
    UPDATE agent_memories AS memory SET words = new.words
    FROM unnest(\(rows.map(\.id)), \(TextSearchVector.array(of: rows.map { (agent, $0.words) }))) AS new (id, words) JOIN unread USING (id)
    WHERE memory.agent_id = \(agent) AND memory.id = new.id AND memory.words IS NULL
    """
  }
}
