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

  /// Measurements, the newest first.
  func find(_ query: MetricQuery) throws -> [AgentMetric] {
    var newest = NewestRows<AgentMetric>(limit: query.limit)
    for table in catalog.tables(of: .metrics) {
      let reader = SQLiteRowReader(table: table, agent: agent, time: time)
      var sql = table.selectSQL
      var values: [SQLiteValue] = []
      if table.isOwn {
        sql += " WHERE agent_id = ? AND timestamp >= ?"
        values = [.text(agent), .text(query.since.map { Timestamp(microseconds: $0).text } ?? "")]
        if let name = query.name {
          sql += " AND metric_name = ?"
          values.append(.text(name))
        }
        sql += " ORDER BY timestamp DESC, id DESC LIMIT \(query.limit)"
      }
      var found = newest
      try connection.forEachRow(sql, values) { row in
        guard reader.belongsToAgent(row) else { return }
        let time = reader.time(.time, row)
        if let since = query.since, time.map({ $0.microseconds < since }) ?? true { return }
        let fields = LegacyFields(table: table.table, time: self.time) { row.value($0 + 1) }
        let name = fields.metricName
        if let wanted = query.name, !wanted.isExactly(name) { return }
        let rank = SQLiteRank(
          time: time, rowID: table.rowIDName == nil ? 0 : row.integer(0), table: ExactText(table.table.name))
        guard found.takes(rank) else { return }
        found.add(
          rank,
          AgentMetric(
            name: name, value: fields[.value].flatMap(LegacyConversion.number), unit: fields.text(.unit),
            metadata: reader.metadata(row), timestamp: time?.date, isImported: false))
      }
      newest = found
    }
    return newest.sorted
  }

  // MARK: - Writing

  /// Records a measurement: in a legacy table where one is simple enough, else in our own.
  func record(_ draft: MetricDraft, makeOwnTable: () throws -> SQLiteTable) throws {
    let moment = draft.time.map { Timestamp(microseconds: $0) } ?? .now
    for table in catalog.tables(of: .metrics) where !table.isOwn {
      if try write(draft, moment, into: table) { return }
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

/// The newest rows that were seen, as many as are asked for.
struct NewestRows<Value> {
  let limit: Int
  private var rows: [(rank: SQLiteRank, value: Value)] = []
  private var oldestKept: SQLiteRank?

  init(limit: Int) { self.limit = limit }

  /// Whether a row of this rank can still be among them.
  func takes(_ rank: SQLiteRank) -> Bool { oldestKept.map { rank > $0 } ?? true }

  mutating func add(_ rank: SQLiteRank, _ value: Value) {
    rows.append((rank, value))
    guard rows.count >= 2 * limit + 100 else { return }
    rows.sort { $0.rank > $1.rank }
    rows.removeLast(rows.count - limit)
    oldestKept = rows.last?.rank
  }

  var sorted: [Value] { rows.sorted { $0.rank > $1.rank }.prefix(limit).map(\.value) }
}
