// Puts the imported rows of one table back, some at a time.

import AgentBase
import Postgres
import SQLite

/// What became of a table.
struct RestoredTable: Sendable {
  let table: ArchivedTable
  /// Rows that stand in it again.
  var restored = 0
  /// Rows that agents have deleted since, and which are not in it.
  var deleted = 0
  /// Rows whose place in a unique index a newer one has: they are only in Postgres.
  var replaced = 0
  /// The places of rows that cannot be made again: what Postgres holds of them is not of our making.
  var faulty: [Int64] = []

  /// Puts rows into the table and counts them.
  fileprivate mutating func put(_ rows: [(rowID: Int64, values: [SQLiteValue])], with builder: FileBuilder)
    async throws
  {
    let taken = try await builder.insert(rows, into: table.table).count
    restored += rows.count - taken
    replaced += taken
  }

  /// Puts rows into the table that Postgres could not hold.
  fileprivate mutating func put(
    _ rejects: [(sourceRow: Int64, values: JSON)], with builder: FileBuilder
  ) async throws {
    try await put(values(of: rejects), with: builder)
  }

  /// The raw values of rows that Postgres could not hold; those that are kept by their size alone cannot be made again.
  fileprivate mutating func values(
    of rejects: [(sourceRow: Int64, values: JSON)]
  ) -> [(rowID: Int64, values: [SQLiteValue])] {
    rejects.compactMap { reject in
      if let values = RawValue.values(of: table.table, json: reject.values) {
        return (reject.sourceRow, values)
      }
      faulty.append(reject.sourceRow)
      return nil
    }
  }
}

/// The restoration of one table.
struct TableRestoration: Sendable {
  let archive: Archive
  let table: ArchivedTable
  let builder: FileBuilder
  let onEvent: @Sendable (ImportEvent) -> Void

  /// Rows that are fetched at once.
  private static let batch = 500

  /// Puts back the rows that Postgres holds, and those that it could not hold.
  func run() async throws -> RestoredTable {
    let isCounted = try await builder.countsRows(of: table.table)
    let rejects = try await archive.rejects(of: table)
    var restored = try await restoreRows(byPlace: isCounted, among: isCounted ? rejects : [])
    if !isCounted { try await restored.put(rejects, with: builder) }
    restored.deleted = try await archive.deletions(of: table)
    return restored
  }

  /// Puts back the rows that Postgres holds.
  ///
  /// - Parameters:
  ///   - byPlace: whether SQLite counts the rows as they come, so that they have to come in the order of their places.
  ///   - rejects: rows that Postgres could not hold and that take their places among the others.
  private func restoreRows(
    byPlace: Bool, among rejects: [(sourceRow: Int64, values: JSON)]
  ) async throws -> RestoredTable {
    try await archive.connection.transaction(.readOnlySnapshot) { connection in
      var restored = RestoredTable(table: table)
      var rejects = rejects[...]
      var rows = CursorRows(connection: connection, batch: Self.batch)
      try await rows.open(archive.rows(of: table, byPlace: byPlace))
      while let batch = try await rows.nextBatch() {
        var decoded: [(rowID: Int64, values: [SQLiteValue])] = []
        for row in batch {
          let place = try row.decode(2, as: Int64.self)
          while let reject = rejects.first, reject.sourceRow < place {
            rejects.removeFirst()
            decoded += restored.values(of: [reject])
          }
          if let values = try values(of: row, place: place) {
            decoded.append((place, values))
          } else {
            restored.faulty.append(place)
          }
        }
        try await restored.put(decoded, with: builder)
        onEvent(.advanced(.restoring, rows: decoded.count))
      }
      try await restored.put(Array(rejects), with: builder)
      return restored
    }
  }

  /// The values of a row; nil where they cannot be made again.
  private func values(of row: PostgresRow, place: Int64) throws -> [SQLiteValue]? {
    guard let object = try row.decode(0, as: String?.self),
      let legacyID = try row.decode(1, as: String?.self),
      let object = try? JSON(parsing: object), let legacyID = try? JSON(parsing: legacyID)
    else { return nil }
    let exact = try row.decode(3, as: String?.self).flatMap { try? JSON(parsing: $0) }
    return RowDecoder(table: table.table).values(
      object: object, legacyID: legacyID, exact: exact, sourceRow: place)
  }
}
