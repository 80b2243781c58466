// What mirrors are made of: rows of our own, the legacy tables that may take them, and the mirrors that are there.

import Foundation
import SQLite

extension SQLiteMirrors {
  /// The mirror of a row of ours; nil where it has none.
  func mirror(_ own: SQLiteTable, _ rowID: Int64) throws -> Mirror? {
    try connection.queryOne(
      "SELECT source, place, digest FROM main.\(MirrorSQL.table) WHERE own = ? AND own_id = ?",
      [.text(own.table.name), .integer(rowID)]
    ).map { Mirror(source: $0[0].string ?? "", place: $0[1], digest: $0[2].int64 ?? 0) }
  }

  /// Whether a mirror is as it was written.
  func isIntact(_ mirror: Mirror, in table: SQLiteTable) throws -> Bool {
    guard let place = table.source.place("t") else { return false }
    return try connection.queryOne(
      "SELECT 1 FROM \(table.quotedName) AS t WHERE \(place) = ? AND \(table.source.digest("t")) = ?",
      [mirror.place, .integer(mirror.digest)]) != nil
  }

  /// A row of ours, whatever became of its mirror.
  func ownRow(_ own: SQLiteTable, _ rowID: Int64) throws -> OwnRow? {
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
  func renderings(of kind: LegacyKind) throws -> [LegacyRendering] {
    if let read = tablesRead[kind] { return read }
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
    tablesRead[kind] = made
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
