// The statements of tools, metrics and executions in Postgres.

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

  /// Registers a tool, or changes the stored one; the uses of an imported one of the name go on counting.
  static func register(_ draft: ToolDraft, agent: String) -> PostgresStatement {
    let imported: PostgresStatement = """
      coalesce((
        SELECT usage_count FROM agent_tools WHERE agent_id = \(agent) AND name = \(draft.name)
        ORDER BY \(unsafeSQL: currentFirst) LIMIT 1), 0)
      """
    return """
      \(insert(draft, agent: agent, usageCount: imported)) DO UPDATE SET
        description = excluded.description, configuration = excluded.configuration,
        metadata = excluded.metadata, is_enabled = excluded.is_enabled, updated_at = excluded.updated_at,
        written_by = excluded.written_by
      """
  }

  /// Counts uses of a stored tool.
  static func countUses(_ name: String, _ count: Int64, agent: String) -> PostgresStatement {
    """
    UPDATE agent_tools SET usage_count = \(added(count)), updated_at = now()
    WHERE agent_id = \(agent) AND name = \(name) AND source_id IS NULL
    """
  }

  /// Stores a copy of an imported tool with so many uses more; where another did so before, counts on.
  static func copyAndCount(_ draft: ToolDraft, of usageCount: Int64, _ count: Int64, agent: String)
    -> PostgresStatement
  {
    let sum = usageCount.addingReportingOverflow(count)
    return """
      \(insert(draft, agent: agent, usageCount: "\(sum.overflow ? .max : sum.partialValue)"))
      DO UPDATE SET usage_count = \(added(count)), updated_at = now()
      """
  }

  /// Switches a stored tool.
  static func setEnabled(_ name: String, _ isEnabled: Bool, agent: String) -> PostgresStatement {
    """
    UPDATE agent_tools SET is_enabled = \(isEnabled), updated_at = now()
    WHERE agent_id = \(agent) AND name = \(name) AND source_id IS NULL
    """
  }

  /// Stores a switched copy of an imported tool.
  static func copyAndSetEnabled(_ draft: ToolDraft, of usageCount: Int64, agent: String) -> PostgresStatement
  {
    """
    \(insert(draft, agent: agent, usageCount: "\(usageCount)"))
    DO UPDATE SET is_enabled = excluded.is_enabled, updated_at = now()
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

  /// The count with some more, up to the greatest there is.
  private static func added(_ count: Int64) -> PostgresStatement {
    """
    CASE WHEN agent_tools.usage_count > 9223372036854775807 - \(count) THEN 9223372036854775807
      ELSE agent_tools.usage_count + \(count) END
    """
  }

  private static func insert(
    _ draft: ToolDraft, agent: String, usageCount: PostgresStatement
  ) -> PostgresStatement {
    """
    INSERT INTO agent_tools
      (id, agent_id, name, description, configuration, metadata, is_enabled, usage_count, written_by)
    VALUES (\(PostgresUUID(TimeOrderedUUID.make())), \(agent), \(draft.name), \(draft.description.postgresValue),
      \(PostgresValue.jsonb(draft.configurationText)),
      \(PostgresValue.jsonb(JSON.object(draft.metadata).jsonbText)), \(draft.isEnabled), \(usageCount), 'agent')
    ON CONFLICT (agent_id, name) WHERE source_id IS NULL
    """
  }
}

/// The SQL of metrics.
enum MetricSQL {
  /// Records measurements; one statement for all.
  static func record(_ drafts: [MetricDraft], agent: String) -> PostgresStatement {
    var statement: PostgresStatement = """
      INSERT INTO agent_metrics (id, agent_id, metric_name, value, unit, metadata, timestamp, written_by) VALUES
      """
    for (place, draft) in drafts.enumerated() {
      let row: PostgresStatement = """
        (\(PostgresUUID(TimeOrderedUUID.make())), \(agent), \(draft.name), \(draft.value), \(draft.unit.postgresValue),
          \(PostgresValue.jsonb(JSON.object(draft.metadata).jsonbText)),
          coalesce(\(draft.time.map(PostgresValue.timestamptz) ?? .null)::timestamptz, now()), 'agent')
        """
      statement = place == 0 ? "\(statement) \(row)" : "\(statement), \(row)"
    }
    return statement
  }

  /// Measurements, the newest first.
  static func find(_ query: MetricQuery, agent: String) -> PostgresStatement {
    let name: PostgresStatement = if let name = query.name { "AND metric_name = \(name)" } else { "" }
    let since: PostgresStatement =
      if let since = query.since { "AND timestamp >= \(PostgresValue.timestamptz(since))" } else { "" }
    return """
      SELECT \(unsafeSQL: PostgresMetricRow.columns) FROM agent_metrics
      WHERE agent_id = \(agent) \(name) \(since)
      ORDER BY timestamp DESC NULLS LAST, source_row DESC NULLS FIRST, id DESC LIMIT \(query.limit)
      """
  }
}

/// The SQL of executions.
enum ExecutionSQL {
  /// Records that an execution has begun.
  static func begin(_ draft: ExecutionDraft, agent: String) -> PostgresStatement {
    """
    INSERT INTO agent_executions
      (id, agent_id, task_type, status, input, metadata, started_at, created_at, written_by)
    VALUES (\(PostgresUUID(draft.id)), \(agent), \(draft.task), \(AgentExecution.Status.running.rawValue),
      \(draft.inputText.map(PostgresValue.jsonb) ?? .null)::jsonb,
      \(PostgresValue.jsonb(JSON.object(draft.metadata).jsonbText)), now(), now(), 'agent')
    """
  }

  /// Records its end, where it is running.
  static func end(_ end: ExecutionEnd, agent: String) -> PostgresStatement {
    """
    UPDATE agent_executions SET status = \(end.status.rawValue),
      output = \(end.outputText.map(PostgresValue.jsonb) ?? .null)::jsonb, error_message = \(end.errorMessage.postgresValue),
      completed_at = now(), duration_ms = \(end.durationMilliseconds)
    WHERE agent_id = \(agent) AND id = \(PostgresUUID(end.id)) AND status = 'running' AND source_id IS NULL
    """
  }

  /// Executions, the newest first.
  static func find(_ query: ExecutionQuery, agent: String) -> PostgresStatement {
    let task: PostgresStatement = if let task = query.task { "AND task_type = \(task)" } else { "" }
    let status: PostgresStatement =
      if let status = query.status { "AND status = \(status.rawValue)" } else { "" }
    let since: PostgresStatement =
      if let since = query.since { "AND started_at >= \(PostgresValue.timestamptz(since))" } else { "" }
    return """
      SELECT \(unsafeSQL: PostgresExecutionRow.columns) FROM agent_executions
      WHERE agent_id = \(agent) \(task) \(status) \(since)
      ORDER BY started_at DESC NULLS LAST, source_row DESC NULLS FIRST, id DESC LIMIT \(query.limit)
      """
  }
}

/// The SQL of the agents themselves.
enum AgentSQL {
  /// Makes the agent's row, or brings it up to date; what is not given stays as it is.
  static func register(_ config: AgentConfig) -> PostgresStatement {
    """
    INSERT INTO agents AS known (id, name, version, description, category, organization_id)
    VALUES (\(config.id), \(config.name), \(config.version.postgresValue), \(config.description.postgresValue), \(config.category.postgresValue),
      \(config.organizationID.postgresValue))
    ON CONFLICT (id) DO UPDATE SET
      name = excluded.name, version = coalesce(excluded.version, known.version),
      description = coalesce(excluded.description, known.description),
      category = coalesce(excluded.category, known.category),
      organization_id = coalesce(excluded.organization_id, known.organization_id), updated_at = now()
    WHERE (known.name, known.version, known.description, known.category, known.organization_id)
      IS DISTINCT FROM
      (excluded.name, coalesce(excluded.version, known.version),
       coalesce(excluded.description, known.description), coalesce(excluded.category, known.category),
       coalesce(excluded.organization_id, known.organization_id))
    """
  }
}
