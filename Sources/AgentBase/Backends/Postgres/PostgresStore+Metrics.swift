// An agent's measurements in Postgres.

import Postgres

extension PostgresStore {
  func record(_ drafts: [MetricDraft]) async throws {
    if !drafts.isEmpty { try await write(MetricSQL.record(drafts, agent: agent)) }
  }

  func metrics(_ query: MetricQuery) async throws -> [AgentMetric] {
    try await read(MetricSQL.find(query, agent: agent), PostgresMetricRow.metric)
  }
}
