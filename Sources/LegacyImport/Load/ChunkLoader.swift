// Moves a chunk into Postgres: its rows, its rejects and its line in the ledger commit together.

import AgentBase
import Postgres

/// Loads the chunks of one source table.
struct ChunkLoader: Sendable {
  let ledger: Ledger
  let source: SourceTable
  let policy: ConflictPolicy

  /// What became of a chunk.
  struct Outcome: Sendable {
    var loaded = 0
    var alreadyThere = 0
    var rejects: [Reject] = []
    /// Whether a row that was there has other values than the source.
    var mayDiffer = false
  }

  private var connection: PostgresConnection { ledger.connection }
  private var target: ImportTarget { source.target }
  private var columnList: String { target.columns.map(PostgresIdentifier.quoted).joined(separator: ", ") }

  // MARK: - Loading

  /// Loads a chunk and writes its line.
  ///
  /// Rows that are expected to be new are copied straight into the table. Where one is there already, the chunk goes through
  /// a staging table and the policy decides.
  ///
  /// - Throws: `ImportError` of code `conflict` under the policy `fail`; `PostgresError` where the server fails as a whole.
  func load(_ chunk: EncodedChunk, number: Int, isFresh: Bool) async throws -> Outcome {
    if isFresh {
      do {
        return try await commit(chunk, number: number, merges: false)
      } catch let error as PostgresError where error.sqlState == .uniqueViolation {
        // One of them is there.
      }
    }
    return try await commit(chunk, number: number, merges: true)
  }

  private func commit(_ chunk: EncodedChunk, number: Int, merges: Bool) async throws -> Outcome {
    try await connection.transaction { connection in
      var outcome = Outcome(rejects: chunk.rejects)
      if merges {
        try await connection.execute(
          "CREATE TEMPORARY TABLE agentbase_staging (LIKE \(identifier: target.table)) ON COMMIT DROP")
        try await ledger.forgetRejects(chunk.rows.map(\.uuid), of: source)
      }
      try await add(chunk, chunk.rows.indices, merges: merges, to: &outcome)
      try await ledger.write(outcome.rejects, of: source)
      try await ledger.write(
        LedgerLine(
          chunk: number, firstRow: chunk.firstRow, lastRow: chunk.lastRow, rowsRead: chunk.rowsRead,
          rowsLoaded: outcome.loaded, rowsThere: outcome.alreadyThere, rowsRejected: outcome.rejects.count,
          digest: outcome.mayDiffer ? nil : chunk.digest, migratedAt: ledger.migratedAt), of: source)
      return outcome
    }
  }

  /// Adds the rows at these places. Where the server refuses them, each half is tried by itself; a single row that it refuses
  /// is put aside. So of two rows that exclude each other the first goes in.
  private func add(
    _ chunk: EncodedChunk, _ places: Range<Int>, merges: Bool, to outcome: inout Outcome
  ) async throws {
    guard !places.isEmpty else { return }
    do {
      let (loaded, differing) = try await connection.transaction { _ in
        if merges { return try await merge(chunk, places) }
        try await copy(chunk, places, into: target.table)
        return (places.count, 0)
      }
      outcome.loaded += loaded
      outcome.alreadyThere += places.count - loaded
      outcome.mayDiffer = outcome.mayDiffer || differing > 0
    } catch let error as PostgresError
      where error.isAboutARow && (merges || error.sqlState != .uniqueViolation)
    {
      if places.count == 1 {
        outcome.rejects.append(try reject(chunk, places.lowerBound, reason: error.serverMessage))
        return
      }
      let middle = places.lowerBound + places.count / 2
      try await add(chunk, places.lowerBound..<middle, merges: merges, to: &outcome)
      try await add(chunk, middle..<places.upperBound, merges: merges, to: &outcome)
    }
  }

  private func copy(_ chunk: EncodedChunk, _ places: Range<Int>, into table: String) async throws {
    let statement = PostgresStatement(sql: "COPY \(table) (\(columnList)) FROM STDIN (FORMAT binary)")
    try await connection.copyIn(statement) { writer in
      try await writer.write(PostgresCopyEncoder.frame.header)
      if places.count == chunk.rows.count {
        try await writer.write(chunk.bytes)
      } else {
        try await writer.write(Array(chunk.bytes(of: places)))
      }
      try await writer.write(PostgresCopyEncoder.frame.trailer)
    }
  }

  // MARK: - Rows that may be there

  /// Copies rows into the staging table, and from there into the table as the policy says. A row that an agent has deleted
  /// since it was imported counts as there, and stays deleted.
  private func merge(_ chunk: EncodedChunk, _ places: Range<Int>) async throws -> (
    loaded: Int, differing: Int
  ) {
    try await connection.execute("TRUNCATE agentbase_staging")
    try await copy(chunk, places, into: "agentbase_staging")
    let insert =
      """
      INSERT INTO \(target.table) AS there (\(columnList)) SELECT \(columnList) FROM agentbase_staging AS new
      WHERE NOT EXISTS (
        SELECT FROM agent_import_deletions AS gone WHERE (gone.agent_id, gone.id) = (new.agent_id, new.id))
      ON CONFLICT (agent_id, id)
      """
    switch policy {
    case .skip:
      let loaded = try await connection.execute(PostgresStatement(sql: insert + " DO NOTHING"))
      let differing = try await connection.queryOne(
        PostgresStatement(
          sql: """
            SELECT count(*) FROM agentbase_staging AS excluded JOIN \(target.table) AS there USING (agent_id, id)
            WHERE \(differs)
            """))
      return (loaded, try differing?.decode(0) ?? 0)
    case .update:
      let assignments = target.columns.dropFirst(2).map(PostgresIdentifier.quoted).map {
        "\($0) = excluded.\($0)"
      }
      let loaded = try await connection.execute(
        PostgresStatement(
          sql: insert + " DO UPDATE SET \(assignments.joined(separator: ", ")) WHERE \(differs)"))
      return (loaded, 0)
    case .fail:
      let loaded = try await connection.execute(PostgresStatement(sql: insert + " DO NOTHING"))
      guard loaded == places.count else {
        throw ImportError.rowsAreThere(source, places.count - loaded)
      }
      return (loaded, 0)
    }
  }

  /// Whether a row that is there differs from the source's, but for the time of the migration.
  private var differs: String {
    let sides = ["there", "excluded"].map { side in
      target.columns.map { column in
        column == "metadata"
          ? "\(side).metadata - 'migrated_at'" : "\(side).\(PostgresIdentifier.quoted(column))"
      }.joined(separator: ", ")
    }
    return "(\(sides[0])) IS DISTINCT FROM (\(sides[1]))"
  }

  // MARK: - Rows that the server refuses

  /// The row at a place as a reject: its raw values are read back from what was to be sent.
  private func reject(_ chunk: EncodedChunk, _ place: Int, reason: String) throws -> Reject {
    let row = CopiedRow(chunk.bytes(of: place..<place + 1), target: source.target)
    let values = row.legacyValues(of: source.table) ?? []
    var object = JSONObject()
    for (column, value) in zip(source.table.columns, values) { object[column.name] = RawValue.json(value) }
    return Reject(
      uuid: chunk.rows[place].uuid, sourceRow: chunk.rows[place].sourceRow, key: row.legacyID ?? .null,
      reason: reason,
      values: .object(object))
  }
}

extension PostgresError {
  /// Whether the server refused what a row holds: data exceptions, broken constraints, and what is too large.
  fileprivate var isAboutARow: Bool {
    guard let sqlState else { return false }
    return ["22", "23", "54"].contains(sqlState.conditionClass)
  }

  /// The server's message, with its detail.
  fileprivate var serverMessage: String {
    guard let server else { return message }
    return [server.message, server.detail].compactMap { $0 }.joined(separator: ": ")
  }
}

extension ImportError {
  /// The policy `fail` has found rows that are there already.
  static func rowsAreThere(_ source: SourceTable, _ count: Int) -> ImportError {
    ImportError(
      .conflict,
      "\(source.file.relativePath), table \(source.table.name): \(count) rows are in \(source.target.table) already",
      advice: "none of them was touched; use --on-conflict skip or --on-conflict update")
  }
}
