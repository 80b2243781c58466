// What agents have written since the import, as rows of the library's own tables in SQLite.

import Postgres
import SQLite

/// A row for one of the library's own tables in SQLite.
struct WrittenRow: Sendable {
  let sql: String
  let values: [SQLiteValue]
  /// Notes the id that the row has in Postgres: what is run behind it, with as many of the values.
  var mark: WrittenMark?
}

/// Notes which row of the file a row of Postgres has become.
struct WrittenMark: Sendable {
  /// The table that the row is in.
  let table: String
  /// Finds it among the table's rows by the first values, as the query answers them behind the agent and the id.
  let condition: String
  /// How many values the condition takes, agent and id included.
  let values: Int

  var sql: String {
    "INSERT OR REPLACE INTO agentbase_restored (id, source, row_id) SELECT ?2, '\(table)', id FROM \(table) WHERE \(condition)"
  }
}

/// What to read from Postgres, and what puts it into a file.
private struct WrittenQuery: Sendable {
  /// Answers the id, and behind it the columns.
  let query: String
  /// Takes the agent, the id and the columns.
  let insert: String
  let mark: WrittenMark
}

extension Archive {
  /// Puts the rows that an agent has written, and that came from no file, into the library's own tables of a new file.
  ///
  /// A memory is given a time after all that the files know of its key, so that it is the current one there as it is here.
  ///
  /// - Returns: how many there are.
  func writeNewRows(of agent: String, into builder: FileBuilder) async throws -> Int {
    // Before a stored memory takes its place.
    _ = try await write(Self.covered.query, of: agent, with: Self.covered.insert, into: builder)
    _ = try await write(Self.noted.query, of: agent, with: Self.noted.delete, into: builder)
    var written = 0
    for kind in Self.writtenQueries {
      written += try await write(kind.query, of: agent, with: kind.insert, mark: kind.mark, into: builder)
    }
    // What a memory was before comes along, and is no row that an agent sees.
    _ = try await write(
      Self.history.query, of: agent, with: Self.history.insert, mark: Self.history.mark, into: builder)
    return written
  }

  /// Puts the rows of a query into a table, and answers how many there are.
  private func write(
    _ query: String, of agent: String, with sql: String, mark: WrittenMark? = nil, into builder: FileBuilder
  ) async throws -> Int {
    try await connection.transaction(.readOnlySnapshot) { connection in
      var rows = CursorRows(connection: connection, batch: 200)
      try await rows.open(PostgresStatement(sql: query, values: [.text(agent)]))
      var count = 0
      while let batch = try await rows.nextBatch() {
        let values = try batch.map { row in
          try [.text(agent)] + (0..<row.count).map { try SQLiteValue(row.value($0)) }
        }
        try await builder.write(values.map { WrittenRow(sql: sql, values: $0, mark: mark) })
        count += batch.count
      }
      return count
    }
  }

  /// The memories of the library's own table that are an earlier value since an agent that keeps the history has stored another.
  private static let covered = (
    query: """
    SELECT namespace, key, \(time("""
      coalesce((SELECT min(stored_at) FROM agent_memory_history AS old
        WHERE old.agent_id = new.agent_id AND old.namespace = new.namespace AND old.key = new.key
        AND old.source_id IS NULL), updated_at)
      """))
    FROM agent_memories AS new WHERE agent_id = $1 AND source_id IS NULL AND history_limit IS NOT NULL ORDER BY id
    """,
    insert: """
    INSERT INTO agentbase_history
      (agent_id, namespace, key, version, content, metadata, embedding, stored_at, replaced_at)
    SELECT agent_id, namespace, key, coalesce(version, 0), content, metadata, embedding, updated_at, ?4
    FROM agentbase_memories WHERE agent_id = ?1 AND namespace = ?2 AND key = ?3
    """
  )

  /// The notes on values that the library wrote into legacy tables and did not keep elsewhere, now that another is stored beside them:
  /// without its note such a row is an earlier value like any legacy row.
  private static let noted = (
    query: """
    SELECT namespace, key FROM agent_memories
    WHERE agent_id = $1 AND source_id IS NULL AND history_limit IS NOT NULL ORDER BY id
    """,
    delete: """
    DELETE FROM agentbase_notes AS note WHERE agent_id = ?1 AND namespace = ?2 AND key = ?3 AND NOT EXISTS (
      SELECT 1 FROM agentbase_history AS kept WHERE kept.agent_id = note.agent_id AND kept.namespace = note.namespace
        AND kept.key = note.key AND kept.version = note.version)
    """
  )

  /// The earlier values that were stored; the imported ones are in the tables that they came from.
  private static let history = WrittenQuery(
    query: """
      SELECT id::text, namespace, key, coalesce(version, 0), content::text, metadata::text, embedding, \(time("stored_at")),
        \(time("replaced_at"))
      FROM agent_memory_history WHERE agent_id = $1 AND source_id IS NULL ORDER BY version
      """,
    insert: """
      INSERT INTO agentbase_history
        (agent_id, namespace, key, version, content, metadata, embedding, stored_at, replaced_at)
      SELECT ?1, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 WHERE NOT EXISTS (
        SELECT 1 FROM agentbase_history WHERE agent_id = ?1 AND namespace = ?3 AND key = ?4 AND version = ?5 AND ?5 > 0)
      """,
    mark: WrittenMark(
      table: "agentbase_history",
      condition: "agent_id = ?1 AND namespace = ?3 AND key = ?4 AND version = ?5 ORDER BY id DESC LIMIT 1",
      values: 5)
  )

  /// What to read from Postgres, and the statement of SQLite that takes its columns behind the agent.
  private static let writtenQueries: [WrittenQuery] = [
    WrittenQuery(
      query: """
        SELECT id::text, namespace, key, content::text, metadata::text, embedding::real[], \(time("created_at")),
          \(time("""
        greatest(updated_at, (SELECT max(old.updated_at) + interval '1 microsecond' FROM agent_memories AS old
          WHERE old.agent_id = new.agent_id AND old.namespace = new.namespace AND old.key = new.key
          AND old.source_id IS NOT NULL))
        """)), \(time("expires_at")), version, time_to_live
        FROM agent_memories AS new WHERE agent_id = $1 AND source_id IS NULL ORDER BY id
        """,
      insert: """
        INSERT INTO agentbase_memories
          (agent_id, namespace, key, content, metadata, embedding, created_at, updated_at, expires_at, version,
           time_to_live)
        VALUES (?1, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
        ON CONFLICT (agent_id, namespace, key) DO UPDATE SET content = excluded.content, metadata = excluded.metadata,
          embedding = excluded.embedding, updated_at = excluded.updated_at, expires_at = excluded.expires_at,
          version = excluded.version, time_to_live = excluded.time_to_live
        """,
      mark: WrittenMark(
        table: "agentbase_memories", condition: "agent_id = ?1 AND namespace = ?3 AND key = ?4", values: 4)
    ),
    WrittenQuery(
      query: """
        SELECT id::text, name, description, configuration::text, metadata::text, is_enabled, usage_count,
          \(time("created_at")), \(time("updated_at")), success_count, failure_count, timed_count, timed_ms,
          \(time("last_used_at"))
        FROM agent_tools WHERE agent_id = $1 AND source_id IS NULL ORDER BY id
        """,
      insert: """
        INSERT INTO agentbase_tools
          (agent_id, name, description, configuration, metadata, is_enabled, usage_count, created_at, updated_at,
           success_count, failure_count, timed_count, timed_ms, last_used_at)
        VALUES (?1, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
        ON CONFLICT (agent_id, name) DO UPDATE SET description = excluded.description,
          configuration = excluded.configuration, metadata = excluded.metadata, is_enabled = excluded.is_enabled,
          usage_count = excluded.usage_count, updated_at = excluded.updated_at,
          success_count = excluded.success_count, failure_count = excluded.failure_count,
          timed_count = excluded.timed_count, timed_ms = excluded.timed_ms, last_used_at = excluded.last_used_at
        """,
      mark: WrittenMark(table: "agentbase_tools", condition: "agent_id = ?1 AND name = ?3", values: 3)
    ),
    WrittenQuery(
      query: """
        SELECT id::text, metric_name, coalesce(value, 0), unit, metadata::text, \(time("timestamp"))
        FROM agent_metrics WHERE agent_id = $1 AND source_id IS NULL ORDER BY timestamp, id
        """,
      insert: """
        INSERT INTO agentbase_metrics (agent_id, metric_name, value, unit, metadata, timestamp)
        SELECT ?1, ?3, ?4, ?5, ?6, ?7 WHERE ?2 IS NOT NULL
        """,
      mark: WrittenMark(table: "agentbase_metrics", condition: "id = last_insert_rowid()", values: 2)
    ),
    WrittenQuery(
      query: """
        SELECT id::text, task_type, status, input::text, output::text, error_message,
          \(time("coalesce(started_at, created_at)")), \(time("completed_at")), duration_ms, metadata::text,
          \(time("created_at"))
        FROM agent_executions WHERE agent_id = $1 AND source_id IS NULL ORDER BY started_at, id
        """,
      insert: """
        INSERT INTO agentbase_executions (agent_id, execution_id, task_type, status, input, output, error_message,
          started_at, completed_at, duration_ms, metadata, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (execution_id) DO UPDATE SET status = excluded.status, output = excluded.output,
          error_message = excluded.error_message, completed_at = excluded.completed_at, duration_ms = excluded.duration_ms
        """,
      mark: WrittenMark(table: "agentbase_executions", condition: "execution_id = ?2", values: 2)
    ),
  ]

  /// A time as the library's own tables hold it: RFC 3339, UTC, with microseconds.
  private static func time(_ expression: String) -> String {
    "to_char((\(expression)) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
  }
}

extension SQLiteValue {
  /// A value of Postgres as the library's own tables in SQLite hold it; embeddings are float32, little-endian.
  ///
  /// - Throws: `ImportError` for a type that stands in none of the queries above.
  fileprivate init(_ value: PostgresValue) throws(ImportError) {
    switch value {
    case .null: self = .null
    case .bool(let value): self = .integer(value ? 1 : 0)
    case .int8(let value): self = .integer(value)
    case .float8(let value): self = .real(value)
    case .text(let value): self = .text(value)
    case .float4Array(let values):
      self = .blob(
        values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) } })
    default: throw ImportError(.target, "a stored row holds a value of type \(value.type)")
    }
  }
}
