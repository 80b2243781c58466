// What tells rows of legacy tables that mirror our own from those that an agent's old code wrote.

import SQLite

/// The conditions on rows that `agentbase_mirrors` stands for.
package enum MirrorSQL {
  /// Names the rows of legacy tables that mirror rows of ours.
  package static let table = "agentbase_mirrors"
  /// The step of the file's schema that makes it.
  static let step = 8

  /// A legacy table, and the name by which its rowid is read.
  package struct Source {
    let table: LegacyTable
    let rowIDName: String?

    package init(_ table: LegacyTable, rowIDName: String?) {
      self.table = table
      self.rowIDName = rowIDName
    }

    /// What finds a row again: its rowid, or its key where it has none; nil where the table gives no way.
    func place(_ alias: String) -> String? {
      if let rowIDName { return "\(alias).\(rowIDName)" }
      guard table.keyColumns.count == 1 else { return nil }
      return alias + "." + SQLiteIdentifier.quoted(table.columns[table.keyColumns[0]].name)
    }

    /// The digest of a row.
    func digest(_ alias: String) -> String { MirrorSQL.digest(of: table, alias) }

    var quotedName: String { "main." + SQLiteIdentifier.quoted(table.name) }
    fileprivate var literal: String { "'" + table.name.replacing("'", with: "''") + "'" }
  }

  /// The digest of a table's row.
  package static func digest(of table: LegacyTable, _ alias: String) -> String {
    "row_digest("
      + table.columns.map { alias + "." + SQLiteIdentifier.quoted($0.name) }.joined(separator: ", ") + ")"
  }

  /// Holds for the rows of a legacy table, called `t`, that mirror none of ours; nil where none of its rows can.
  package static func isNoMirror(_ source: Source) -> String? {
    guard let place = source.place("t"), source.table.columns.count <= SQLiteRowDigest.mostValues else {
      return nil
    }
    // The plus has the place be compared as it is, without the column's affinity and collation.
    return "NOT EXISTS (SELECT 1 FROM main.\(table) AS mirror WHERE mirror.source = \(source.literal)"
      + " AND mirror.place = +\(place) AND mirror.digest = \(source.digest("t")))"
  }

  /// Holds for the rows of a table of ours, called `t`, whose mirrors in these tables are as they were written, or not there at all;
  /// nil where there can be none.
  package static func stands(own: String, among sources: [Source]) -> String? {
    let conditions = sources.compactMap { source -> String? in
      guard let place = source.place("legacy"), source.table.columns.count <= SQLiteRowDigest.mostValues
      else {
        return nil
      }
      return
        "NOT EXISTS (SELECT 1 FROM main.\(table) AS mirror WHERE mirror.own = '\(own)' AND mirror.own_id = t.id"
        + " AND mirror.source = \(source.literal) AND NOT EXISTS (SELECT 1 FROM \(source.quotedName) AS legacy"
        + " WHERE \(place) = mirror.place AND \(source.digest("legacy")) = mirror.digest))"
    }
    return conditions.isEmpty ? nil : conditions.joined(separator: " AND ")
  }
}
