// An agent's measurements in a SQLite file.

extension SQLiteStore {
  func record(_ drafts: [MetricDraft]) async throws {
    try await write { transaction in
      for draft in drafts {
        let table = try transaction.metrics.record(draft, needsRowID: transaction.isCarrying) {
          try transaction.ownTable(of: .metrics)
        }
        let rowID = transaction.lastInsertRowID
        try transaction.noteRow(.metric, id: TimeOrderedUUID.make(), in: table)
        try transaction.reflect(metric: rowID, in: table)
      }
    }
  }

  func metrics(_ query: MetricQuery) async throws -> [Placed<AgentMetric>] {
    try await read { try $0.metrics.find(query) }
  }

  func buckets(_ aggregate: MetricAggregate) async throws -> [MetricBucket] {
    try await read { try $0.metrics.buckets(aggregate) }
  }
}
