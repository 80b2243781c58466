// What an agent measures.

public import Foundation

extension AgentOperations {
  /// Records a measurement.
  ///
  /// - Parameters:
  ///   - value: a finite number; zero has no sign.
  ///   - timestamp: when it was measured; nil for now.
  @concurrent public func recordMetric(
    _ name: String, _ value: Double, unit: String? = nil, metadata: JSONObject = [:],
    timestamp: Date? = nil
  ) async throws {
    try await withStore(key: name) { store in
      try StoredLimits.check(name, "metric's name", with: id)
      try StoredLimits.checkText(unit, "metric's unit")
      guard value.isFinite else {
        throw AgentBaseError(.invalidValue, "the measurement is not a finite number")
      }
      try JSONLimits.check(.object(metadata))
      let time: Int64? = if let timestamp { try StoredLimits.microseconds(of: timestamp) } else { nil }
      try await store.record([
        // A column of SQLite does not keep the sign of zero.
        MetricDraft(name: name, value: value == 0 ? 0 : value, unit: unit, metadata: metadata, time: time)
      ])
    }
  }

  /// Measurements, the newest first; those without a time come last.
  ///
  /// - Parameters:
  ///   - name: nil for all.
  ///   - since: the earliest time; nil for all, those without a time included.
  ///   - limit: the most that are answered, from 1 to 10,000.
  @concurrent public func metrics(
    _ name: String? = nil, since: Date? = nil, limit: Int = 100
  ) async throws -> [AgentMetric] {
    try await withStore(key: name) { store in
      try Self.check(limit: limit)
      if let name, name.utf8.contains(0) { return [] }
      return try await store.metrics(
        MetricQuery(name: name, range: try RecordRange(from: since, to: nil), limit: limit)
      ).map(\.record)
    }
  }

  /// A page of measurements, the newest first; those without a time come last.
  ///
  /// - Parameters:
  ///   - name: nil for all.
  ///   - from: the earliest time; nil for any, those without a time included where `to` is nil too.
  ///   - to: the first time that is too late; nil for any.
  ///   - limit: the most that are answered, from 1 to 10,000.
  ///   - after: `next` of the page before.
  @concurrent public func metricsPage(
    _ name: String? = nil, from: Date? = nil, to: Date? = nil, limit: Int = 100, after: RecordCursor? = nil
  ) async throws -> RecordPage<AgentMetric> {
    try await withStore(key: name) { store in
      try Self.check(limit: limit)
      if let name, name.utf8.contains(0) { return RecordPage(records: []) }
      return RecordPage(
        try await store.metrics(
          MetricQuery(
            name: name, range: try RecordRange(from: from, to: to), after: try after?.place(),
            limit: limit + 1)), limit: limit)
    }
  }

  /// All measurements, the newest first, read page by page.
  public func allMetrics(
    _ name: String? = nil, from: Date? = nil, to: Date? = nil
  ) -> RecordSequence<AgentMetric> {
    // Postgres has an index of the times of each name, and none of all: there a page costs a look at all of the agent's rows.
    let limit = name == nil ? 10_000 : 1000
    return RecordSequence { try await metricsPage(name, from: from, to: to, limit: limit, after: $0) }
  }

  /// What was measured in each span of time, the earliest first: how often, the least, the greatest, the sum, the mean and the
  /// last. Spans in which nothing was measured are left out, as are measurements without a time or a number.
  ///
  ///     for hour in try await agent.aggregateMetrics("latency", every: .hours(1), percentiles: [0.95]) {
  ///       print(hour.start, hour.summary.count, hour.summary.mean, hour.summary.percentiles[0.95] ?? 0)
  ///     }
  ///
  /// - Parameters:
  ///   - every: how long the spans are; they are counted from 1970-01-01 00:00 UTC.
  ///   - from: the earliest time of a measurement; nil for any.
  ///   - to: the first time that is too late; nil for any.
  ///   - percentiles: which to compute, from 0 to 1.
  /// - Throws: `AgentBaseError` of the code `invalidValue` where a sum is greater than a double can be.
  @concurrent public func aggregateMetrics(
    _ name: String, every width: BucketWidth, from: Date? = nil, to: Date? = nil,
    percentiles: [Double] = []
  ) async throws -> [MetricBucket] {
    try await withStore(key: name) { store in
      try width.check()
      try NumberSummary.check(percentiles)
      if name.utf8.contains(0) { return [] }
      return try await store.buckets(
        MetricAggregate(
          name: name, width: width, range: try RecordRange(from: from, to: to), percentiles: percentiles))
    }
  }
}

extension RecordRange {
  /// The times from one moment up to another.
  init(from: Date?, to: Date?) throws(AgentBaseError) {
    if let from { self.from = try StoredLimits.microseconds(of: from) }
    if let to { self.to = try StoredLimits.microseconds(of: to) }
  }
}
