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
  }

  private var connection: PostgresConnection { ledger.connection }
  private var target: ImportTarget { source.target }
  private var columnList: String { target.columns.map(PostgresIdentifier.quoted).joined(separator: ", ") }

  // MARK: - Loading

  /// Loads a chunk and writes its line.
  ///
  /// Rows that are expected to be new are copied straight into the table. Where one is there already, the chunk goes through
  /// a staging table and the policy decides. Where the server refuses a row, the rows that it refuses are
  /// found, put aside, and the others are loaded.
  ///
  /// - Throws: `ImportError` of code `conflict` under the policy `fail`; `PostgresError` where the server fails as a whole.
  func load(_ chunk: EncodedChunk, number: Int, isFresh: Bool) async throws -> Outcome {
    var merges = !isFresh
    var refused: [Reject] = []
    var places = chunk.rows.indices.map { $0 }
    while true {
      do {
        return try await commit(chunk, places: places, refused: refused, number: number, merges: merges)
      } catch let error as PostgresError where !merges && error.sqlState == .uniqueViolation {
        merges = true
      } catch let error as PostgresError where error.isAboutARow && !places.isEmpty {
        let found = try await refusedRows(of: chunk, places: places, merges: merges)
        // The server refused the whole and none of the parts: that is no fault of a row.
        guard !found.isEmpty else { throw error }
        let bad = Set(found.map(\.place))
        places.removeAll(where: bad.contains)
        refused += try found.map { try reject(chunk, $0.place, reason: $0.reason) }
      }
    }
  }

  private func commit(
    _ chunk: EncodedChunk, places: [Int], refused: [Reject], number: Int, merges: Bool
  ) async throws -> Outcome {
    let rejects = chunk.rejects + refused
    return try await connection.transaction { connection in
      var outcome = Outcome(rejects: rejects)
      var mayDiffer = false
      if merges {
        let merged = try await merge(chunk, places: places)
        (outcome.loaded, outcome.alreadyThere) = (merged.loaded, places.count - merged.loaded)
        mayDiffer = merged.differing > 0
        try await ledger.forgetRejects(places.map { chunk.rows[$0].uuid }, of: source)
      } else {
        try await copy(chunk, places: places, into: target.table)
        outcome.loaded = places.count
      }
      try await ledger.write(rejects, of: source)
      try await ledger.write(
        LedgerLine(
          chunk: number, firstRow: chunk.firstRow, lastRow: chunk.lastRow, rowsRead: chunk.rowsRead,
          rowsLoaded: outcome.loaded, rowsThere: outcome.alreadyThere, rowsRejected: rejects.count,
          digest: mayDiffer ? nil : chunk.digest, migratedAt: ledger.migratedAt), of: source)
      return outcome
    }
  }

  private func copy(_ chunk: EncodedChunk, places: [Int], into table: String) async throws {
    guard !places.isEmpty else { return }
    let statement = PostgresStatement(sql: "COPY \(table) (\(columnList)) FROM STDIN (FORMAT binary)")
    try await connection.copyIn(statement) { writer in
      try await writer.write(PostgresCopyEncoder.frame.header)
      if places.count == chunk.rows.count {
        try await writer.write(chunk.bytes)
      } else {
        for run in Self.runs(places) { try await writer.write(Array(chunk.bytes(of: run))) }
      }
      try await writer.write(PostgresCopyEncoder.frame.trailer)
    }
  }

  /// The places as runs without gaps.
  private static func runs(_ places: [Int]) -> [Range<Int>] {
    var runs: [Range<Int>] = []
    for place in places {
      if let last = runs.last, last.upperBound == place {
        runs[runs.count - 1] = last.lowerBound..<place + 1
      } else {
        runs.append(place..<place + 1)
      }
    }
    return runs
  }

  // MARK: - Rows that may be there

  /// Copies rows into a staging table, and from there into the table as the policy says.
  private func merge(_ chunk: EncodedChunk, places: [Int]) async throws -> (loaded: Int, differing: Int) {
    guard !places.isEmpty else { return (0, 0) }
    try await connection.execute(
      "CREATE TEMPORARY TABLE agentbase_staging (LIKE \(identifier: target.table)) ON COMMIT DROP")
    try await copy(chunk, places: places, into: "agentbase_staging")
    let insert =
      "INSERT INTO \(target.table) AS there (\(columnList)) SELECT \(columnList) FROM agentbase_staging ON CONFLICT (agent_id, id)"
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
        throw ImportError(
          .conflict,
          "\(source.file.relativePath), table \(source.table.name): \(places.count - loaded) rows are in \(target.table) already",
          advice: "nothing of this chunk was written; use --on-conflict skip or --on-conflict update")
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

  /// Finds the rows that the server refuses, by halves; nothing is kept of the trials.
  private func refusedRows(
    of chunk: EncodedChunk, places: [Int], merges: Bool
  ) async throws -> [(place: Int, reason: String)] {
    do {
      try await connection.transaction { _ in
        if merges {
          _ = try await merge(chunk, places: places)
        } else {
          try await copy(chunk, places: places, into: target.table)
        }
        throw TrialOver()
      }
      return []
    } catch is TrialOver {
      return []
    } catch let error as PostgresError where error.sqlState == .uniqueViolation {
      return []
    } catch let error as PostgresError where error.isAboutARow {
      if places.count == 1 { return [(places[0], error.serverMessage)] }
      let half = places.count / 2
      return try await refusedRows(of: chunk, places: Array(places[..<half]), merges: merges)
        + refusedRows(of: chunk, places: Array(places[half...]), merges: merges)
    }
  }

  private struct TrialOver: Error {}

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
