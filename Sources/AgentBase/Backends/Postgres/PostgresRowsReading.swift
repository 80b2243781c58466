// From rows of Postgres to what agents see; imported rows are read as the SQLite backend reads the legacy row.

import Foundation
import Postgres

/// A row of a memory.
enum PostgresMemoryRow {
  /// The columns, in order.
  static let names = """
    namespace, key, content, metadata, embedding, created_at, updated_at, expires_at, is_imported, source_exact,
    version, time_to_live
    """
  /// How many there are.
  static let count = 12

  /// The columns, each of a row called `name`.
  static func names(of name: String) -> String {
    names.split { $0 == "," || $0.isWhitespace }.map { "\(name).\($0)" }.joined(separator: ", ")
  }

  /// The memory of a row.
  static func memory(_ row: PostgresRow) throws(PostgresError) -> Memory {
    let isImported: Bool = try row.decode(8)
    let (value, own) = valueAndMetadata(
      content: try row.decode(2), metadata: try row.decode(3), isImported: isImported,
      exact: try row.decode(9))
    let version: Int64? = isImported ? nil : try row.decode(10)
    let timeToLive: Int64? = isImported ? nil : try row.decode(11)
    return Memory(
      namespace: try row.decode(0), key: try row.decode(1), value: value, metadata: own,
      embedding: try row.decode(4), createdAt: try row.date(5), updatedAt: try row.date(6),
      expiresAt: try row.date(7), timeToLive: timeToLive.map(Duration.microseconds),
      version: version ?? MemoryDigest.version(value: value.json, metadata: own), isImported: isImported)
  }

  /// The value and the metadata of a row.
  static func valueAndMetadata(
    content: String, metadata: String, isImported: Bool, exact: String?
  ) -> (MemoryValue, JSONObject) {
    guard isImported else {
      return (MemoryValue(storedText: content), JSONObject(parsing: metadata) ?? [:])
    }
    let object = LegacyObject(text: content, exact: exact)
    return (object.value, object.metadata(.memories))
  }

  /// The value of a row of content, is_imported and source_exact.
  static func value(_ row: PostgresRow) throws(PostgresError) -> MemoryValue {
    let content: String = try row.decode(0)
    guard try row.decode(1, as: Bool.self) else { return MemoryValue(storedText: content) }
    return LegacyObject(text: content, exact: try row.decode(2)).value
  }
}

/// A row of a tool.
enum PostgresToolRow {
  /// The columns, in order.
  static let columns = """
    name, description, configuration, metadata, is_enabled, usage_count, created_at, updated_at,
    source_id IS NOT NULL AS is_imported, source_exact, success_count, failure_count, last_used_at, timed_count, timed_ms
    """

  /// The tool of a row.
  static func tool(_ row: PostgresRow) throws(PostgresError) -> AgentTool {
    let isImported: Bool = try row.decode(8)
    let text: String = try row.decode(2)
    let metadata: String = try row.decode(3)
    let stored = ToolCounts(
      uses: try row.decode(5), successes: try row.decode(10), failures: try row.decode(11),
      timed: try row.decode(13), milliseconds: try row.decode(14), lastUsed: try row.microseconds(12))
    let configuration: JSON
    let own: JSONObject
    let counts: ToolCounts
    if isImported {
      // The legacy row's own counts are in its JSON, as everything is that has no column here.
      let object = LegacyObject(text: text, exact: try row.decode(9))
      (configuration, own) = (object.configuration, object.metadata(.tools))
      counts = object.counts(uses: stored.uses)
    } else {
      (configuration, own) = (MemoryValue(storedText: text).json, JSONObject(parsing: metadata) ?? [:])
      counts = stored
    }
    return AgentTool(
      name: try row.decode(0), description: try row.decode(1), configuration: configuration, metadata: own,
      isEnabled: try row.decode(4), counts, createdAt: try row.date(6), updatedAt: try row.date(7),
      isImported: isImported)
  }
}

/// A row of a measurement.
enum PostgresMetricRow {
  /// The columns, in order.
  static let columns =
    "metric_name, value, unit, metadata, timestamp, source_id IS NOT NULL AS is_imported, source_exact"
  /// Their names.
  static let names = "metric_name, value, unit, metadata, timestamp, is_imported, source_exact"

  /// The measurement of a row of a listing.
  static func metric(_ row: PostgresRow) throws(PostgresError) -> Placed<AgentMetric> {
    let isImported: Bool = try row.decode(5)
    return Placed(
      record: AgentMetric(
        name: try row.decode(0), value: try row.decode(1), unit: try row.decode(2),
        metadata: try row.metadata(3, .metrics, isImported: isImported, exact: 6),
        timestamp: try row.date(4), isImported: isImported),
      place: try row.place(time: 4, id: 7, sourceRow: 8))
  }

  /// The measurement of a row of the columns and the id.
  static func stored(_ row: PostgresRow) throws(PostgresError) -> (id: UUID, metric: AgentMetric) {
    (
      UUID(try row.decode(7, as: PostgresUUID.self)),
      AgentMetric(
        name: try row.decode(0), value: try row.decode(1), unit: try row.decode(2),
        metadata: try row.metadata(3, .metrics, isImported: false, exact: 6), timestamp: try row.date(4),
        isImported: false)
    )
  }

  /// A span of time.
  static func bucket(_ row: PostgresRow, percentiles: [Double]) throws(PostgresError) -> MetricBucket? {
    guard let start = try row.date(0), let summary = try row.summary(1, percentiles) else { return nil }
    return MetricBucket(start: start, summary: summary, last: try row.decode(6))
  }
}

/// A row of an execution.
enum PostgresExecutionRow {
  /// The columns, in order.
  static let columns = """
    id AS execution_id, task_type, status, input, output, error_message, started_at, completed_at, duration_ms, metadata,
    source_id IS NOT NULL AS is_imported, source_exact
    """
  /// Their names; the id is the listing's own.
  static let names = """
    execution_id, task_type, status, input, output, error_message, started_at, completed_at, duration_ms, metadata,
    is_imported, source_exact
    """

  /// The execution of a row of a listing.
  static func execution(_ row: PostgresRow) throws(PostgresError) -> Placed<AgentExecution> {
    Placed(record: try stored(row), place: try row.place(time: 6, id: 12, sourceRow: 13))
  }

  /// The execution of a row of the columns alone.
  static func stored(_ row: PostgresRow) throws(PostgresError) -> AgentExecution {
    let isImported: Bool = try row.decode(10)
    let id: PostgresUUID = try row.decode(0)
    let input: String? = try row.decode(3)
    let output: String? = try row.decode(4)
    return AgentExecution(
      id: UUID(id), task: try row.decode(1), status: .init(rawValue: try row.decode(2)),
      input: input.map { MemoryValue(storedText: $0).json },
      output: output.map { MemoryValue(storedText: $0).json }, errorMessage: try row.decode(5),
      startedAt: try row.date(6), completedAt: try row.date(7), durationMilliseconds: try row.decode(8),
      metadata: try row.metadata(9, .executions, isImported: isImported, exact: 11), isImported: isImported)
  }
}

extension PostgresRow {
  /// A column of timestamptz, in microseconds since 1970 UTC.
  func microseconds(_ column: Int) throws(PostgresError) -> Int64? {
    guard case .timestamptz(let microseconds) = try value(column) else { return nil }
    return microseconds
  }

  /// A column of timestamptz.
  func date(_ column: Int) throws(PostgresError) -> Date? {
    try microseconds(column).map { Timestamp(microseconds: $0).date }
  }

  /// Where the row stands in a listing.
  fileprivate func place(time: Int, id: Int, sourceRow: Int) throws(PostgresError) -> RecordPlace {
    RecordPlace(
      time: try microseconds(time), row: try decode(sourceRow),
      tie: try decode(id, as: PostgresUUID.self).description)
  }

  /// The columns of `NumberSQL.summary`, from the first on; nil where there was no number.
  func summary(_ first: Int, _ percentiles: [Double]) throws(PostgresError) -> NumberSummary? {
    let count: Int = try decode(first)
    guard count > 0 else { return nil }
    let found: [Double] = percentiles.isEmpty ? [] : try decode(first + 4)
    return NumberSummary(
      count: count, minimum: try decode(first + 1), maximum: try decode(first + 2),
      sum: try decode(first + 3), places: percentiles, percentiles: found)
  }

  /// A column of metadata: of an imported row, the legacy row's own, which is in its member `legacy`.
  func metadata(
    _ column: Int, _ kind: LegacyKind, isImported: Bool, exact: Int
  ) throws(PostgresError) -> JSONObject {
    let object = JSONObject(parsing: try decode(column)) ?? [:]
    guard isImported else { return object }
    guard case .object(let members)? = object["legacy"] else { return [:] }
    let marks: String? = try decode(exact)
    return LegacyObject(members: members, marks: marks.flatMap { try? JSON(parsing: $0) }).metadata(kind)
  }
}

extension LegacyObject {
  /// The object of a row's content and `source_exact`.
  fileprivate init(text: String, exact: String?) {
    self.init(
      members: JSONObject(parsing: text) ?? [:], marks: exact.flatMap { try? JSON(parsing: $0) })
  }
}

extension PostgresUUID {
  /// A UUID that grows with time; see `TimeOrderedUUID`.
  static func timeOrdered() -> PostgresUUID {
    let (high, low) = TimeOrderedUUID.halves()
    return PostgresUUID(high: high, low: low)
  }

  /// The same UUID.
  init(_ uuid: UUID) {
    let bytes = uuid.uuid
    let all = [
      bytes.0, bytes.1, bytes.2, bytes.3, bytes.4, bytes.5, bytes.6, bytes.7, bytes.8, bytes.9, bytes.10,
      bytes.11, bytes.12, bytes.13, bytes.14, bytes.15,
    ]
    let halves = [all[..<8], all[8...]].map { $0.reduce(UInt64(0)) { $0 << 8 | UInt64($1) } }
    self.init(high: halves[0], low: halves[1])
  }
}

extension UUID {
  /// The same UUID.
  init(_ uuid: PostgresUUID) {
    let b = uuid.bytes
    self.init(
      uuid: (
        b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]
      ))
  }
}
