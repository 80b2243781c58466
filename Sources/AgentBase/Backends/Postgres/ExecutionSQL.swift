// The statements of executions in Postgres.

import Foundation
import Postgres

/// The SQL of executions.
enum ExecutionSQL {
  /// Records that an execution has begun.
  static func begin(_ draft: ExecutionDraft, agent: String) -> PostgresStatement {
    """
    INSERT INTO agent_executions
      (id, agent_id, task_type, status, input, metadata, started_at, created_at, written_by)
    VALUES (\(PostgresUUID(draft.id)), \(agent), \(draft.task), \(AgentExecution.Status.running.rawValue),
      \(draft.inputText.map(PostgresValue.jsonb) ?? .null)::jsonb,
      \(PostgresValue.jsonb(JSON.object(draft.metadata).jsonbText)), statement_timestamp(), statement_timestamp(), 'agent')
    """
  }

  /// Records its end, where it is running.
  static func end(_ end: ExecutionEnd, agent: String) -> PostgresStatement {
    """
    UPDATE agent_executions SET status = \(end.status.rawValue),
      output = \(end.outputText.map(PostgresValue.jsonb) ?? .null)::jsonb, error_message = \(end.errorMessage.postgresValue),
      completed_at = statement_timestamp(), duration_ms = \(end.durationMilliseconds)
    WHERE agent_id = \(agent) AND id = \(PostgresUUID(end.id)) AND status = 'running' AND source_id IS NULL
    """
  }

  /// Executions, the newest first.
  static func find(_ query: ExecutionQuery, agent: String) throws(AgentBaseError) -> PostgresStatement {
    let status: PostgresStatement =
      if let status = query.status { "AND status = \(status.rawValue)" } else { "" }
    return try RecordListing(
      table: "agent_executions", time: "started_at", columns: PostgresExecutionRow.columns,
      names: PostgresExecutionRow.names, agent: agent, condition: "\(ofTask(query.task)) \(status)",
      range: query.range
    ).statement(after: query.after, limit: query.limit)
  }

  /// What executions come to: of each status, and of all (where the status is NULL).
  static func statistics(_ count: ExecutionCount, agent: String) -> PostgresStatement {
    """
    SELECT status, count(*), \(NumberSQL.summary(of: "duration_ms", percentiles: count.percentiles))
    FROM agent_executions
    WHERE agent_id = \(agent) \(ofTask(count.task)) \(count.range.condition(on: "started_at"))
    GROUP BY GROUPING SETS ((status), ())
    """
  }

  private static func ofTask(_ task: String?) -> PostgresStatement {
    if let task { "AND task_type = \(task)" } else { "" }
  }
}
