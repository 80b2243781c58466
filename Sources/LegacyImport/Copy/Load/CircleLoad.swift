// Loads rows that refer to each other in a circle: they go in by one statement, at whose end their parents are there.

import Postgres

/// The rows of tables in a circle that were refused for want of their parents.
struct CircleLoad: Sendable {
  let ledger: Ledger
  let copies: [TableCopy]

  /// A rejected row that is staged.
  private struct Entry {
    let uuid: PostgresUUID
    let line: Int
  }

  private var connection: PostgresConnection { ledger.connection }

  /// What the reasons of such rejects begin with.
  static let reason = "violates foreign key constraint"

  /// Loads every row whose parents are there or among the others. The server looks for parents when a statement ends, and
  /// one statement can insert into several tables.
  ///
  /// - Returns: how many rows were loaded, by table; nil where the server refuses one of them for another reason: then all
  ///   stay rejects.
  func run() async throws -> [Int]? {
    for isProbed in [false, true] {
      do {
        return try await connection.transaction { _ in try await load(isProbed: isProbed) }
      } catch let error as PostgresError where error.isAboutARow {
        // The second time, rows that a check refuses are found first.
      }
    }
    return nil
  }

  /// How many rows wait for their parents.
  func count() async throws -> Int {
    var count = 0
    for copy in copies {
      count += try await ledger.rejectedRows(of: copy.inLedger, reason: Self.reason).count
    }
    return count
  }

  private func load(isProbed: Bool) async throws -> [Int] {
    try await connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
    var staged: [(table: StagingTable, entries: [Int: Entry])] = []
    for (number, copy) in copies.enumerated() {
      let table = StagingTable(name: "agentbase_circle_\(number)", route: copy.route)
      try await table.make(on: connection)
      staged.append((table, try await stage(copy, table)))
    }
    let tables = staged.map(\.table)
    for place in staged.indices {
      try await takeRowsThatAreThere(&staged[place])
      if isProbed, !staged[place].entries.isEmpty {
        try await takeRowsThatAreRefused(&staged[place], of: copies[place])
      }
    }
    var found: Int
    repeat {
      found = 0
      for place in staged.indices {
        for key in tables[place].route.target.foreignKeys {
          guard let statement = tables[place].takeOrphans(of: key, staged: tables) else { continue }
          for row in try await connection.query(statement) {
            staged[place].entries[try row.decode(0)] = nil
            found += 1
          }
        }
      }
    } while found > 0
    let inserts = tables.enumerated().map { "rows_\($0.offset) AS (\($0.element.insert))" }
    if staged.contains(where: { !$0.entries.isEmpty }) {
      try await connection.execute(PostgresStatement(sql: "WITH \(inserts.joined(separator: ", ")) SELECT 1"))
    }
    for (place, copy) in copies.enumerated() { try await enter(staged[place].entries.values, of: copy) }
    return staged.map(\.entries.count)
  }

  /// Copies the rejected rows of a table into its staging table.
  ///
  /// - Returns: the rows by their places there.
  private func stage(_ copy: TableCopy, _ table: StagingTable) async throws -> [Int: Entry] {
    let source = copy.inLedger
    let rejected = try await ledger.rejectedRows(of: source, reason: Self.reason)
    var entries: [Int: Entry] = [:]
    guard !rejected.isEmpty else { return entries }
    for line in try await ledger.lines(of: source) where line.rowsRejected > 0 {
      let scan = try await copy.begin(line)
      while let chunk = try await copy.nextChunk(of: scan) {
        let some = chunk.only(rejected)
        guard !some.rows.isEmpty else { continue }
        for row in some.rows { entries[entries.count] = Entry(uuid: row.uuid, line: line.chunk) }
        try await connection.copy(some, some.rows.indices, into: table.sql, columns: copy.route.columnList)
      }
    }
    return entries
  }

  /// Takes out the rows one of whose keys is there, or staged before: they stay rejects.
  private func takeRowsThatAreThere(
    _ staged: inout (table: StagingTable, entries: [Int: Entry])
  ) async throws {
    guard !staged.entries.isEmpty else { return }
    let (table, place) = (staged.table, StagingTable.place)
    let others = [
      "\(table.route.target.sql) AS there WHERE",
      "\(table.sql) AS there WHERE there.\(place) < new.\(place) AND",
    ]
    for same in table.route.target.keys.compactMap(table.isSame) {
      for other in others {
        let rows = try await connection.query(
          PostgresStatement(
            sql: "DELETE FROM \(table.sql) AS new USING \(other) \(same) RETURNING new.\(place)"))
        for row in rows { staged.entries[try row.decode(0)] = nil }
      }
    }
  }

  /// Takes out the rows that a check or a NOT NULL of the table refuses, whoever their parents are, and gives them that reason.
  private func takeRowsThatAreRefused(
    _ staged: inout (table: StagingTable, entries: [Int: Entry]), of copy: TableCopy
  ) async throws {
    let probe = ConstraintProbe(table: staged.table, connection: connection)
    try await probe.make()
    for (place, reason) in try await probe.refused(0...(staged.entries.keys.max() ?? 0)) {
      guard let entry = staged.entries.removeValue(forKey: place) else { continue }
      try await ledger.enter(reason, ofReject: entry.uuid, of: copy.inLedger)
    }
  }

  /// Puts the lines right, and forgets the rejects.
  private func enter(_ entries: some Sequence<Entry>, of copy: TableCopy) async throws {
    for (line, entries) in Dictionary(grouping: entries, by: \.line) {
      try await ledger.add(loaded: entries.count, there: 0, toLine: line, of: copy.inLedger)
      try await ledger.forgetRejects(entries.map(\.uuid), of: copy.inLedger)
    }
  }
}
