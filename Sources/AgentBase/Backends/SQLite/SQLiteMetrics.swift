// Measurements in a SQLite file: our own table and the legacy ones, as one.

import Foundation
import SQLite

/// The measurements of an agent within one transaction.
struct SQLiteMetrics {
  let connection: SQLiteConnection
  let catalog: SQLiteCatalog
  let agent: String
  let time: LegacyTime

  // MARK: - Reading

  private var records: SQLiteRecords {
    SQLiteRecords(
      connection: connection, catalog: catalog, agent: agent, time: time, kind: .metrics, timeRole: .time)
  }

  /// Measurements, the newest first.
  func find(_ query: MetricQuery) throws -> [Placed<AgentMetric>] {
    try records.newest(
      in: query.range, after: query.after, limit: query.limit,
      where: [.init("metric_name", query.name)].compactMap { $0 }
    ) { reader, row in
      let metric = Self.metric(reader, row)
      if let wanted = query.name, !wanted.isExactly(metric.name) { return nil }
      return metric
    }
  }

  /// The measurement of a row; nil where there is none.
  func metric(in table: String, rowID: Int64) throws -> AgentMetric? {
    guard let table = catalog.tables(of: .metrics).first(where: { $0.table.name == table }),
      let rowIDName = table.rowIDName
    else { return nil }
    let reader = SQLiteRowReader(table: table, agent: agent, time: time)
    var metric: AgentMetric?
    try connection.forEachRow("\(table.selectSQL) WHERE \(rowIDName) = ?", [.integer(rowID)]) { row in
      metric = Self.metric(reader, row)
    }
    return metric
  }

  private static func metric(_ reader: SQLiteRowReader, _ row: borrowing SQLiteStatement) -> AgentMetric {
    AgentMetric(
      name: name(reader, row), value: reader.value(.value, row).flatMap(LegacyConversion.number),
      unit: reader.text(.unit, row), metadata: reader.metadata(row),
      timestamp: reader.time(.time, row)?.date, isImported: false)
  }

  /// Measurements by spans of time, the earliest first.
  func buckets(_ aggregate: MetricAggregate) throws -> [MetricBucket] {
    var spans: [Int64: (numbers: [Double], last: SQLiteRank, lastNumber: Double)] = [:]
    try records.scan(
      in: aggregate.range, where: [.init("metric_name", aggregate.name)].compactMap { $0 }
    ) { reader, row, rank in
      guard let time = rank.time?.microseconds, aggregate.name.isExactly(Self.name(reader, row)),
        let number = reader.value(.value, row).flatMap(LegacyConversion.number)
      else { return }
      let start = aggregate.width.start(of: time)
      var span = spans.removeValue(forKey: start) ?? ([], rank, number)
      span.numbers.append(number)
      if rank >= span.last { (span.last, span.lastNumber) = (rank, number) }
      spans[start] = span
    }
    return try spans.sorted { $0.key < $1.key }.compactMap { start, span in
      guard let summary = try NumberSummary(span.numbers, places: aggregate.percentiles) else { return nil }
      return MetricBucket(
        start: Timestamp(microseconds: start).date, summary: summary, last: span.lastNumber)
    }
  }

  /// A measurement's name: that of its row, else what the table's are called.
  private static func name(_ reader: SQLiteRowReader, _ row: borrowing SQLiteStatement) -> String {
    if let name = reader.text(.name, row), !name.isEmpty { return name }
    return reader.table.table.metricName
  }

  // MARK: - Writing

  /// Records a measurement: in a legacy table where one is simple enough, else in our own.
  ///
  /// - Parameter needsRowID: whether only a table serves whose rows can be found again by their rowid.
  /// - Returns: the table's name.
  func record(
    _ draft: MetricDraft, needsRowID: Bool, makeOwnTable: () throws -> SQLiteTable
  ) throws -> String {
    let moment = draft.time.map { Timestamp(microseconds: $0) } ?? .now
    for table in catalog.tables(of: .metrics) where !table.isOwn {
      if needsRowID, table.rowIDName == nil { continue }
      if try write(draft, moment, into: table) { return table.table.name }
    }
    let table = try makeOwnTable()
    try connection.execute(
      """
      INSERT INTO \(table.quotedName) (agent_id, metric_name, value, unit, metadata, timestamp)
      VALUES (?, ?, ?, ?, ?, ?)
      """,
      [
        .text(agent), .text(draft.name), .real(draft.value), draft.unit.map(SQLiteValue.text) ?? .null,
        .text(JSON.object(draft.metadata).jsonbText), .text(moment.text),
      ])
    return table.table.name
  }

  /// Adds a row in the shape of a legacy table; false where the measurement does not fit it exactly.
  private func write(_ draft: MetricDraft, _ moment: Timestamp, into table: SQLiteTable) throws -> Bool {
    let roles = table.table.roles
    guard let name = roles[.name], let value = roles[.value], let timePlace = roles[.time],
      ["value", "metric_value"].contains(table.table.columns[value].name.lowercased()),
      [.text, .none].contains(table.affinity(name)), [.real, .none].contains(table.affinity(value)),
      draft.unit == nil || roles[.unit] != nil, draft.metadata.isEmpty || roles[.metadata] != nil
    else { return false }
    let column = SQLiteIdentifier.quoted(table.table.columns[timePlace].name)
    let sample = try connection.queryOne(
      "SELECT \(column) FROM \(table.quotedName) WHERE \(column) IS NOT NULL LIMIT 1")?[0]
    let spelling = TimeSpelling(
      like: sample ?? .null, declaredType: table.table.columns[timePlace].declaredType)
    let spelled = spelling.value(moment, zone: time.naiveZone)
    // A time that was asked for is kept to the microsecond, or not here.
    if draft.time != nil, time.microseconds(of: spelled) != moment.microseconds { return false }
    var columns: [Int: SQLiteValue] = [
      name: .text(draft.name), value: .real(draft.value), timePlace: spelled,
    ]
    if let place = roles[.unit] { columns[place] = draft.unit.map(SQLiteValue.text) ?? .null }
    if let place = roles[.metadata], !draft.metadata.isEmpty {
      columns[place] = .text(JSON.object(draft.metadata).jsonbText)
    }
    if let place = roles[.agent] { columns[place] = .text(agent) }
    guard columns.count == Set([name, value, timePlace]).union(columns.keys).count,
      Set([name, value, timePlace]).count == 3, table.requiredColumns.isSubset(of: columns.keys)
    else { return false }
    return try insert(columns, into: table)
  }

  private func insert(_ columns: [Int: SQLiteValue], into table: SQLiteTable) throws -> Bool {
    let places = columns.keys.sorted()
    let names = places.map { SQLiteIdentifier.quoted(table.table.columns[$0].name) }.joined(separator: ", ")
    let marks = places.map { _ in "?" }.joined(separator: ", ")
    do {
      return try connection.transaction {
        try connection.execute(
          "INSERT INTO \(table.quotedName) (\(names)) VALUES (\(marks))", places.compactMap { columns[$0] })
          == 1
      }
    } catch let error as SQLiteError where [.constraint, .mismatch, .error].contains(error.code.primary) {
      return false
    }
  }
}
