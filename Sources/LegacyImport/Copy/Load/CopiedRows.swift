// A table of any database as the target of a SQLite table's chunks.

import AgentBase
import Postgres

/// The rows of one SQLite table in its table of Postgres.
struct CopiedRows: ChunkTarget {
  let connection: PostgresConnection
  let route: TableRoute
  let policy: ConflictPolicy
  /// Reads the raw values of rows that the server refuses.
  let reader: SourceReader
  /// Whether the table was filled by this source alone, so that another row with the key of a new row is one of the source's
  /// own, and not one that was there before.
  let ownsRows: Bool

  private var target: TargetTable { route.target }
  private var staging: StagingTable { StagingTable(name: "agentbase_staging", route: route) }

  /// Values that the server has to read go through the staging table, whose columns for them are text.
  var alwaysMerges: Bool { route.hasCastColumns }

  func isSettledByMerging(_ error: PostgresError) -> Bool {
    error.sqlState == .uniqueViolation || error.sqlState == .foreignKeyViolation
  }

  // MARK: - New rows

  func begin(merges: Bool) async throws {
    // What is put off to the end of the transaction would be refused there, with the whole chunk.
    try await connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
    if merges { try await staging.make(on: connection) }
  }

  func copy(_ chunk: EncodedChunk, _ places: Range<Int>) async throws -> Int {
    try await connection.copy(chunk, places, into: target.sql, columns: route.columnList)
  }

  // MARK: - Rows that may be there, or whose parents may not

  func merge(_ chunk: EncodedChunk, _ places: Range<Int>) async throws -> ChunkLoader.Outcome {
    var outcome = ChunkLoader.Outcome()
    try await connection.execute(staging.truncate)
    try await connection.copy(chunk, places, into: staging.sql, columns: route.columnList)
    if let readTexts = staging.readTexts { try await connection.execute(readTexts) }
    try await settleRowsThatAreThere(chunk, places, &outcome)
    try await rejectOrphans(chunk, places, &outcome)
    outcome.loaded += try await connection.execute(PostgresStatement(sql: staging.insert))
    return outcome
  }

  /// Takes the rows whose key is there out of the staging table, and does with them what the policy says.
  private func settleRowsThatAreThere(
    _ chunk: EncodedChunk, _ places: Range<Int>, _ outcome: inout ChunkLoader.Outcome
  ) async throws {
    guard let key = route.key, let same = staging.isSame(key) else { return }
    if policy == .update, !ownsRows { outcome.loaded = try await update(key, same) }
    let updated = outcome.loaded
    let found = try await connection.query(
      PostgresStatement(
        sql: """
          DELETE FROM \(staging.sql) AS new USING \(target.sql) AS there WHERE \(same)
          RETURNING new.\(StagingTable.place), (\(staging.differs)) AS differs
          """))
    if policy == .fail, !found.isEmpty {
      throw ImportError(
        .conflict,
        "table \(route.source.table.name): \(found.count) rows are in \(target.displayName) already",
        advice: "none of them was touched; use --on-conflict skip or --on-conflict update")
    }
    outcome.alreadyThere += found.count - updated
    for row in found where try row.decode(1, as: Bool.self) {
      guard ownsRows else {
        outcome.mayDiffer = true
        continue
      }
      let names = key.columns.compactMap { target.column($0)?.name }.joined(separator: ", ")
      outcome.alreadyThere -= 1
      outcome.rejects.append(
        try reject(
          chunk, places.lowerBound + row.decode(0, as: Int.self),
          reason: "another row with this key (\(names)) is there"))
    }
  }

  /// Puts the source's values in the place of those that are there.
  private func update(_ key: TargetKey, _ same: String) async throws -> Int {
    let others = route.columns.filter { !key.columns.contains($0.target.number) }
    guard !others.isEmpty else { return 0 }
    let assignments = others.map {
      "\(PostgresIdentifier.quoted($0.target.name)) = \(staging.value(of: $0, in: "new"))"
    }.joined(separator: ", ")
    return try await connection.execute(
      PostgresStatement(
        sql:
          "UPDATE \(target.sql) AS there SET \(assignments) FROM \(staging.sql) AS new WHERE \(same) AND (\(staging.differs))"
      ))
  }

  private func rejectOrphans(
    _ chunk: EncodedChunk, _ places: Range<Int>, _ outcome: inout ChunkLoader.Outcome
  ) async throws {
    let keys = target.foreignKeys.compactMap { key in
      staging.takeOrphans(of: key, staged: [staging]).map { (key, $0) }
    }
    var found: Int
    repeat {
      found = 0
      for (key, statement) in keys {
        let rows = try await connection.query(statement)
        for row in rows {
          outcome.rejects.append(
            try reject(
              chunk, places.lowerBound + row.decode(0, as: Int.self),
              reason:
                "\(CircleLoad.reason) \"\(key.name)\": \(row.decode(1, as: String.self)) is not in \(key.parentName)"
            ))
        }
        // The children of a row that is put aside may be here too.
        if key.parent == target.oid { found += rows.count }
      }
    } while found > 0
  }

  // MARK: - Rows that the server refuses

  func reject(_ chunk: EncodedChunk, _ place: Int, reason: String) throws -> Reject {
    let (uuid, position) = chunk.rows[place]
    return Reject(uuid: uuid, sourceRow: position, key: .null, reason: reason, values: .null)
  }

  /// Reads key and raw values of the refused rows from the source: what was sent for them is no longer what they are there.
  func complete(_ rejects: [Reject], of chunk: EncodedChunk) async throws -> [Reject] {
    let positions = Set(rejects.lazy.filter { $0.values == .null }.map(\.sourceRow))
    guard !positions.isEmpty else { return rejects }
    let rows = try await reader.rawRows(
      of: route.source, at: positions,
      within: ScanRange(
        after: chunk.firstRow == .min ? nil : chunk.firstRow - 1, through: chunk.lastRow, isFresh: false))
    return rejects.map { reject in
      guard reject.values == .null, let row = rows[reject.sourceRow] else { return reject }
      return Reject(
        uuid: reject.uuid, sourceRow: reject.sourceRow, key: row.key, reason: reject.reason,
        values: row.values)
    }
  }
}
