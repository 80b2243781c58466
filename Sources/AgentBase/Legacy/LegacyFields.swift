// The fields of a legacy row by the parts that they play, converted.

public import SQLite

/// The values of a row by their roles.
public struct LegacyFields: Sendable {
  private let table: LegacyTable
  private let time: LegacyTime
  private var values: [LegacyRole: SQLiteValue] = [:]

  /// The fields of a row of `table`.
  ///
  /// - Parameter value: the value of the column at a place among the table's columns.
  public init(table: LegacyTable, time: LegacyTime, value: (Int) -> SQLiteValue) {
    self.table = table
    self.time = time
    for (role, place) in table.roles {
      // A memory's value stays in its JSON object: nothing else is made of it.
      if role == .value, table.kind == .memories { continue }
      values[role] = value(place)
    }
  }

  /// The raw value; nil where the table has no such column.
  public subscript(role: LegacyRole) -> SQLiteValue? { values[role] }

  /// The name of the column that plays the part.
  public func columnName(_ role: LegacyRole) -> String? { table.roles[role].map { table.columns[$0].name } }

  /// The text; nil for NULL and where there is no such column.
  public func text(_ role: LegacyRole) -> String? { values[role].flatMap(LegacyConversion.text) }

  /// The time, in microseconds since 1970 UTC; nil where there is none that can be read.
  public func time(_ role: LegacyRole) -> Int64? { values[role].flatMap(time.microseconds) }

  /// JSON text in jsonb's spelling; nil for NULL and where there is no such column.
  public func json(_ role: LegacyRole) -> [UInt8]? {
    values[role].flatMap(LegacyConversion.json).map { Array($0.jsonbText.utf8) }
  }

  // MARK: - Names

  /// A memory's namespace: empty unless the table has one.
  public var namespace: String { text(.namespace) ?? "" }

  /// A memory's key: its key column, or the primary key as text.
  public func key(_ key: LegacyKey) -> String { notEmpty(.key) ?? key.text }

  /// A tool's name: its name column, or the primary key as text.
  public func name(_ key: LegacyKey) -> String { notEmpty(.name) ?? key.text }

  /// A metric's name: its name column, else the name of the column that holds the value, else the table's.
  public var metricName: String { notEmpty(.name) ?? table.metricName }

  private func notEmpty(_ role: LegacyRole) -> String? { text(role).flatMap { $0.isEmpty ? nil : $0 } }

  /// The duration of an execution: milliseconds, or seconds times a thousand.
  public var durationMilliseconds: Double? {
    values[.durationMilliseconds].flatMap(LegacyConversion.number)
      ?? values[.durationSeconds].flatMap(LegacyConversion.number).map { $0 * 1000 }
  }
}
