// The statements of vectors in Postgres: searches with pgvector, its indexes, and the spaces of agents.

import Postgres

/// The index of vectors of one length for one metric, over all agents.
struct VectorIndex: Sendable, Hashable {
  var dimensions: Int
  var metric: VectorMetric

  /// The types that have an index: `vector` up to 2,000 dimensions, and half its precision up to 4,000. None goes further.
  var type: String? { dimensions <= 2000 ? "vector" : dimensions <= 4000 ? "halfvec" : nil }

  /// What it is called.
  var name: String { "agent_memories_hnsw_\(dimensions)_\(metric.rawValue.lowercased())" }

  /// The operator that measures the distance.
  var measure: String {
    switch metric {
    case .cosine: "<=>"
    case .innerProduct: "<#>"
    case .euclidean: "<->"
    }
  }

  private var operatorClass: String {
    switch metric {
    case .cosine: "cosine_ops"
    case .innerProduct: "ip_ops"
    case .euclidean: "l2_ops"
    }
  }

  /// What makes it, while others go on writing. Nil where there is none for so many dimensions.
  ///
  /// It is built more carefully than pgvector's own default has it: how broad a search has to be is measured behind it.
  var definition: String? {
    type.map { type in
      """
      CREATE INDEX CONCURRENTLY IF NOT EXISTS \(name) ON agent_memories
        USING hnsw ((embedding::\(type)(\(dimensions))) \(type)_\(operatorClass)) WITH (m = 16, ef_construction = 128)
        WHERE vector_dims(embedding) = \(dimensions)
      """
    }
  }

  /// How many candidates a search keeps (`hnsw.ef_search`) where nobody has measured how many it takes.
  static let breadth = 200
  /// The numbers that are tried, from the quickest.
  static let breadths = [100, 200, 400, 800]
}

/// The SQL of vectors.
enum VectorSQL {
  /// Whether a row is the current one of its key.
  private static let isCurrent = "(source_id IS NULL OR (\(SearchSQL.isCurrentImported)))"

  /// The nearest memories by the index, as far as it gives any; beside each, its distance.
  ///
  /// One statement: the settings hold for its transaction, and the rows are looked for when these are made.
  static func nearest(
    _ search: VectorSearch, by index: VectorIndex, type: String, breadth: Int, after: HitPlace?, limit: Int,
    agent: String
  ) -> PostgresStatement {
    let dimensions = search.vector.count
    let measured = "embedding::\(type)(\(dimensions)) \(index.measure) setting.wanted::\(type)(\(dimensions))"
    // Half the precision gives the right ones among more, not their order; and where a filter leaves most out, the index goes on
    // behind its first candidates in a coarser order.
    let width = type == "vector" && search.filter == nil ? limit : 4 * limit
    let order = "embedding::vector(\(dimensions)) \(index.measure) setting.wanted"
    return """
      WITH setting AS MATERIALIZED (
        SELECT \(search.vector)::real[]::vector(\(unsafeSQL: "\(dimensions)")) AS wanted,
          set_config('hnsw.ef_search', '\(unsafeSQL: "\(breadth)")', true),
          set_config('hnsw.iterative_scan', 'strict_order', true)
      )
      SELECT \(unsafeSQL: PostgresMemoryRow.names(of: "hit")), hit.distance
      FROM setting CROSS JOIN LATERAL (
        SELECT \(unsafeSQL: MemorySQL.columns), \(unsafeSQL: order) AS distance
        FROM agent_memories
        WHERE agent_id = \(agent) AND vector_dims(embedding) = \(unsafeSQL: "\(dimensions)")
          AND \(unsafeSQL: SearchSQL.isAlive) AND \(unsafeSQL: isCurrent) \(SearchSQL.scope(search.scope))
          \(SearchSQL.filter(search.filter, orImported: true))
          \(SearchSQL.after(after, order: "(\(order))", value: after.map { .float8($0.order) }))
        ORDER BY \(unsafeSQL: measured) LIMIT \(width)
      ) AS hit
      """
  }

  /// The nearest memories, each of the agent's compared; beside each, its distance.
  static func exact(
    _ search: VectorSearch, by index: VectorIndex, after: HitPlace?, limit: Int, agent: String
  ) -> PostgresStatement {
    let dimensions = search.vector.count
    // In a CASE, so that no vector of another length is measured, and no index answers what it has.
    let distance =
      "CASE WHEN vector_dims(embedding) = \(dimensions) THEN embedding \(index.measure) setting.wanted END"
    return """
      WITH setting AS MATERIALIZED (
        SELECT \(search.vector)::real[]::vector(\(unsafeSQL: "\(dimensions)")) AS wanted
      )
      SELECT \(unsafeSQL: PostgresMemoryRow.names(of: "hit")), hit.distance
      FROM setting CROSS JOIN LATERAL (
        SELECT \(unsafeSQL: MemorySQL.columns), \(unsafeSQL: distance) AS distance
        FROM agent_memories
        WHERE agent_id = \(agent) AND embedding IS NOT NULL AND vector_dims(embedding) = \(unsafeSQL: "\(dimensions)")
          AND \(unsafeSQL: SearchSQL.isAlive) AND \(unsafeSQL: isCurrent) \(SearchSQL.scope(search.scope))
          \(SearchSQL.filter(search.filter, orImported: true))
          \(SearchSQL.after(after, order: "(\(distance))", value: after.map { .float8($0.order) }))
        ORDER BY \(unsafeSQL: distance), \(unsafeSQL: SearchSQL.time) DESC, namespace, key LIMIT \(limit)
      ) AS hit
      """
  }

  // MARK: - What there is

  /// The type of the column of embeddings, and of the indexes that can be used: their names, and what was noted of them.
  static let state: PostgresStatement = """
    SELECT (
        SELECT typname::text FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid
        WHERE attrelid = 'agent_memories'::regclass AND attname = 'embedding'
      ), ARRAY(
        SELECT relname || ' ' || coalesce(obj_description(indexrelid, 'pg_class'), '')
        FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
        WHERE indrelid = 'agent_memories'::regclass AND indisvalid AND relname LIKE 'agent\\_memories\\_hnsw\\_%')
    """

  /// How many vectors an agent has in a scope, counted up to a limit, and about how many memories all agents have.
  static func count(in scope: MemoryScope, limit: Int, agent: String) -> PostgresStatement {
    """
    SELECT (
        SELECT count(*) FROM (
          SELECT FROM agent_memories WHERE agent_id = \(agent) AND embedding IS NOT NULL \(SearchSQL.scope(scope))
          LIMIT \(limit)
        ) AS counted
      ), (SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = 'agent_memories'::regclass)
    """
  }

  // MARK: - Measuring

  /// Some vectors of an index.
  static func samples(for index: VectorIndex, rows: Int) -> PostgresStatement {
    let share = min(100, 100 * 60 / Double(max(rows, 1)))
    return """
      SELECT embedding::real[] FROM agent_memories TABLESAMPLE BERNOULLI (\(unsafeSQL: "\(share)"))
      WHERE vector_dims(embedding) = \(unsafeSQL: "\(index.dimensions)") LIMIT 24
      """
  }

  /// The distances of the eleven nearest vectors of all agents, by the index where there is a breadth.
  static func measure(_ index: VectorIndex, breadth: Int?) -> ([Float]) -> PostgresStatement {
    let (size, type) = (index.dimensions, index.type ?? "vector")
    let order =
      breadth == nil
      ? "CASE WHEN vector_dims(embedding) = \(size) THEN embedding \(index.measure) setting.wanted END"
      : "embedding::\(type)(\(size)) \(index.measure) setting.wanted::\(type)(\(size))"
    return { vector in
      """
      WITH setting AS MATERIALIZED (
        SELECT \(vector)::real[]::vector(\(unsafeSQL: "\(size)")) AS wanted,
          set_config('hnsw.ef_search', '\(unsafeSQL: "\(breadth ?? 40)")', true)
      )
      SELECT ARRAY(
        SELECT distance FROM (
          SELECT embedding::vector(\(unsafeSQL: "\(size)")) \(unsafeSQL: index.measure) setting.wanted AS distance
          FROM agent_memories WHERE vector_dims(embedding) = \(unsafeSQL: "\(size)")
          ORDER BY \(unsafeSQL: order) LIMIT 11
        ) AS found WHERE distance <> 'NaN' ORDER BY distance
      ) FROM setting
      """
    }
  }

  // MARK: - Spaces

  static func spaces(agent: String) -> PostgresStatement {
    """
    SELECT namespace, dimensions, metric, changed_namespace, changed_key FROM agent_vector_spaces
    WHERE agent_id = \(agent) ORDER BY namespace
    """
  }

  static func declare(_ space: StoredSpace, agent: String) -> PostgresStatement {
    """
    INSERT INTO agent_vector_spaces (agent_id, namespace, dimensions, metric)
    VALUES (\(agent), \(space.namespace), \(Int32(space.dimensions)), \(space.metric.rawValue))
    ON CONFLICT (agent_id, namespace) DO NOTHING
    """
  }

  static func set(_ space: StoredSpace, agent: String) -> PostgresStatement {
    """
    INSERT INTO agent_vector_spaces (agent_id, namespace, dimensions, metric, changed_namespace, changed_key)
    VALUES (\(agent), \(space.namespace), \(Int32(space.dimensions)), \(space.metric.rawValue),
      \(space.change?.namespace), \(space.change?.key))
    ON CONFLICT (agent_id, namespace) DO UPDATE SET
      dimensions = excluded.dimensions, metric = excluded.metric, changed_namespace = excluded.changed_namespace,
      changed_key = excluded.changed_key, updated_at = statement_timestamp()
    """
  }

  /// Stored memories with a vector, by their names.
  static func embedded(in scope: MemoryScope, after: MemoryName?, limit: Int, agent: String)
    -> PostgresStatement
  {
    let later: PostgresStatement =
      if let after { "AND (namespace, key) > (\(after.namespace), \(after.key))" } else { "" }
    return """
      SELECT \(unsafeSQL: MemorySQL.columns) FROM agent_memories
      WHERE agent_id = \(agent) AND source_id IS NULL AND embedding IS NOT NULL \(SearchSQL.scope(scope)) \(later)
      ORDER BY namespace, key LIMIT \(limit)
      """
  }

  /// Replaces vectors of the values that they were made of.
  static func replace(_ embeddings: [NewEmbedding], agent: String) -> PostgresStatement {
    """
    UPDATE agent_memories AS memory SET embedding = nullif(new.vector, '{}')::real[]
    FROM unnest(\(embeddings.map(\.name.namespace)), \(embeddings.map(\.name.key)), \(embeddings.map(\.version)),
      \(embeddings.map { "{" + ($0.vector ?? []).map(\.description).joined(separator: ",") + "}" }))
      AS new (namespace, key, version, vector)
    WHERE memory.agent_id = \(agent) AND memory.source_id IS NULL AND memory.namespace = new.namespace
      AND memory.key = new.key AND memory.version = new.version
    """
  }
}
