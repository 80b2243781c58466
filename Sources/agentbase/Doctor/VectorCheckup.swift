// Looks at the spaces of vectors that agents have declared: whether searches have an index.

internal import Postgres

/// The checks of a database's spaces of vectors.
struct VectorCheckup {
  let connection: PostgresConnection

  /// Looks; changes nothing. Nothing is said where no agent has declared a space, or the server has no pgvector.
  func findings() async throws(PostgresError) -> [Finding] {
    let row = try await connection.queryOne(
      """
      SELECT to_regclass('agent_vector_spaces') IS NOT NULL
        AND has_table_privilege(to_regclass('agent_vector_spaces'), 'SELECT')
        AND EXISTS (SELECT FROM pg_extension WHERE extname = 'vector')
      """)
    guard try row?.decode(0, as: Bool?.self) == true else { return [] }
    let rows = try await connection.query(
      """
      SELECT dimensions::text || ' (' || metric || ')', count(*) FROM agent_vector_spaces AS space
      WHERE dimensions <= 4000 AND NOT EXISTS (
        SELECT FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
        WHERE indrelid = 'agent_memories'::regclass AND indisvalid
          AND relname = format('agent_memories_hnsw_%s_%s', space.dimensions, lower(space.metric)))
      GROUP BY dimensions, metric ORDER BY dimensions, metric
      """)
    var missing: [String] = []
    for row in rows { missing.append(try row.decode(0, as: String.self)) }
    guard !missing.isEmpty else { return [] }
    return [
      .note(
        "vector index",
        "none for vectors of \(missing.joined(separator: ", ")) dimensions: searches compare each of an agent's",
        advice: "as the owner of the tables, open an agent with this embedding and call prepareVectorSearch()"
      )
    ]
  }
}
