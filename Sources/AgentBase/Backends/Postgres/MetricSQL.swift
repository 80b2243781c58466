// The statements of metrics in Postgres.

import Foundation
import Postgres

/// The SQL of metrics.
enum MetricSQL {
  /// Records measurements; one statement for all.
  static func record(_ drafts: [MetricDraft], agent: String) -> PostgresStatement {
    var statement: PostgresStatement = """
      INSERT INTO agent_metrics (id, agent_id, metric_name, value, unit, metadata, timestamp, written_by) VALUES
      """
    for (place, draft) in drafts.enumerated() {
      let row: PostgresStatement = """
        (\(PostgresUUID.timeOrdered()), \(agent), \(draft.name), \(draft.value), \(draft.unit.postgresValue),
          \(PostgresValue.jsonb(JSON.object(draft.metadata).jsonbText)),
          coalesce(\(draft.time.map(PostgresValue.timestamptz) ?? .null)::timestamptz, statement_timestamp()), 'agent')
        """
      statement = place == 0 ? "\(statement) \(row)" : "\(statement), \(row)"
    }
    return statement
  }

  /// Measurements, the newest first.
  static func find(_ query: MetricQuery, agent: String) throws(AgentBaseError) -> PostgresStatement {
    try RecordListing(
      table: "agent_metrics", time: "timestamp", columns: PostgresMetricRow.columns,
      names: PostgresMetricRow.names, agent: agent,
      condition: query.name.map { "AND metric_name = \($0)" } ?? "", range: query.range
    ).statement(after: query.after, limit: query.limit)
  }

  /// Measurements by spans of time, the earliest first.
  ///
  /// The span that the count begins with lies before all times: date_bin of some versions puts a time that is before it
  /// into the wrong span.
  static func buckets(_ aggregate: MetricAggregate, agent: String) -> PostgresStatement {
    let origin = aggregate.width.start(of: Timestamp.range.lowerBound)
    return """
      SELECT date_bin(\(aggregate.width.microseconds)::bigint * interval '1 microsecond', timestamp,
          \(PostgresValue.timestamptz(origin))) AS span,
        \(NumberSQL.summary(of: "value", percentiles: aggregate.percentiles)),
        (array_agg(value ORDER BY timestamp DESC, source_row DESC, id DESC))[1]
      FROM agent_metrics
      WHERE agent_id = \(agent) AND metric_name = \(aggregate.name) AND value IS NOT NULL AND timestamp IS NOT NULL
        \(aggregate.range.condition(on: "timestamp"))
      GROUP BY span ORDER BY span
      """
  }
}
