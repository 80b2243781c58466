// An agent's measurements in Postgres.

import Postgres

extension PostgresStore {
  func record(_ drafts: [MetricDraft]) async throws {
    if !drafts.isEmpty { try await write(MetricSQL.record(drafts, agent: agent)) }
  }

  func metrics(_ query: MetricQuery) async throws -> [Placed<AgentMetric>] {
    try await read(try MetricSQL.find(query, agent: agent), PostgresMetricRow.metric)
  }

  func buckets(_ aggregate: MetricAggregate) async throws -> [MetricBucket] {
    let places = aggregate.percentiles
    return try await NumberSummary.withOverflow {
      try await read(MetricSQL.buckets(aggregate, agent: agent)) { row throws(PostgresError) in
        try PostgresMetricRow.bucket(row, percentiles: places)
      }.compactMap { $0 }
    }
  }
}

extension NumberSummary {
  /// Runs a statement that sums up; Postgres has an error of its own for sums that no double holds.
  nonisolated(nonsending) static func withOverflow<Value>(
    _ body: nonisolated(nonsending) () async throws -> Value
  ) async throws -> Value {
    do {
      return try await body()
    } catch let error as AgentBaseError {
      guard (error.underlying as? PostgresError)?.sqlState == "22003" else { throw error }
      throw overflow
    }
  }
}
