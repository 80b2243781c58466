// Rows of our own tables in the legacy tables beside them, so that the agent's old code reads what the library wrote.
//
// Ours is the row that counts, with all that it says; its mirror says what the legacy table has columns for. Readers and the import
// pass mirrors by, until the old code changes or deletes one: then that counts, and our row behind it no more.

import Foundation
import SQLite

/// The mirrors of our own rows within one write transaction.
final class SQLiteMirrors {
  let connection: SQLiteConnection
  let catalog: SQLiteCatalog
  let zone: TimeZone
  /// Whether tables that do not say whose a row is are the agent's own.
  let ownsFile: Bool
  /// What was read of the tables.
  var tablesRead: [LegacyKind: [LegacyRendering]] = [:]

  init(
    connection: SQLiteConnection, catalog: SQLiteCatalog, zone: TimeZone, ownsFile: Bool = true
  ) {
    self.connection = connection
    self.catalog = catalog
    self.zone = zone
    self.ownsFile = ownsFile
  }

  /// A mirror, as it was written.
  struct Mirror {
    var source: String
    var place: SQLiteValue
    var digest: Int64
  }

  // MARK: - Writing

  /// Makes the mirror of a row of ours what the row is; makes one where there is none.
  ///
  /// - Returns: why no legacy table took it; nil where one did.
  @discardableResult
  func reflect(_ kind: LegacyKind, rowID: Int64) throws -> LegacyMisfit? {
    guard catalog.hasMirrors(of: kind), let own = catalog.ownTable(of: kind) else {
      return LegacyMisfit("the file has no legacy table of \(kind.rawValue)")
    }
    let known = try mirror(own, rowID)
    guard let row = try ownRow(own, rowID) else {
      try remove(kind, rowID: rowID)
      return nil
    }
    if let known {
      if let rendering = try renderings(of: kind).first(where: { $0.table.table.name == known.source }),
        try isIntact(known, in: rendering.table),
        try write(row, rendering, over: known, own, rowID) == nil
      {
        return nil
      }
      try remove(kind, rowID: rowID)
    }
    var first: LegacyMisfit?
    for rendering in try renderings(of: kind) {
      guard let misfit = try write(row, rendering, over: nil, own, rowID) else { return nil }
      first = first ?? misfit
    }
    return first ?? LegacyMisfit("the file has no legacy table of \(kind.rawValue)")
  }

  /// Removes the mirror of a row of ours, unless the old code has changed it since: then that row is its own.
  func remove(_ kind: LegacyKind, rowID: Int64) throws {
    guard catalog.hasMirrors(of: kind), let own = catalog.ownTable(of: kind),
      let known = try mirror(own, rowID)
    else { return }
    if let table = catalog.tables(of: kind).first(where: { $0.table.name == known.source }),
      try isIntact(known, in: table), let place = table.source.place("t")
    {
      try connection.execute("DELETE FROM \(table.quotedName) AS t WHERE \(place) = ?", [known.place])
    }
    try connection.execute(
      "DELETE FROM main.\(MirrorSQL.table) WHERE own = ? AND own_id = ?",
      [.text(own.table.name), .integer(rowID)])
  }

  /// Writes a row into a legacy table, or changes it there; nothing is written where that does not work out.
  private func write(
    _ row: OwnRow, _ rendering: LegacyRendering, over known: Mirror?, _ own: SQLiteTable, _ rowID: Int64
  ) throws -> LegacyMisfit? {
    let table = rendering.table
    let name = table.table.name
    do {
      let columns = try rendering.columns(of: row)
      try connection.transaction {
        let place = try put(columns, into: table, at: known?.place)
        let digest = try check(columns, of: table, at: place)
        // Where the old code has deleted a row and its place was given anew, our row behind it is gone as well.
        for row in try connection.query(
          "SELECT own_id FROM main.\(MirrorSQL.table) WHERE own = ? AND source = ? AND place = ? AND own_id <> ?",
          [.text(own.table.name), .text(name), place, .integer(rowID)])
        {
          try connection.execute("DELETE FROM \(own.quotedName) WHERE id = ?", [row[0]])
        }
        try connection.execute(
          "INSERT OR REPLACE INTO main.\(MirrorSQL.table) (own, own_id, source, place, digest) VALUES (?, ?, ?, ?, ?)",
          [.text(own.table.name), .integer(rowID), .text(name), place, .integer(digest)])
      }
      return nil
    } catch let misfit as LegacyMisfit {
      return LegacyMisfit("the table \(name) \(misfit.reason)")
    } catch let error as SQLiteError where [.constraint, .mismatch, .error].contains(error.code.primary) {
      // A CHECK, a UNIQUE column, a STRICT type, a reference, a trigger.
      return LegacyMisfit("the table \(name) refuses it: \(error.message)")
    }
  }

  /// Adds a row, or changes the one at a place.
  ///
  /// - Returns: its place.
  private func put(
    _ columns: [Int: SQLiteValue], into table: SQLiteTable, at place: SQLiteValue?
  ) throws -> SQLiteValue {
    let places = columns.keys.sorted().filter { place != nil || columns[$0] != .null }
    let names = places.map { SQLiteIdentifier.quoted(table.table.columns[$0].name) }
    let bound = places.compactMap { columns[$0] }
    if let place, let found = table.source.place("t") {
      try connection.execute(
        "UPDATE \(table.quotedName) AS t SET \(names.map { $0 + " = ?" }.joined(separator: ", ")) WHERE \(found) = ?",
        bound + [place])
    } else {
      try connection.execute(
        "INSERT INTO \(table.quotedName) (\(names.joined(separator: ", "))) VALUES (\(names.map { _ in "?" }.joined(separator: ", ")))",
        bound)
    }
    if table.rowIDName != nil { return place ?? .integer(connection.lastInsertRowID) }
    guard let key = columns[table.table.keyColumns[0]] else {
      throw LegacyMisfit("has a key that nobody knows")
    }
    return key
  }

  /// Reads a row back: triggers, collations and affinities may do what nobody foresaw.
  ///
  /// - Returns: its digest.
  private func check(_ columns: [Int: SQLiteValue], of table: SQLiteTable, at place: SQLiteValue) throws
    -> Int64
  {
    guard let found = table.source.place("t") else { throw LegacyMisfit("gives no way to find a row again") }
    let places = columns.keys.sorted()
    let list = places.map { "t." + SQLiteIdentifier.quoted(table.table.columns[$0].name) }
    let row = try connection.queryOne(
      "SELECT \((list + [table.source.digest("t")]).joined(separator: ", ")) FROM \(table.quotedName) AS t WHERE \(found) = ?",
      [place])
    guard let row else { throw LegacyMisfit("does not keep the row") }
    for (index, column) in places.enumerated() where columns[column] != .null {
      guard Self.reads(row[index], as: columns[column] ?? .null) else {
        throw LegacyMisfit("keeps another value in its column \(table.table.columns[column].name)")
      }
    }
    return row[places.count].int64 ?? 0
  }

  /// Whether a column holds what was written, as text reads it: 5 and '5' and 5.0 are the same.
  private static func reads(_ found: SQLiteValue, as written: SQLiteValue) -> Bool {
    if found == written { return true }
    if let left = LegacyConversion.number(found), let right = LegacyConversion.number(written), left == right
    {
      return found.string == nil && written.string == nil
        || LegacyConversion.text(found) == LegacyConversion.text(written)
    }
    return false
  }
}
