// How a row of ours reads in the columns of a legacy table: the import's mapping, the other way round. Pure.

import Foundation
import SQLite

/// Why a legacy table cannot take a row.
struct LegacyMisfit: Error, Hashable {
  /// What stands behind the table's name in a report: "needs a value for …".
  var reason: String

  init(_ reason: String) { self.reason = reason }
}

/// A row of one of our own tables, by the parts that its columns play.
struct OwnRow {
  let kind: LegacyKind
  /// The values that are not NULL.
  let fields: [LegacyRole: SQLiteValue]
  /// What stands for the row where a table's key is a text that nobody chooses.
  let identity: String

  subscript(role: LegacyRole) -> SQLiteValue? { fields[role] }

  func text(_ role: LegacyRole) -> String? { fields[role]?.string }
}

/// How rows of ours are spelled in a legacy table.
struct LegacyRendering {
  let table: SQLiteTable
  /// Values of the table's last rows by the places of the columns, the newest first, without NULLs: what new ones are spelled like.
  let samples: [[SQLiteValue]]
  /// The zone of naive times.
  let zone: TimeZone

  private var legacy: LegacyTable { table.table }
  private var roles: [LegacyRole: Int] { legacy.roles }

  /// The columns of a row by their places; of those that it has no value for, NULL.
  ///
  /// - Throws: `LegacyMisfit` where the table lacks what the row needs, or needs what the row lacks.
  func columns(of row: OwnRow) throws(LegacyMisfit) -> [Int: SQLiteValue] {
    if !legacy.hasRowID, legacy.keyColumns.count != 1 {
      throw LegacyMisfit("has a key of several columns, and no rowid")
    }
    if legacy.columns.count > SQLiteRowDigest.mostValues { throw LegacyMisfit("has too many columns") }
    var columns: [Int: SQLiteValue] = [:]
    // Where one column plays two parts, the time at which a row was made is the lesser one.
    func order(_ role: LegacyRole) -> Int { role == .createdAt ? .max : role.rawValue }
    for (role, place) in roles.sorted(by: { order($0.key) < order($1.key) }) {
      let value = try value(of: role, at: place, row)
      if columns[place] == nil || columns[place] == .null { columns[place] = value ?? .null }
    }
    try setNames(of: row, in: &columns)
    for place in table.notNullColumns where columns[place] == .null {
      // A default of the table's own is better than an empty value.
      columns[place] = table.requiredColumns.contains(place) ? empty(place) : nil
    }
    for place in table.requiredColumns.sorted() where columns[place] ?? .null == .null {
      throw LegacyMisfit("needs a value for its column \(legacy.columns[place].name)")
    }
    return columns
  }

  // MARK: - What the kinds need

  /// Sets what a row is called by, and refuses what the table cannot say.
  private func setNames(of row: OwnRow, in columns: inout [Int: SQLiteValue]) throws(LegacyMisfit) {
    var key: Int? { legacy.rowIDColumn == nil && legacy.keyColumns.count == 1 ? legacy.keyColumns[0] : nil }
    switch row.kind {
    case .memories:
      guard roles[.value] != nil else { throw LegacyMisfit("has no column for the value") }
      if row[.expiresAt] != nil, roles[.expiresAt] == nil {
        throw LegacyMisfit("has no column for the time at which a memory ends")
      }
      let isNamed = roles[.key] != nil || key != nil
      if isNamed, roles[.namespace] == nil, row.text(.namespace)?.isEmpty == false {
        throw LegacyMisfit("has no column for the namespace")
      }
      if roles[.key] == nil, let key { columns[key] = row[.key] }
    case .tools:
      if roles[.name] == nil, key == nil { throw LegacyMisfit("has no column for the name") }
      if roles[.name] == nil, let key { columns[key] = row[.name] }
      setConfiguration(of: row, in: &columns)
    case .metrics:
      guard let value = roles[.value] else { throw LegacyMisfit("has no column for the value") }
      guard roles[.name] != nil else { throw LegacyMisfit("has no column for the name") }
      let name = legacy.columns[value].name.lowercased()
      guard
        ["value", "metric_value", "score"].contains(name)
          || (name.hasSuffix("_ms") && row.text(.unit) == "ms")
      else { throw LegacyMisfit("has the column \(name) for the value, which means something else") }
    case .executions:
      guard roles[.name] != nil else { throw LegacyMisfit("has no column for the task") }
    }
    if let key, columns[key] ?? .null == .null, table.requiredColumns.contains(key) {
      columns[key] = .text(row.identity)
    }
  }

  /// A tool's configuration goes where old code has its parameters, if there is no column of the name.
  private func setConfiguration(of row: OwnRow, in columns: inout [Int: SQLiteValue]) {
    guard roles[.configuration] == nil else { return }
    let names = ["parameters", "params", "arguments", "args", "settings", "schema", "definition"]
    let places = Dictionary(
      legacy.columns.enumerated().map { ($0.element.name.lowercased(), $0.offset) },
      uniquingKeysWith: { first, _ in first })
    guard let place = names.lazy.compactMap({ places[$0] }).first else { return }
    columns[place] = row[.configuration] == "{}" ? .null : row[.configuration]
  }

  /// What stands in a column that refuses NULL, where the row has nothing for it; nil where nothing could.
  private func empty(_ place: Int) -> SQLiteValue? {
    switch roles.first(where: { $0.value == place })?.key {
    case .description, .unit, .errorMessage, .namespace: ""
    case .metadata, .configuration: "{}"
    case .usageCount, .successCount, .failureCount: 0
    default: nil
    }
  }

  // MARK: - Values

  /// The value of a column that plays a part; nil where the row has none.
  private func value(of role: LegacyRole, at place: Int, _ row: OwnRow) throws(LegacyMisfit) -> SQLiteValue? {
    switch role {
    case .createdAt:
      // Without a column for changes, the time of a row is that of its last value, as with INSERT OR REPLACE.
      let role: LegacyRole = row.kind == .memories && roles[.updatedAt] == nil ? .updatedAt : .createdAt
      return try time(role, at: place, row)
    case .updatedAt, .expiresAt, .time, .startedAt, .completedAt, .lastUsedAt:
      return try time(role, at: place, row)
    case .value where row.kind == .memories: return memoryValue(row, at: place)
    case .embedding: return row[.embedding].map { embedding($0, at: place) }
    case .isEnabled: return row[.isEnabled].map { flag($0 != 0, at: place) }
    case .status: return status(row, at: place)
    case .metadata: return row[.metadata] == "{}" ? nil : row[.metadata]
    case .namespace: return row.text(.namespace)?.isEmpty == false ? row[.namespace] : nil
    case .durationSeconds:
      return row[.durationMilliseconds]?.double.map { .real($0 / 1000) }
    // What our own rows have and no legacy table means.
    case .timedCount, .timedMilliseconds, .version, .replacedAt: return nil
    default: return row[role]
    }
  }

  private func time(_ role: LegacyRole, at place: Int, _ row: OwnRow) throws(LegacyMisfit) -> SQLiteValue? {
    guard let value = row[role], let moment = LegacyTime().microseconds(of: value) else { return nil }
    let spelling = TimeSpelling(
      like: samples[place].first ?? .null, declaredType: legacy.columns[place].declaredType)
    return spelling.value(Timestamp(microseconds: moment), zone: zone)
  }

  /// A memory's value: text as it is, among text that is no JSON or where nothing is yet; else as JSON text, or a number.
  private func memoryValue(_ row: OwnRow, at place: Int) -> SQLiteValue? {
    guard let stored = row.text(.value) else { return nil }
    let plain = samples[place].first { sample in
      sample.string.map { (try? JSON(parsing: $0)) == nil } ?? false
    }
    let isJSON = legacy.columns[place].declaredType.uppercased().contains("JSON")
    let sample = plain ?? samples[place].first ?? (isJSON ? "{}" : "plain text")
    return ValueSpelling.value(storedText: stored, like: sample, affinity: table.affinity(place))
      ?? .text(stored)
  }

  private func embedding(_ value: SQLiteValue, at place: Int) -> SQLiteValue {
    let isText =
      samples[place].first.map { $0.string != nil } ?? (table.affinity(place) == .text)
    guard isText, let numbers = LegacyConversion.embedding(value) else { return value }
    return .text("[" + numbers.map(\.description).joined(separator: ", ") + "]")
  }

  /// A switch as the column spells it.
  private func flag(_ isOn: Bool, at place: Int) -> SQLiteValue {
    guard let sample = samples[place].first?.string?.lowercased() else {
      let isText = samples[place].isEmpty && table.affinity(place) == .text
      return isText ? .text(isOn ? "true" : "false") : .integer(isOn ? 1 : 0)
    }
    let words = [
      ("true", "false"), ("yes", "no"), ("on", "off"), ("enabled", "disabled"), ("active", "inactive"),
      ("t", "f"), ("y", "n"), ("1", "0"),
    ].first { sample == $0.0 || sample == $0.1 }
    return .text(isOn ? words?.0 ?? "true" : words?.1 ?? "false")
  }

  /// An execution's status: its word, or whether it went well where the column says that by a number.
  private func status(_ row: OwnRow, at place: Int) -> SQLiteValue? {
    let isNumber =
      legacy.columns[place].name.lowercased() == "success" || samples[place].first?.int64 != nil
    guard isNumber else { return row[.status] }
    switch AgentExecution.Status(rawValue: row.text(.status) ?? "") {
    case .completed: return 1
    case .failed, .cancelled: return 0
    default: return nil
    }
  }
}
