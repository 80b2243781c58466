// The statements of tools in Postgres.

import Foundation
import Postgres

/// The SQL of tools.
enum ToolSQL {
  /// From the row that counts to those that it hides: the stored one, then the newest imported one.
  private static let currentFirst = """
    source_id IS NOT NULL, updated_at DESC NULLS LAST, source_row DESC, (
      SELECT table_name FROM agent_import_sources AS source
      WHERE source.agent_id = agent_tools.agent_id AND source.source_id = agent_tools.source_id
    ) COLLATE "C" DESC, id DESC
    """

  /// The current row of each tool.
  static func all(agent: String) -> PostgresStatement {
    """
    SELECT DISTINCT ON (name) \(unsafeSQL: PostgresToolRow.columns) FROM agent_tools
    WHERE agent_id = \(agent) ORDER BY name, \(unsafeSQL: currentFirst)
    """
  }

  /// The current row of a tool.
  static func tool(_ name: String, agent: String) -> PostgresStatement {
    """
    SELECT \(unsafeSQL: PostgresToolRow.columns) FROM agent_tools
    WHERE agent_id = \(agent) AND name = \(name) ORDER BY \(unsafeSQL: currentFirst) LIMIT 1
    """
  }

  /// Registers a tool, or changes the stored one; `counts` are those of an imported one of the name, which go on.
  static func register(_ draft: ToolDraft, _ counts: ToolCounts, agent: String) -> PostgresStatement {
    """
    \(insert(draft, counts, agent: agent)) DO UPDATE SET
      description = excluded.description, configuration = excluded.configuration,
      metadata = excluded.metadata, is_enabled = excluded.is_enabled, updated_at = excluded.updated_at,
      written_by = excluded.written_by
    """
  }

  /// Counts uses of a stored tool.
  static func countUses(_ name: String, _ uses: ToolCounts, agent: String) -> PostgresStatement {
    """
    UPDATE agent_tools SET \(adding(uses)) WHERE agent_id = \(agent) AND name = \(name) AND source_id IS NULL
    """
  }

  /// Stores a copy of an imported tool with its uses and more; where another did so before, counts on.
  static func copyAndCount(
    _ draft: ToolDraft, of counts: ToolCounts, _ uses: ToolCounts, agent: String
  ) -> PostgresStatement {
    "\(insert(draft, counts.adding(uses), agent: agent)) DO UPDATE SET \(adding(uses))"
  }

  /// Switches a stored tool.
  static func setEnabled(_ name: String, _ isEnabled: Bool, agent: String) -> PostgresStatement {
    """
    UPDATE agent_tools SET is_enabled = \(isEnabled), updated_at = statement_timestamp()
    WHERE agent_id = \(agent) AND name = \(name) AND source_id IS NULL
    """
  }

  /// Stores a switched copy of an imported tool.
  static func copyAndSetEnabled(_ draft: ToolDraft, of counts: ToolCounts, agent: String) -> PostgresStatement
  {
    """
    \(insert(draft, counts, agent: agent))
    DO UPDATE SET is_enabled = excluded.is_enabled, updated_at = statement_timestamp()
    """
  }

  /// Removes every row of a tool. Answers whether there was one.
  static func delete(_ name: String, agent: String) -> PostgresStatement {
    """
    WITH gone AS (
      DELETE FROM agent_tools WHERE agent_id = \(agent) AND name = \(name) RETURNING agent_id, id, source_id
    ), remembered AS (
      INSERT INTO agent_import_deletions (agent_id, id, source_id)
      SELECT agent_id, id, source_id FROM gone WHERE source_id IS NOT NULL
      ON CONFLICT (agent_id, id) DO UPDATE SET deleted_at = excluded.deleted_at
    )
    SELECT EXISTS (SELECT FROM gone)
    """
  }

  /// Adds uses to those of a row.
  private static func adding(_ uses: ToolCounts) -> PostgresStatement {
    """
    usage_count = \(sum("usage_count", uses.uses)), success_count = \(sum("success_count", uses.successes)),
    failure_count = \(sum("failure_count", uses.failures)), timed_count = \(sum("timed_count", uses.timed)),
    timed_ms = agent_tools.timed_ms + \(uses.milliseconds), last_used_at = statement_timestamp(), updated_at = statement_timestamp()
    """
  }

  /// The count with some more, up to the greatest there is.
  private static func sum(_ column: String, _ count: Int64) -> PostgresStatement {
    """
    CASE WHEN agent_tools.\(unsafeSQL: column) > 9223372036854775807 - \(count) THEN 9223372036854775807
      ELSE agent_tools.\(unsafeSQL: column) + \(count) END
    """
  }

  private static func insert(
    _ draft: ToolDraft, _ counts: ToolCounts, agent: String
  ) -> PostgresStatement {
    """
    INSERT INTO agent_tools
      (id, agent_id, name, description, configuration, metadata, is_enabled, usage_count, success_count,
       failure_count, timed_count, timed_ms, last_used_at, created_at, updated_at, written_by)
    VALUES (\(PostgresUUID.timeOrdered()), \(agent), \(draft.name), \(draft.description.postgresValue),
      \(PostgresValue.jsonb(draft.configurationText)),
      \(PostgresValue.jsonb(JSON.object(draft.metadata).jsonbText)), \(draft.isEnabled), \(counts.uses),
      \(counts.successes), \(counts.failures), \(counts.timed), \(counts.milliseconds),
      \(counts.lastUsed.map(PostgresValue.timestamptz) ?? .null)::timestamptz, statement_timestamp(),
      statement_timestamp(), 'agent')
    ON CONFLICT (agent_id, name) WHERE source_id IS NULL
    """
  }
}
