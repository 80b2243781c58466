// Measurements summed up over spans of time.

public import Foundation

/// A span of time and what was measured in it.
public struct MetricBucket: Sendable, Hashable {
  /// When the span begins; it ends where the next may begin.
  public var start: Date
  /// What the measurements come to.
  public var summary: NumberSummary
  /// The last measurement of the span.
  public var last: Double
}

/// How long the spans of an aggregate are. They are counted from 1970-01-01 00:00 UTC, so that spans of the same length are the
/// same ones in every answer.
public struct BucketWidth: Sendable, Hashable {
  let microseconds: Int64

  /// Spans of some milliseconds.
  public static func milliseconds(_ count: Int) -> BucketWidth { BucketWidth(count, of: 1000) }
  /// Spans of some seconds.
  public static func seconds(_ count: Int) -> BucketWidth { BucketWidth(count, of: 1_000_000) }
  /// Spans of some minutes.
  public static func minutes(_ count: Int) -> BucketWidth { BucketWidth(count, of: 60_000_000) }
  /// Spans of some hours.
  public static func hours(_ count: Int) -> BucketWidth { BucketWidth(count, of: 3_600_000_000) }
  /// Spans of some days of 24 hours.
  public static func days(_ count: Int) -> BucketWidth { BucketWidth(count, of: 86_400_000_000) }

  private init(_ count: Int, of unit: Int64) {
    let product = unit.multipliedReportingOverflow(by: Int64(count))
    microseconds = product.overflow ? 0 : product.partialValue
  }

  /// Checks that it is from a millisecond to 36,525 days.
  func check() throws(AgentBaseError) {
    guard (1000...3_155_760_000_000_000).contains(microseconds) else {
      throw AgentBaseError(.invalidValue, "a span is not from one millisecond to 36525 days")
    }
  }

  /// The beginning of the span that a moment is in.
  func start(of microseconds: Int64) -> Int64 {
    let rest = microseconds % self.microseconds
    return microseconds - (rest < 0 ? rest + self.microseconds : rest)
  }
}

/// Which measurements are summed up, and how.
struct MetricAggregate: Sendable {
  var name: String
  var width: BucketWidth
  var range: RecordRange
  /// From 0 to 1.
  var percentiles: [Double]
}
