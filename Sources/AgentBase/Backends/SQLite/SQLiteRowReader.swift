// Reads the rows of one table by the same rules as the import, column by column, so that what is not needed is not copied.

import Foundation
import SQLite

/// Reads rows that a statement of `SQLiteTable.selectSQL` stands on.
struct SQLiteRowReader {
  let table: SQLiteTable
  let agent: String
  let time: LegacyTime

  private var legacy: LegacyTable { table.table }

  /// The value of the column that plays a part; nil where there is none.
  func value(_ role: LegacyRole, _ row: borrowing SQLiteStatement) -> SQLiteValue? {
    guard let place = legacy.roles[role] else { return nil }
    return row.value(place + 1)
  }

  /// Its text; nil for NULL and where there is no such column.
  func text(_ role: LegacyRole, _ row: borrowing SQLiteStatement) -> String? {
    value(role, row).flatMap(LegacyConversion.text)
  }

  /// Its time; nil where there is none that can be read.
  func time(_ role: LegacyRole, _ row: borrowing SQLiteStatement) -> Timestamp? {
    value(role, row).flatMap(time.microseconds).map { Timestamp(microseconds: $0) }
  }

  // MARK: - Whose row it is, and which

  /// Whether the row is the agent's: a legacy row without an agent is everybody's.
  func belongsToAgent(_ row: borrowing SQLiteStatement) -> Bool {
    guard let owner = text(.agent, row), !owner.isEmpty else { return !table.isOwn }
    return owner.isExactly(agent)
  }

  /// The row's key: its primary key, or its rowid.
  func legacyKey(_ row: borrowing SQLiteStatement) -> LegacyKey {
    var values: [SQLiteValue] = []
    for place in legacy.keyColumns { values.append(row.value(place + 1)) }
    return LegacyKey(values: values, rowID: table.rowIDName == nil ? nil : row.integer(0))
  }

  /// A memory's key, or a tool's name: its own column, or the primary key as text.
  func name(_ role: LegacyRole, _ row: borrowing SQLiteStatement) -> String {
    if let text = text(role, row), !text.isEmpty { return text }
    return legacyKey(row).text
  }

  /// A memory's namespace.
  func namespace(_ row: borrowing SQLiteStatement) -> String { text(.namespace, row) ?? "" }

  /// Where the row is, to change or remove it; nil where the table gives no way.
  func location(_ row: borrowing SQLiteStatement) -> SQLiteLocation? {
    if let name = table.rowIDName {
      return SQLiteLocation(condition: "\(name) = ?", values: [.integer(row.integer(0))])
    }
    guard !legacy.keyColumns.isEmpty else { return nil }
    let columns = legacy.keyColumns.map { SQLiteIdentifier.quoted(legacy.columns[$0].name) + " IS ?" }
    return SQLiteLocation(condition: columns.joined(separator: " AND "), values: legacyKey(row).values)
  }

  /// How new the row is among the rows of its name.
  func rank(_ row: borrowing SQLiteStatement) -> SQLiteRank {
    SQLiteRank(
      time: time(.updatedAt, row) ?? time(.createdAt, row),
      rowID: table.rowIDName == nil ? 0 : row.integer(0),
      table: ExactText(legacy.name))
  }

  // MARK: - The row as JSON

  /// The row as a JSON object, without its primary key.
  func object(_ row: borrowing SQLiteStatement) -> LegacyObject {
    var members: [(name: String, value: JSON)] = []
    var marks: [(name: String, value: JSON)] = []
    for place in legacy.contentColumns {
      let exact = ExactValue(row.value(place + 1))
      members.append((legacy.columns[place].name, exact.json))
      if let mark = exact.mark { marks.append((legacy.columns[place].name, mark)) }
    }
    return LegacyObject(
      members: JSONObject(members), marks: marks.isEmpty ? nil : .object(JSONObject(marks)))
  }

  /// A memory's value.
  func memoryValue(_ row: borrowing SQLiteStatement) -> MemoryValue {
    guard let place = legacy.roles[.value] else { return object(row).value }
    let value = row.value(place + 1)
    if table.isOwn, case .text(let text) = value { return MemoryValue(storedText: text) }
    let exact = ExactValue(value)
    return MemoryValue(legacy: exact.json, mark: exact.mark)
  }

  /// The row's own metadata.
  func metadata(_ row: borrowing SQLiteStatement) -> JSONObject {
    value(.metadata, row).flatMap(LegacyConversion.metadata) ?? [:]
  }
}

/// A condition that finds one row.
struct SQLiteLocation: Sendable {
  let condition: String
  let values: [SQLiteValue]
}

/// How new a row is: by its time, none being the oldest, then by its rowid, then by its table's name. The imported rows of a
/// key are ordered in the same way.
struct SQLiteRank: Comparable, Sendable {
  let time: Timestamp?
  let rowID: Int64
  let table: ExactText

  static func < (left: SQLiteRank, right: SQLiteRank) -> Bool {
    if left.time != right.time {
      guard let leftTime = left.time else { return true }
      guard let rightTime = right.time else { return false }
      return leftTime < rightTime
    }
    return left.rowID != right.rowID ? left.rowID < right.rowID : left.table < right.table
  }
}
