// The statements that make tools, metrics and executions in Postgres what they are in the SQLite file.

import Foundation
import Postgres

extension FollowerSQL {
  /// Stores the state of a tool.
  static func tool(_ tool: AgentTool, agent: String) -> PostgresStatement {
    """
    INSERT INTO agent_tools
      (id, agent_id, name, description, configuration, metadata, is_enabled, usage_count, success_count,
       failure_count, timed_count, timed_ms, last_used_at, created_at, updated_at, written_by)
    VALUES (\(PostgresUUID.timeOrdered()), \(agent), \(tool.name), \(tool.description.postgresValue),
      \(PostgresValue.jsonb(tool.configuration.jsonbText)), \(PostgresValue.jsonb(tool.metadata.storedText)),
      \(tool.isEnabled), \(tool.usageCount), \(tool.successCount), \(tool.failureCount), \(tool.timedCount),
      \(tool.timedMilliseconds), \(moment(tool.lastUsedAt))::timestamptz, \(moment(tool.createdAt))::timestamptz,
      \(moment(tool.updatedAt))::timestamptz, 'agent')
    ON CONFLICT (agent_id, name) WHERE source_id IS NULL DO UPDATE SET
      description = excluded.description, configuration = excluded.configuration, metadata = excluded.metadata,
      is_enabled = excluded.is_enabled, usage_count = excluded.usage_count,
      success_count = excluded.success_count, failure_count = excluded.failure_count,
      timed_count = excluded.timed_count, timed_ms = excluded.timed_ms, last_used_at = excluded.last_used_at,
      created_at = excluded.created_at, updated_at = excluded.updated_at, written_by = excluded.written_by
    """
  }

  /// Adds measurements that are not there yet.
  static func metrics(_ metrics: [(id: UUID, metric: AgentMetric)], agent: String) -> PostgresStatement {
    PostgresStatement(
      sql: """
        INSERT INTO agent_metrics (id, agent_id, metric_name, value, unit, metadata, timestamp, written_by)
        SELECT new.id, $1, new.name, new.value, new.unit, new.metadata, new.moment, 'agent'
        FROM unnest($2::uuid[], $3::text[], $4::float8[], $5::text[], $6::jsonb[], $7::timestamptz[])
          AS new (id, name, value, unit, metadata, moment)
        ON CONFLICT (agent_id, id) DO NOTHING
        """,
      values: [
        .text(agent), .uuidArray(metrics.map { PostgresUUID($0.id) }), .textArray(metrics.map(\.metric.name)),
        .float8Array(metrics.map(\.metric.value)), .textArray(metrics.map(\.metric.unit)),
        .jsonbArray(metrics.map { $0.metric.metadata.storedText }),
        .timestamptzArray(metrics.map { $0.metric.timestamp.flatMap(Timestamp.init) }),
      ])
  }

  /// Stores the state of executions, whose ids differ.
  static func executions(_ executions: [AgentExecution], agent: String) -> PostgresStatement {
    func times(_ date: (AgentExecution) -> Date?) -> PostgresValue {
      .timestamptzArray(executions.map { date($0).flatMap(Timestamp.init) })
    }
    return PostgresStatement(
      sql: executionsSQL,
      values: [
        .text(agent), .uuidArray(executions.compactMap { $0.id.map { PostgresUUID($0) } }),
        .textArray(executions.map(\.task)), .textArray(executions.map(\.status.rawValue)),
        .jsonbArray(executions.map { $0.input?.jsonbText }),
        .jsonbArray(executions.map { $0.output?.jsonbText }), .textArray(executions.map(\.errorMessage)),
        times(\.startedAt), times(\.completedAt), .float8Array(executions.map(\.durationMilliseconds)),
        .jsonbArray(executions.map { $0.metadata.storedText }),
      ])
  }

  private static let executionsSQL = """
    INSERT INTO agent_executions
      (id, agent_id, task_type, status, input, output, error_message, started_at, completed_at, duration_ms, metadata,
       created_at, written_by)
    SELECT new.id, $1, new.task_type, new.status, new.input, new.output, new.error_message, new.started_at,
      new.completed_at, new.duration_ms, new.metadata, new.started_at, 'agent'
    FROM unnest($2::uuid[], $3::text[], $4::text[], $5::jsonb[], $6::jsonb[], $7::text[], $8::timestamptz[],
      $9::timestamptz[], $10::float8[], $11::jsonb[])
      AS new (id, task_type, status, input, output, error_message, started_at, completed_at, duration_ms, metadata)
    ON CONFLICT (agent_id, id) DO UPDATE SET
      status = excluded.status, output = excluded.output, error_message = excluded.error_message,
      completed_at = excluded.completed_at, duration_ms = excluded.duration_ms, metadata = excluded.metadata
    """

  /// Removes the imported copies of executions that are carried from now on.
  static func adopt(_ ids: [UUID], agent: String) -> PostgresStatement {
    """
    WITH gone AS (
      DELETE FROM agent_executions WHERE agent_id = \(agent) AND source_id IS NOT NULL
        AND metadata -> 'legacy' ->> 'execution_id' = ANY(\(ids.map { $0.uuidString.lowercased() }))
      RETURNING agent_id, id, source_id
    )
    INSERT INTO agent_import_deletions (agent_id, id, source_id) SELECT * FROM gone
    ON CONFLICT (agent_id, id) DO UPDATE SET deleted_at = excluded.deleted_at
    """
  }

  /// The ids of stored measurements or executions, in their order, and the status of the latter.
  static func stored(
    _ kind: OutboxChange.Kind, after last: String?, limit: Int, agent: String
  ) -> PostgresStatement {
    let (table, status) =
      kind == .metric ? ("agent_metrics", "''::text") : ("agent_executions", "status")
    let later: PostgresStatement = if let last { "AND id > \(last)::text::uuid" } else { "" }
    return """
      SELECT id::text, \(unsafeSQL: status) FROM \(unsafeSQL: table)
      WHERE agent_id = \(agent) AND source_id IS NULL \(later) ORDER BY id LIMIT \(limit)
      """
  }
}
