// The rows of one kind in a SQLite file, by time: our own table and the legacy ones, as one.

import SQLite

/// The metrics or executions of an agent within one transaction.
struct SQLiteRecords {
  let connection: SQLiteConnection
  let catalog: SQLiteCatalog
  let agent: String
  let time: LegacyTime
  let kind: LegacyKind
  /// The part that the time plays by which they are listed.
  let timeRole: LegacyRole

  /// A condition on our own table, whose columns are indexed and hold what they say; legacy rows are looked at one by one.
  struct OwnCondition {
    var column: String
    var value: SQLiteValue

    /// Nil where there is no value to compare with.
    init?(_ column: String, _ text: String?) {
      guard let text else { return nil }
      self.column = column
      value = .text(text)
    }
  }

  /// The newest records that the body makes of rows, as many as asked for, behind a place.
  ///
  /// - Parameter make: the record of a row; nil for a row that is none of those asked for.
  func newest<Record>(
    in range: RecordRange, after place: RecordPlace?, limit: Int, where conditions: [OwnCondition],
    _ make: (SQLiteRowReader, borrowing SQLiteStatement) throws -> Record?
  ) throws -> [Placed<Record>] {
    let last = place.map {
      SQLiteRank(
        time: $0.time.map { Timestamp(microseconds: $0) }, rowID: $0.row ?? 0, table: ExactText($0.tie))
    }
    var newest = NewestRows<Record>(limit: limit)
    // One more than is wanted: the last row of the page before may be answered again, and is left out.
    try scan(in: range, where: conditions, order: (last, limit + 1)) { reader, row, rank in
      if let last, rank >= last { return }
      guard newest.takes(rank), let record = try make(reader, row) else { return }
      newest.add(rank, record)
    }
    return newest.sorted.map { rank, record in
      Placed(
        record: record,
        place: RecordPlace(time: rank.time?.microseconds, row: rank.rowID, tie: rank.table.text))
    }
  }

  /// Lends each row of the agent in a range to the body, with its rank.
  func scan(
    in range: RecordRange, where conditions: [OwnCondition],
    _ body: (SQLiteRowReader, borrowing SQLiteStatement, SQLiteRank) throws -> Void
  ) throws {
    try scan(in: range, where: conditions, order: nil, body)
  }

  private func scan(
    in range: RecordRange, where conditions: [OwnCondition], order: (after: SQLiteRank?, limit: Int)?,
    _ body: (SQLiteRowReader, borrowing SQLiteStatement, SQLiteRank) throws -> Void
  ) throws {
    for table in catalog.tables(of: kind) {
      let reader = SQLiteRowReader(table: table, agent: agent, time: time)
      let (sql, values) =
        table.isOwn ? own(table, range, conditions, order) : (table.selectSQL, [])
      try connection.forEachRow(sql, values) { row in
        guard reader.belongsToAgent(row) else { return }
        let time = reader.time(timeRole, row)
        guard range.contains(time) else { return }
        let rank = SQLiteRank(
          time: time, rowID: table.rowIDName == nil ? 0 : row.integer(0), table: ExactText(table.table.name))
        try body(reader, row, rank)
      }
    }
  }

  /// Reads our own table by its index. Its times sort as text, and no row is without one.
  private func own(
    _ table: SQLiteTable, _ range: RecordRange, _ conditions: [OwnCondition],
    _ order: (after: SQLiteRank?, limit: Int)?
  ) -> (sql: String, values: [SQLiteValue]) {
    let time = table.column(timeRole) ?? "created_at"
    func text(_ microseconds: Int64) -> SQLiteValue { .text(Timestamp(microseconds: microseconds).text) }
    var sql = table.selectSQL + " WHERE agent_id = ? AND \(time) >= ?"
    var values: [SQLiteValue] = [.text(agent), range.from.map(text) ?? ""]
    if let to = range.to {
      sql += " AND \(time) < ?"
      values.append(text(to))
    }
    for condition in conditions {
      sql += " AND \(condition.column) = ?"
      values.append(condition.value)
    }
    guard let order else { return (sql, values) }
    if let after = order.after {
      sql += " AND (\(time), id) <= (?, ?)"
      values += [after.time.map { text($0.microseconds) } ?? "", .integer(after.rowID)]
    }
    return (sql + " ORDER BY \(time) DESC, id DESC LIMIT \(order.limit)", values)
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

  var sorted: [(rank: SQLiteRank, value: Value)] { Array(rows.sorted { $0.rank > $1.rank }.prefix(limit)) }
}
