// All that a database holds, in few words: what two runs of a verb must agree upon.

import Postgres
import Testing

/// The state of a target: a line for each table, and one for what holds between them.
struct TargetState: Sendable {
  private(set) var lines: [String: String] = [:]

  /// Reads the state of a database, as the verb's work is compared.
  init(url: String, verb: DisturbedVerb) async throws {
    let connection = try await PostgresConnection.connect(PostgresConfiguration(url))
    let tables = try await connection.query(
      """
      SELECT relname::text FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace
      """
    ).map { row in try row.decode(0, as: String.self) }
    for table in tables {
      let rows = verb.account[table] ?? "SELECT * FROM \(PostgresIdentifier.quoted(table))"
      let digest = try await connection.queryOne(
        """
        SELECT count(*)::text || ' rows, ' || coalesce(md5(string_agg(row, E'\\n' ORDER BY row COLLATE "C")), '-') FROM (
          SELECT ((to_jsonb(t) - \(verb.times[table] ?? [])::text[]) #- '{metadata,migrated_at}')::text AS row
          FROM (\(unsafeSQL: rows)) AS t) AS rows
        """)
      lines[table] = try digest?.decode(0)
    }
    // Which rows is in the digest above; this says why.
    if tables.contains("agent_import_rejects") {
      lines["reasons of rejects"] = try await connection.queryOne(Self.reasons)?.decode(0)
    }
    lines["keys, indexes, sequences"] = try await connection.queryOne(Self.objects)?.decode(0)
    await connection.close()
  }

  private static let reasons: PostgresStatement = """
    SELECT string_agg(line, '; ' ORDER BY line) FROM (
      SELECT count(*)::text || ' of ' || table_name || ': ' || regexp_replace(reason, '\\d+', 'N', 'g') AS line
      FROM agent_import_rejects JOIN agent_import_sources USING (agent_id, source_id)
      GROUP BY table_name, regexp_replace(reason, '\\d+', 'N', 'g')) AS lines
    """

  /// Keys, indexes, columns, triggers and sequences, but for the harness's own, and for the numbers of the audit's lines: a step that
  /// was undone has used one up.
  private static let objects: PostgresStatement = """
    SELECT string_agg(line, E'\\n' ORDER BY line COLLATE "C") FROM (
      SELECT pg_get_indexdef(indexrelid) || ' ' || indisvalid::text AS line FROM pg_index
        JOIN pg_class ON pg_class.oid = indrelid WHERE relnamespace = 'public'::regnamespace
      UNION ALL SELECT conrelid::regclass::text || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND contype <> 't'
      UNION ALL SELECT pg_get_triggerdef(pg_trigger.oid) FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
        WHERE relnamespace = 'public'::regnamespace AND NOT tgisinternal AND tgname <> 'commit_gate'
      UNION ALL SELECT attrelid::regclass::text || ' ' || attname || ' ' || format_type(atttypid, atttypmod) || ' '
        || attnotnull::text FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE relkind IN ('r', 'p', 'v') AND relpersistence = 'p' AND relnamespace = 'public'::regnamespace
          AND attnum > 0 AND NOT attisdropped
      UNION ALL SELECT sequencename || ' ' || coalesce(last_value::text, '-') FROM pg_sequences WHERE schemaname = 'public'
        AND sequencename <> 'agentbase_schema_audit_id_seq'
    ) AS lines
    """

  /// Checks that two states are the same, and names the tables that are not.
  func expectEqual(_ other: TargetState, _ comment: Comment, location: SourceLocation = #_sourceLocation) {
    for name in Set(lines.keys).union(other.lines.keys).sorted() where lines[name] != other.lines[name] {
      Issue.record(
        "\(name): \(lines[name] ?? "not there"); an undisturbed run: \(other.lines[name] ?? "not there"); \(comment)",
        sourceLocation: location)
    }
  }
}
