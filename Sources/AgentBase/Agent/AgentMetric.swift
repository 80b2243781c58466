// A measurement that an agent has recorded.

public import Foundation

/// One measurement.
public struct AgentMetric: Sendable {
  /// What was measured.
  public var name: String
  /// The number; nil where a legacy row holds none.
  public var value: Double?
  /// The unit, as given.
  public var unit: String?
  /// What else is kept with it.
  public var metadata: JSONObject
  /// When it was measured; nil where a legacy row does not say.
  public var timestamp: Date?
  /// Whether it came from a legacy file by an import.
  public var isImported: Bool
}

/// A measurement on its way into a store, checked.
struct MetricDraft: Sendable {
  var name: String
  var value: Double
  var unit: String?
  var metadata: JSONObject
  /// Microseconds since 1970 UTC; nil for now, by the database's clock.
  var time: Int64?
}

/// Which measurements are asked for.
struct MetricQuery: Sendable {
  var name: String?
  var range = RecordRange()
  /// The place behind which the listing goes on.
  var after: RecordPlace?
  var limit: Int
}
