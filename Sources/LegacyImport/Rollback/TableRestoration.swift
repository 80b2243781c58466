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
    var rejects = try await archive.rejects(of: table)[...]
    var restored = try await restoreRows(with: &rejects)
    let others = take(&rejects, before: nil, &restored)
    try await restored.put(others, with: builder)
    restored.deleted = try await archive.deletions(of: table)
    return restored
  }

  private func restoreRows(with rejects: inout Rejects) async throws -> RestoredTable {
    let isCounted = try await builder.countsRows(of: table.table)
    var waiting = rejects
    let restored = try await archive.connection.transaction(.readOnlySnapshot) { connection in
      var restored = RestoredTable(table: table)
      var rows = CursorRows(connection: connection, batch: Self.batch)
      try await rows.open(archive.rows(of: table, byPlace: isCounted))
      while let batch = try await rows.nextBatch() {
        var decoded: [(rowID: Int64, values: [SQLiteValue])] = []
        for row in batch {
          let place = try row.decode(2, as: Int64.self)
          // Where SQLite counts the rows, those that were put aside take their places among the others.
          if isCounted { decoded += take(&waiting, before: place, &restored) }
          if let values = try values(of: row, place: place) {
            decoded.append((place, values))
          } else {
            restored.faulty.append(place)
          }
        }
        try await restored.put(decoded, with: builder)
        onEvent(.advanced(rows: decoded.count))
      }
      return restored
    }
    rejects = waiting
    return restored
  }

  private typealias Rejects = ArraySlice<(sourceRow: Int64, values: JSON)>

  /// Takes the rejects before a place, or all of them.
  private func take(
    _ rejects: inout Rejects, before place: Int64?, _ restored: inout RestoredTable
  ) -> [(rowID: Int64, values: [SQLiteValue])] {
    var taken: [(rowID: Int64, values: [SQLiteValue])] = []
    while let reject = rejects.first, place.map({ reject.sourceRow < $0 }) ?? true {
      rejects.removeFirst()
      if let values = RawValue.values(of: table.table, json: reject.values) {
        taken.append((reject.sourceRow, values))
      } else {
        restored.faulty.append(reject.sourceRow)
      }
    }
    return taken
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
