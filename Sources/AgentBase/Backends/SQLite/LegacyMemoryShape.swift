// How a memory is written into a legacy table so that the agent that made the table reads it.

import Foundation
import SQLite

/// A legacy memory table that memories can be written into: it has a column for the key and one for the value.
struct LegacyMemoryShape {
  let table: SQLiteTable
  private let roles: [LegacyRole: Int]

  /// Nil where a table has not the columns that it takes.
  init?(_ table: SQLiteTable) {
    let roles = table.table.roles
    guard let key = roles[.key], let value = roles[.value], key != value, !table.isOwn,
      [.text, .none].contains(table.affinity(key))
    else { return nil }
    self.table = table
    self.roles = roles
  }

  /// The values of a row by the places of their columns, and the time that tells how new it is.
  struct Values {
    var columns: [Int: SQLiteValue]
    var time: SQLiteValue?
  }

  /// The row of a memory in the table's own shape; nil where the memory needs what the table lacks.
  ///
  /// - Parameters:
  ///   - sample: a value of the table, for the spelling.
  ///   - isNew: whether a row is added; else one is changed, and keeps its other columns.
  func values(
    _ draft: MemoryDraft, agent: String, now: Timestamp, sample: SQLiteValue?, zone: TimeZone,
    _ connection: SQLiteConnection, isNew: Bool
  ) throws -> Values? {
    guard let key = roles[.key], let value = roles[.value], draft.embedding == nil,
      roles[.namespace] != nil || draft.namespace.isEmpty,
      let written = ValueSpelling.value(
        storedText: draft.valueText, like: sample, affinity: table.affinity(value))
    else { return nil }
    var columns: [Int: SQLiteValue] = [key: .text(draft.key), value: written]
    if let place = roles[.namespace] {
      columns[place] =
        draft.namespace.isEmpty && !table.notNullColumns.contains(place) ? .null : .text(draft.namespace)
    }
    // A row that is everybody's stays so.
    if let place = roles[.agent], isNew { columns[place] = .text(agent) }
    guard set(metadata: draft, in: &columns), clearEmbedding(in: &columns),
      try set(expiry: draft, now: now, zone: zone, in: &columns, connection)
    else { return nil }

    var time: SQLiteValue?
    for role in [LegacyRole.createdAt, .updatedAt] {
      guard let place = roles[role] else { continue }
      // Without a column for changes, the time of the row is that of its last value, as with INSERT OR REPLACE.
      guard role == .updatedAt || isNew || roles[.updatedAt] == nil else { continue }
      let spelled = try spelling(of: place, role, connection).value(now, zone: zone)
      columns[place] = spelled
      time = spelled
    }
    if isNew, !table.requiredColumns.isSubset(of: columns.keys) { return nil }
    return Values(columns: columns, time: time)
  }

  private func set(metadata draft: MemoryDraft, in columns: inout [Int: SQLiteValue]) -> Bool {
    guard let place = roles[.metadata] else { return draft.metadata.isEmpty }
    let text = SQLiteValue.text(JSON.object(draft.metadata).jsonbText)
    guard table.affinity(place).keeps(text) || table.affinity(place) == .text else { return false }
    columns[place] = draft.metadata.isEmpty && !table.notNullColumns.contains(place) ? .null : text
    return true
  }

  /// The vector of the value that was there would be a wrong one.
  private func clearEmbedding(in columns: inout [Int: SQLiteValue]) -> Bool {
    guard let place = roles[.embedding] else { return true }
    columns[place] = .null
    return !table.notNullColumns.contains(place)
  }

  private func set(
    expiry draft: MemoryDraft, now: Timestamp, zone: TimeZone, in columns: inout [Int: SQLiteValue],
    _ connection: SQLiteConnection
  ) throws -> Bool {
    guard let place = roles[.expiresAt] else { return draft.timeToLive == nil }
    guard let timeToLive = draft.timeToLive else {
      columns[place] = .null
      return !table.notNullColumns.contains(place)
    }
    // A column of whole seconds ends a memory up to a second early: too much of a short life.
    guard timeToLive >= 60_000_000 else { return false }
    columns[place] = try spelling(of: place, .expiresAt, connection)
      .value(Timestamp(microseconds: now.microseconds + timeToLive), zone: zone)
    return true
  }

  // MARK: - The table's own spellings

  /// A moment as the column of expiry spells it; nil where there is none.
  func spelled(
    _ expiresAt: Timestamp, zone: TimeZone, _ connection: SQLiteConnection
  ) throws -> SQLiteValue? {
    guard let place = roles[.expiresAt] else { return nil }
    return try spelling(of: place, .expiresAt, connection).value(expiresAt, zone: zone)
  }

  /// The last value of a column that is not NULL.
  func sample(_ role: LegacyRole, _ connection: SQLiteConnection) throws -> SQLiteValue? {
    guard let column = table.column(role) else { return nil }
    let order = table.rowIDName.map { " ORDER BY \($0) DESC" } ?? ""
    return try connection.queryOne(
      "SELECT \(column) FROM \(table.quotedName) WHERE \(column) IS NOT NULL\(order) LIMIT 1")?[0]
  }

  private func spelling(
    of place: Int, _ role: LegacyRole, _ connection: SQLiteConnection
  ) throws -> TimeSpelling {
    TimeSpelling(
      like: try sample(role, connection) ?? .null, declaredType: table.table.columns[place].declaredType)
  }

  // MARK: - Writing

  /// Changes the row at a location, or adds one where there is none.
  func write(_ values: Values, at location: SQLiteLocation?, _ connection: SQLiteConnection) throws {
    let places = values.columns.keys.sorted()
    let names = places.map { SQLiteIdentifier.quoted(table.table.columns[$0].name) }
    let bound = places.compactMap { values.columns[$0] }
    if let location {
      let list = names.map { "\($0) = ?" }.joined(separator: ", ")
      try connection.execute(
        "UPDATE \(table.quotedName) SET \(list) WHERE \(location.condition)", bound + location.values)
    } else {
      let marks = names.map { _ in "?" }.joined(separator: ", ")
      try connection.execute(
        "INSERT INTO \(table.quotedName) (\(names.joined(separator: ", "))) VALUES (\(marks))", bound)
    }
  }
}
