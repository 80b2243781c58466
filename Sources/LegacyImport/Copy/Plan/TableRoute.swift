// From a table of SQLite to a table of Postgres: which column goes where, and what stays behind.

import AgentBase
import Postgres

/// A column on its way.
struct ColumnRoute: Sendable {
  /// The column's place in the source table.
  let place: Int
  let target: TargetColumn
}

/// A table of SQLite with the table of Postgres that its rows go to.
struct TableRoute: Sendable {
  let source: LegacySchema.Table
  let target: TargetTable
  let columns: [ColumnRoute]
  /// By what rows are told from each other; nil where nothing tells them.
  let key: TargetKey?
  /// What does not come along.
  private(set) var omissions: [Omission] = []
  /// Why no row of the source can be loaded, whatever its values; nil where one can.
  let obstacle: String?

  /// Matches columns by their names: spelled alike, else alike but for the case of letters.
  ///
  /// - Parameter renamed: the names that columns were given in Postgres, by their names in SQLite in lower case.
  init(_ source: LegacySchema.Table, to target: TargetTable, renamed: [String: String] = [:]) {
    self.source = source
    self.target = target
    var columns: [ColumnRoute] = []
    var taken: Set<Int> = []
    var omissions: [Omission] = []
    for (place, column) in source.table.columns.enumerated() {
      guard let match = target.columns.named(renamed[column.name.asciiLowercased] ?? column.name, \.name),
        taken.insert(match.number).inserted
      else {
        omissions.append(
          Omission(
            kind: .column, effect: .leftOut, name: column.name, table: source.table.name,
            reason: "\(target.displayName) has no such column: its values are not copied"))
        continue
      }
      if !match.isGenerated {
        columns.append(ColumnRoute(place: place, target: match))
      } else if renamed.isEmpty {
        // In a table that the copy makes, both sides generate the same.
        omissions.append(
          Omission(
            kind: .column, effect: .leftOut, name: column.name, table: source.table.name,
            reason: "\(target.displayName) generates it: its values are not copied, and not compared"))
      }
    }
    self.columns = columns
    self.omissions = omissions
    key = target.identifyingKey(among: Set(columns.map(\.target.number)))
    let missing = target.columns.filter { column in
      column.isNotNull && !column.hasDefault && !column.isGenerated && !taken.contains(column.number)
    }
    obstacle =
      missing.isEmpty
      ? nil
      : "\(target.displayName) wants a value for \(missing.map(\.name).joined(separator: ", ")), which the source does not have"
  }

  /// The columns as SQL text, in the order of the copy.
  var columnList: String {
    columns.map { PostgresIdentifier.quoted($0.target.name) }.joined(separator: ", ")
  }

  /// Whether a column's values go as text, which the server has to read.
  var hasCastColumns: Bool { columns.contains { $0.target.type.isSentAsText } }
}
