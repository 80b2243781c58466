// What an agent measures.

public import Foundation

extension AgentOperations {
  /// Records a measurement.
  ///
  /// - Parameters:
  ///   - value: a finite number; zero has no sign.
  ///   - timestamp: when it was measured; nil for now.
  public func recordMetric(
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
  public func metrics(
    _ name: String? = nil, since: Date? = nil, limit: Int = 100
  ) async throws -> [AgentMetric] {
    try await withStore(key: name) { store in
      try Self.check(limit: limit)
      if let name, name.utf8.contains(0) { return [] }
      let time: Int64? = if let since { try StoredLimits.microseconds(of: since) } else { nil }
      return try await store.metrics(MetricQuery(name: name, since: time, limit: limit))
    }
  }
}
