// The statements of earlier values, and of namespaces.

import Postgres

extension MemorySQL {
  private static let isTheKey = "agent_id = $1 AND namespace = $2 AND key = $3"

  /// Whether what is current has not expired: with it, its history has.
  private static let isAlive =
    "NOT coalesce((SELECT expires_at <= statement_timestamp() FROM (\(current("expires_at", where: isTheKey))) AS current), false)"

  /// The kept values of a key before a version, the newest first, in the columns of `PostgresVersionRow`.
  static func kept(_ query: MemoryHistoryQuery, before version: Int64?, agent: String) -> PostgresStatement {
    PostgresStatement(
      sql: """
        SELECT version, content, metadata, embedding, stored_at, replaced_at, false AS is_imported, source_exact, id
        FROM agent_memory_history
        WHERE \(isTheKey) AND source_id IS NULL AND version < $4::bigint AND \(isAlive)
        ORDER BY version DESC LIMIT $5
        """,
      values: [
        .text(agent), .text(query.name.namespace), .text(query.name.key), .int8(version ?? .max),
        .int8(Int64(query.limit)),
      ])
  }

  /// The imported earlier values of a key behind the one of an id, the newest first: rows that are not current, and what the
  /// SQLite file kept.
  static func imported(
    _ query: MemoryHistoryQuery, behind id: PostgresUUID?, limit: Int, agent: String
  ) -> PostgresStatement {
    PostgresStatement(
      sql: importedSQL,
      values: [
        .text(agent), .text(query.name.namespace), .text(query.name.key), id.map(PostgresValue.uuid) ?? .null,
        .int8(Int64(limit)),
      ])
  }

  /// Whether an imported row is a value that the library wrote into a legacy table and kept when it stored another beside it.
  private static let isKeptToo = """
    (rank_table <> 'agentbase_memories' AND EXISTS (
      SELECT FROM imported AS kept,
        jsonb_each(CASE jsonb_typeof(judged.content) WHEN 'object' THEN judged.content ELSE '{}' END) AS member
      WHERE kept.version > 0 AND kept.stored_at IS NOT DISTINCT FROM judged.stored_at
        AND kept.content ->> 'content' IN (member.value::text, member.value #>> '{}')))
    """

  /// Whether what is current is not imported: then the newest imported row was current before.
  private static let isImportedNoMore =
    "NOT EXISTS (SELECT FROM (\(current("source_id", where: isTheKey))) AS current WHERE source_id IS NOT NULL)"

  private static let rankDown = "rank_time DESC, rank_row DESC, rank_table DESC, id DESC"

  /// What a cut-over has carried is the same version as the row that an import has read: it counts once. A carried row has the time and
  /// the value of its row in the file, and a carried version its number.
  private static let isCarriedToo = """
    (version IS NULL AND EXISTS (
      SELECT FROM (
        SELECT content, updated_at AS moment FROM agent_memories WHERE \(isTheKey) AND source_id IS NULL
        UNION ALL
        SELECT content, stored_at FROM agent_memory_history WHERE \(isTheKey) AND source_id IS NULL
      ) AS carried, jsonb_each(CASE jsonb_typeof(imported.content) WHEN 'object' THEN imported.content ELSE '{}' END) AS member
      WHERE carried.moment = imported.stored_at
        AND carried.content::text IN (member.value::text, member.value #>> '{}'))
    OR version IS NOT NULL AND EXISTS (
      SELECT FROM agent_memory_history AS carried
      WHERE carried.agent_id = $1 AND carried.namespace = $2 AND carried.key = $3
        AND carried.source_id IS NULL AND carried.version = imported.version))
    """

  /// In this order: the row that was current before anything was stored, our own row of the file where a legacy one was newer,
  /// what the file kept (it has a number), and older rows.
  private static let importedSQL = """
    WITH imported AS (
      SELECT NULL::bigint AS version, id, agent_id, source_id, source_row, content, metadata,
        embedding::real[] AS embedding, updated_at AS stored_at, NULL::timestamptz AS replaced_at, source_exact
      FROM agent_memories WHERE \(isTheKey) AND source_id IS NOT NULL
        AND id IS DISTINCT FROM (SELECT id FROM (\(current("id", where: isTheKey))) AS current)
      UNION ALL
      SELECT version, id, agent_id, source_id, source_row, content, metadata, embedding, stored_at, replaced_at,
        source_exact
      FROM agent_memory_history WHERE \(isTheKey) AND source_id IS NOT NULL
    ), named AS (
      SELECT *, coalesce((
          SELECT table_name FROM agent_import_sources AS source
          WHERE source.agent_id = imported.agent_id AND source.source_id = imported.source_id
        ), '') COLLATE "C" AS rank_table
      FROM imported WHERE NOT \(isCarriedToo)
    ), placed AS (
      SELECT *, coalesce(CASE WHEN version IS NULL THEN stored_at ELSE replaced_at END, '-infinity') AS rank_time,
        coalesce(source_row, 9223372036854775807) AS rank_row
      FROM named
    ), judged AS (
      SELECT *, version IS NULL AND \(isImportedNoMore)
        AND id = first_value(id) OVER (PARTITION BY version IS NULL ORDER BY \(rankDown)) AS was_current
      FROM placed
    ), ranked AS (
      SELECT *, CASE WHEN version IS NOT NULL THEN 1 WHEN was_current THEN 3
        WHEN rank_table = 'agentbase_memories' THEN 2 ELSE 0 END AS part
      FROM judged WHERE version IS NOT NULL OR was_current OR NOT \(isKeptToo)
    )
    SELECT version, content, metadata, embedding, stored_at, replaced_at, true AS is_imported, source_exact, id
    FROM ranked WHERE \(isAlive) AND ($4::uuid IS NULL OR (part, rank_time, rank_row, rank_table, id) <
      (SELECT part, rank_time, rank_row, rank_table, id FROM ranked WHERE id = $4))
    ORDER BY part DESC, \(rankDown) LIMIT $5
    """

  // MARK: - Namespaces

  /// The namespaces of an agent's current memories, each with how many.
  static func namespaces(_ query: MemoryNamespaceQuery, agent: String) -> PostgresStatement {
    let scope: PostgresStatement = "agent_id = \(agent) AND \(isIn(query.scope))"
    let after: PostgresStatement = if let after = query.after { "AND name > \(after)" } else { "" }
    let name: PostgresStatement =
      if let parts = query.parts { rolledUp(to: parts) } else { "namespace COLLATE \"C\"" }
    return """
      SELECT name, count(*) FROM (
        SELECT \(name) AS name FROM (
          SELECT namespace FROM agent_memories
          WHERE \(scope) AND source_id IS NULL AND (expires_at IS NULL OR expires_at > statement_timestamp())
          UNION ALL
          SELECT namespace FROM agent_memories AS memory
          WHERE \(scope) AND source_id IS NOT NULL AND (expires_at IS NULL OR expires_at > statement_timestamp())
            AND \(unsafeSQL: isNotStored) AND \(unsafeSQL: isNewestImported)
        ) AS memories
      ) AS names WHERE true \(after) GROUP BY name ORDER BY name LIMIT \(query.limit)
      """
  }

  /// As `MemoryNamespaceQuery.rolledUp` has it.
  private static func rolledUp(to parts: Int) -> PostgresStatement {
    let parts = Int32(clamping: parts)
    let least: PostgresStatement =
      parts == 1
      ? "CASE WHEN starts_with(namespace, '/') THEN 2 ELSE 1 END" : "\(parts)::integer"
    return "array_to_string((string_to_array(namespace, '/'))[:\(least)], '/') COLLATE \"C\""
  }
}

/// A row of an earlier value.
enum PostgresVersionRow {
  /// The value, and the id of its row.
  static func version(_ row: PostgresRow) throws(PostgresError) -> (found: MemoryVersion, id: PostgresUUID) {
    let isImported: Bool = try row.decode(6)
    let (value, metadata) = PostgresMemoryRow.valueAndMetadata(
      content: try row.decode(1), metadata: try row.decode(2), isImported: isImported,
      exact: try row.decode(7))
    let version: Int64? = try row.decode(0)
    return (
      MemoryVersion(
        version: version ?? MemoryDigest.version(value: value.json, metadata: metadata), value: value,
        metadata: metadata, embedding: try row.decode(3), storedAt: try row.date(4),
        replacedAt: try row.date(5), isImported: isImported), try row.decode(8)
    )
  }
}
