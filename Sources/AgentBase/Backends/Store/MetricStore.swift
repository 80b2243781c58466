// What a backend does with metrics. Everything that it is given has been checked.

/// The measurements of one agent in one database.
protocol MetricStore: Sendable {
  /// Records measurements, all of them or none.
  func record(_ drafts: [MetricDraft]) async throws
  /// Measurements, the newest first.
  func metrics(_ query: MetricQuery) async throws -> [Placed<AgentMetric>]
  /// Measurements by spans of time, the earliest first; spans without any are left out.
  func buckets(_ aggregate: MetricAggregate) async throws -> [MetricBucket]
}
