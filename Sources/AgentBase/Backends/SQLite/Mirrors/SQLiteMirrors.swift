// Rows of our own tables in the legacy tables beside them, so that the agent's old code reads what the library wrote.
//
// Ours is the row that counts, with all that it says; its mirror says what the legacy table has columns for. Readers and the import
// pass mirrors by, until the old code changes or deletes one: then that counts, and our row behind it no more.

import Foundation
import SQLite

/// The mirrors of an agent's rows within one write transaction.
final class SQLiteMirrors {
  private let connection: SQLiteConnection
  private let catalog: SQLiteCatalog
  private let agent: String
  private let zone: TimeZone
  /// Whether tables that do not say whose a row is are the agent's own.
  private let ownsFile: Bool
  /// What was read of the tables.
  private var renderings: [LegacyKind: [LegacyRendering]] = [:]

  init(
    connection: SQLiteConnection, catalog: SQLiteCatalog, agent: String, zone: TimeZone, ownsFile: Bool = true
  ) {
    self.connection = connection
    self.catalog = catalog
    self.agent = agent
    self.zone = zone
    self.ownsFile = ownsFile
  }

  /// A mirror, as it was written.
  private struct Mirror {
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

  // MARK: - Reading

  private func mirror(_ own: SQLiteTable, _ rowID: Int64) throws -> Mirror? {
    try connection.queryOne(
      "SELECT source, place, digest FROM main.\(MirrorSQL.table) WHERE own = ? AND own_id = ?",
      [.text(own.table.name), .integer(rowID)]
    ).map { Mirror(source: $0[0].string ?? "", place: $0[1], digest: $0[2].int64 ?? 0) }
  }

  /// Whether a mirror is as it was written.
  private func isIntact(_ mirror: Mirror, in table: SQLiteTable) throws -> Bool {
    guard let place = table.source.place("t") else { return false }
    return try connection.queryOne(
      "SELECT 1 FROM \(table.quotedName) AS t WHERE \(place) = ? AND \(table.source.digest("t")) = ?",
      [mirror.place, .integer(mirror.digest)]) != nil
  }

  /// A row of ours, whatever became of its mirror.
  private func ownRow(_ own: SQLiteTable, _ rowID: Int64) throws -> OwnRow? {
    let columns = own.table.columns.map { SQLiteIdentifier.quoted($0.name) }.joined(separator: ", ")
    guard
      let row = try connection.queryOne(
        "SELECT \(columns) FROM \(own.quotedName) WHERE id = ?", [.integer(rowID)])
    else { return nil }
    var fields: [LegacyRole: SQLiteValue] = [:]
    for (role, place) in own.table.roles where row[place] != .null { fields[role] = row[place] }
    let named = own.table.columns.firstIndex { $0.name == "execution_id" }
    return OwnRow(
      kind: own.kind, fields: fields,
      identity: named.flatMap { row[$0].string } ?? Self.identity(own.table.name, rowID, row.values))
  }

  /// The same text in the form of a UUID for the same row.
  private static func identity(_ table: String, _ rowID: Int64, _ values: [SQLiteValue]) -> String {
    var hash = StableHash()
    hash.combine("\(table)\u{0}\(rowID)")
    var second = hash
    for value in values { second.combine(LegacyConversion.text(value) ?? "") }
    let digits = [hash.value, second.value].map { value in
      String(repeating: "0", count: 16 - String(value, radix: 16).count) + String(value, radix: 16)
    }.joined()
    return [(0, 8), (8, 4), (12, 4), (16, 4), (20, 12)].map { start, count in
      String(digits.dropFirst(start).prefix(count))
    }.joined(separator: "-")
  }

  /// The tables that may take rows of a kind, the likeliest first: by their names, then those that have keys.
  private func renderings(of kind: LegacyKind) throws -> [LegacyRendering] {
    if let known = renderings[kind] { return known }
    let tables = catalog.tables(of: kind).filter { !$0.isOwn && (ownsFile || $0.table.roles[.agent] != nil) }
    func order(_ table: SQLiteTable) -> (Int, Int, ExactText) {
      (
        LegacyKind.isExact(table.table.name) ? 0 : 1, table.table.roles[.key] == nil ? 1 : 0,
        ExactText(table.table.name)
      )
    }
    let made = try tables.sorted { order($0) < order($1) }.map { table in
      LegacyRendering(table: table, samples: try samples(of: table), zone: zone)
    }
    renderings[kind] = made
    return made
  }

  /// What stands in the columns of the table's last rows.
  private func samples(of table: SQLiteTable) throws -> [[SQLiteValue]] {
    var samples = [[SQLiteValue]](repeating: [], count: table.table.columns.count)
    let order = table.rowIDName.map { " ORDER BY \($0) DESC" } ?? ""
    try connection.forEachRow("\(table.plainSelectSQL)\(order) LIMIT 20") { row in
      for place in samples.indices where row.storageClass(place + 1) != .null {
        samples[place].append(row.value(place + 1))
      }
    }
    return samples
  }
}

extension SQLiteTable {
  /// The table as the conditions on mirrors see it.
  var source: MirrorSQL.Source { MirrorSQL.Source(table, rowIDName: rowIDName) }
}
