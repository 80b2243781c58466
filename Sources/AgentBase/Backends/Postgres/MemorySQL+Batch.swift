// The statements of many reads and stores at once, of several agents.

import Postgres

extension MemorySQL {
  /// The most bytes that a value may take on the server to come with others; a larger one is read by itself, so that a batch
  /// stays small in memory.
  private static let gatheredBytes = 16_384

  /// The current values of keys: content, is_imported, source_exact, place (from 1), is_large.
  static func values(_ places: [MemoryPlace]) -> PostgresStatement {
    PostgresStatement(
      sql: valuesSQL,
      values: [
        .textArray(places.map(\.agent)), .textArray(places.map(\.namespace)), .textArray(places.map(\.key)),
      ])
  }

  private static let valuesSQL: String = {
    let newest = current(
      "content, source_id IS NOT NULL AS is_imported, source_exact, expires_at",
      where: "agent_id = wanted.agent_id AND namespace = wanted.namespace AND key = wanted.key")
    return """
      SELECT CASE WHEN is_large THEN 'null' ELSE content END, is_imported, source_exact, wanted.place, is_large
      FROM unnest($1::text[], $2::text[], $3::text[])
        WITH ORDINALITY AS wanted (agent_id, namespace, key, place)
      CROSS JOIN LATERAL (
        SELECT *, pg_column_size(content) > \(gatheredBytes) AS is_large FROM (\(newest.sql)) AS newest
      ) AS memory
      WHERE expires_at IS NULL OR expires_at > now()
      """
  }()

  /// Stores values under their keys, each of another key, in an order of the keys that is the same for all: so no two of such
  /// statements wait for each other in a circle.
  ///
  /// A row that another transaction holds is waited for only so long, since many callers would wait with it: the statement then
  /// fails with 55P03, and each store is made by itself.
  static func store(_ calls: [MemoryStoring]) -> PostgresStatement {
    let calls = calls.sorted {
      ($0.agent, $0.draft.namespace, $0.draft.key) < ($1.agent, $1.draft.namespace, $1.draft.key)
    }
    return PostgresStatement(
      sql: storeAllSQL,
      values: [
        .uuidArray(calls.map { _ in PostgresUUID(TimeOrderedUUID.make()) }), .textArray(calls.map(\.agent)),
        .textArray(calls.map(\.draft.namespace)), .textArray(calls.map(\.draft.key)),
        .textArray(calls.map(\.draft.valueText)),
        .textArray(calls.map { $0.draft.metadata.isEmpty ? "{}" : JSON.object($0.draft.metadata).jsonbText }),
        // No array of ours holds NULLs; nothing lives for 0 µs.
        .int8Array(calls.map { $0.draft.timeToLive ?? 0 }),
      ])
  }

  private static let storeAllSQL = """
    INSERT INTO agent_memories
      (id, agent_id, namespace, key, content, metadata, created_at, updated_at, expires_at, written_by)
    SELECT draft.id, draft.agent_id, draft.namespace, draft.key, draft.content::jsonb, draft.metadata::jsonb, now(), now(),
      now() + nullif(draft.time_to_live, 0) * interval '1 microsecond', 'agent'
    FROM (SELECT set_config('lock_timeout', '200ms', true)) AS patience,
      unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[])
        AS draft (id, agent_id, namespace, key, content, metadata, time_to_live)
    ON CONFLICT (agent_id, namespace, key) WHERE source_id IS NULL DO UPDATE SET
      content = excluded.content, metadata = excluded.metadata, embedding = excluded.embedding,
      updated_at = excluded.updated_at, expires_at = excluded.expires_at, written_by = excluded.written_by
    """
}
