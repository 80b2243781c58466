// What the statements of records have in common: listings by time, and summaries of numbers.

import Postgres

/// A listing by time, the newest first; records without a time come last.
///
/// It goes on behind a place, so that a page costs the same wherever it is. Records with a time are read in the order of the
/// index, apart from the others.
struct RecordListing {
  let table: String
  let time: String
  /// What is selected of the table.
  let columns: String
  /// The names of what is selected, in order.
  let names: String
  let agent: String
  let condition: PostgresStatement
  let range: RecordRange

  /// The statement; its rows end with the id and the `source_row`.
  func statement(after place: RecordPlace?, limit: Int) throws(AgentBaseError) -> PostgresStatement {
    let id: PostgresUUID? = if let place { try Self.id(of: place) } else { nil }
    var parts: [PostgresStatement] = []
    if place == nil || place?.time != nil { parts.append(timed(after: place, id, limit)) }
    if range.isWhole { parts.append(untimed(after: place?.time == nil ? place : nil, id, limit)) }
    // A place without a time is in no listing of a range.
    guard let first = parts.first else { throw RecordCursor.refusal }
    let all = parts.dropFirst().reduce(first) { "\($0) UNION ALL \($1)" }
    return """
      SELECT \(unsafeSQL: names), id, source_row FROM (\(all)) AS listed
      ORDER BY part, \(unsafeSQL: time) DESC, source_row DESC, id DESC LIMIT \(limit)
      """
  }

  private func timed(after place: RecordPlace?, _ id: PostgresUUID?, _ limit: Int) -> PostgresStatement {
    let column: PostgresStatement = "\(identifier: time)"
    let later: PostgresStatement =
      if let time = place?.time.map(PostgresValue.timestamptz), let place, let id {
        "AND \(column) <= \(time) AND (\(column) < \(time) OR \(Self.behind(place, id)))"
      } else {
        ""
      }
    return """
      (SELECT 0 AS part, \(unsafeSQL: columns), id, source_row FROM \(unsafeSQL: table)
       WHERE agent_id = \(agent) AND \(column) IS NOT NULL \(condition) \(range.condition(on: time)) \(later)
       ORDER BY \(column) DESC, source_row DESC, id DESC LIMIT \(limit))
      """
  }

  private func untimed(after place: RecordPlace?, _ id: PostgresUUID?, _ limit: Int) -> PostgresStatement {
    let column: PostgresStatement = "\(identifier: time)"
    let later: PostgresStatement =
      if let place, let id { "AND (\(Self.behind(place, id)))" } else { "" }
    return """
      (SELECT 1 AS part, \(unsafeSQL: columns), id, source_row FROM \(unsafeSQL: table)
       WHERE agent_id = \(agent) AND \(column) IS NULL \(condition) \(later)
       ORDER BY source_row DESC, id DESC LIMIT \(limit))
      """
  }

  /// Behind a record of the same time: stored rows, which have no legacy row, come first.
  private static func behind(_ place: RecordPlace, _ id: PostgresUUID) -> PostgresStatement {
    if let row = place.row { return "source_row < \(row) OR source_row = \(row) AND id < \(id)" }
    return "source_row IS NOT NULL OR id < \(id)"
  }

  private static func id(of place: RecordPlace) throws(AgentBaseError) -> PostgresUUID {
    guard let id = PostgresUUID(place.tie) else { throw RecordCursor.refusal }
    return id
  }
}

extension RecordRange {
  /// The condition on a column of times.
  func condition(on column: String) -> PostgresStatement {
    let from: PostgresStatement =
      if let from { "AND \(identifier: column) >= \(PostgresValue.timestamptz(from))" } else { "" }
    let to: PostgresStatement =
      if let to { "AND \(identifier: column) < \(PostgresValue.timestamptz(to))" } else { "" }
    return "\(from) \(to)"
  }
}

/// The SQL of summaries of numbers.
enum NumberSQL {
  /// Count, least, greatest, sum and percentiles of a column, in the order in which `PostgresNumberRow` reads them. The sum
  /// is taken from the least to the greatest number: see `NumberSummary`.
  static func summary(of column: String, percentiles: [Double]) -> PostgresStatement {
    let column: PostgresStatement = "\(identifier: column)"
    let places: PostgresStatement =
      percentiles.isEmpty
      ? "NULL::float8[]"
      : "percentile_cont(\(PostgresValue.float8Array(percentiles))::float8[]) WITHIN GROUP (ORDER BY \(column))"
    return "count(\(column)), min(\(column)), max(\(column)), sum(\(column) ORDER BY \(column)), \(places)"
  }
}
