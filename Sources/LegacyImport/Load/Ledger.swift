// The importer's tables in Postgres: files, sources, the ledger's lines and the rejects.

import AgentBase
import Postgres
import SQLite

/// What one run writes into the importer's tables, over one connection.
struct Ledger: Sendable {
  let connection: PostgresConnection
  /// The run that writes.
  let runID: PostgresUUID
  /// When the run began, in microseconds since 1970 UTC, on a whole second: it stands in the rows' metadata.
  let migratedAt: Int64

  // MARK: - Files and sources

  /// Enters the agents, the file and its tables, with what is needed to make the file again.
  ///
  /// - Parameter agents: for each table, the agents whose rows it holds.
  func register(
    _ file: LegacyFile, schema: LegacySchema, sources: [(source: SourceTable, agents: [String])]
  ) async throws {
    let agents = [file.agent] + sources.flatMap(\.agents)
    let fileID = LegacyIdentity.file(agent: file.agent, file: file.relativePath)
    try await connection.transaction { connection in
      try await connection.execute(
        """
        INSERT INTO agents (id, name, category) SELECT id, id, \(file.category.postgresValue) FROM unnest(\(agents)::text[]) AS id
        ON CONFLICT (id) DO NOTHING
        """)
      try await connection.execute(
        """
        INSERT INTO agent_import_files (agent_id, file_id, path, pragmas, objects, imported_at)
        VALUES (\(file.agent), \(fileID), \(file.relativePath), \(PostgresValue.jsonb(schema.pragmasJSON.jsonbText)),
          \(PostgresValue.jsonb(schema.objectsJSON.jsonbText)), \(PostgresValue.timestamptz(migratedAt)))
        ON CONFLICT (agent_id, file_id) DO UPDATE
          SET pragmas = excluded.pragmas, objects = excluded.objects, imported_at = excluded.imported_at
        """)
      for (source, agents) in sources {
        try await connection.execute(
          """
          INSERT INTO agent_import_sources AS known
            (agent_id, source_id, file_id, table_name, target, storage, has_rowid, columns, row_agents)
          VALUES (\(file.agent), \(source.sourceID), \(fileID), \(source.table.name), \(source.target.rawValue),
            \(source.schema.storage.rawValue), \(source.table.hasRowID),
            \(PostgresValue.jsonb(source.table.columnsJSON.jsonbText)), \(agents))
          ON CONFLICT (agent_id, source_id) DO UPDATE SET columns = excluded.columns, has_rowid = excluded.has_rowid,
            row_agents = ARRAY(SELECT DISTINCT unnest(known.row_agents || excluded.row_agents))
          """)
      }
    }
  }

  /// All agents whose rows have ever been moved from a source.
  func agents(of source: SourceTable) async throws -> [String] {
    let row = try await connection.queryOne(
      """
      SELECT row_agents FROM agent_import_sources
      WHERE agent_id = \(source.file.agent) AND source_id = \(source.sourceID)
      """)
    return try row?.decode(0) ?? []
  }

  /// Waits until all that was committed for a file is on the server's disk, as surely as the server is set to: a commit that
  /// waits carries those before it along.
  func flush(_ file: LegacyFile) async throws {
    try await flush(
      agent: file.agent, fileID: LegacyIdentity.file(agent: file.agent, file: file.relativePath))
  }

  /// Waits for the disk, likewise.
  func flush(agent: String, fileID: Int64) async throws {
    try await connection.transaction { connection in
      try await connection.execute("SET LOCAL synchronous_commit = DEFAULT")
      try await connection.execute(
        """
        UPDATE agent_import_files SET imported_at = \(PostgresValue.timestamptz(migratedAt))
        WHERE agent_id = \(agent) AND file_id = \(fileID)
        """)
    }
  }

  // MARK: - Proofs

  /// What the last comparison without a difference has seen; nil where there was none since the source was changed.
  func proof(of source: SourceTable) async throws -> String? {
    let row = try await connection.queryOne(
      "SELECT proof FROM agent_import_sources WHERE agent_id = \(source.file.agent) AND source_id = \(source.sourceID)"
    )
    return try row?.decode(0)
  }

  /// Keeps what a comparison has seen, or forgets what an earlier one has.
  func enter(proof: String?, of source: SourceTable) async throws {
    try await connection.execute(
      """
      UPDATE agent_import_sources SET proof = \(proof.postgresValue)
      WHERE agent_id = \(source.file.agent) AND source_id = \(source.sourceID)
        AND proof IS DISTINCT FROM \(proof.postgresValue)::text
      """)
  }

  /// What a comparison would see now.
  func presentProof(of source: SourceTable) async throws -> Proof {
    let agents = try await agents(of: source)
    let row = try await connection.queryOne(
      """
      SELECT count(*), coalesce(sum(xmin::text::bigint), 0)::text FROM \(identifier: source.target.table)
      WHERE agent_id = ANY(\(agents)) AND source_id = \(source.sourceID)
      """)
    return Proof(
      rows: try row?.decode(0) ?? 0,
      transactions: try row.flatMap { UInt64(try $0.decode(1, as: String.self)) } ?? 0)
  }

  // MARK: - Lines

  /// The lines of a source.
  func lines(of source: SourceTable) async throws -> [LedgerLine] { try await lines(of: source.inLedger) }

  /// The lines of a source.
  func lines(of source: LedgerSource) async throws -> [LedgerLine] {
    try await connection.query(
      """
      SELECT chunk, first_row, last_row, rows_read, rows_loaded, rows_there, rows_rejected, digest, migrated_at
      FROM agent_imports WHERE agent_id = \(source.agent) AND source_id = \(source.id)
      """
    ).map { row in
      LedgerLine(
        chunk: try row.decode(0), firstRow: try row.decode(1), lastRow: try row.decode(2),
        rowsRead: try row.decode(3), rowsLoaded: try row.decode(4), rowsThere: try row.decode(5),
        rowsRejected: try row.decode(6), digest: try row.decode(7), migratedAt: try row.microseconds(8))
    }
  }

  /// Strikes lines out: their rows are read again.
  func strike(_ lines: [LedgerLine], of source: LedgerSource) async throws {
    guard !lines.isEmpty else { return }
    try await connection.execute(
      """
      DELETE FROM agent_imports WHERE agent_id = \(source.agent) AND source_id = \(source.id)
      AND chunk = ANY(\(lines.map { Int32($0.chunk) }))
      """)
  }

  /// Forgets all rows of a source with its lines, as if it had never been moved.
  func forget(_ source: SourceTable) async throws {
    try await connection.transaction { connection in
      for table in [source.target.table, "agent_import_rejects", "agent_imports"] {
        try await connection.execute(
          "DELETE FROM \(identifier: table) WHERE agent_id = \(source.file.agent) AND source_id = \(source.sourceID)"
        )
      }
    }
  }

  /// Writes a line; within the transaction that its rows are loaded in.
  func write(_ line: LedgerLine, of source: LedgerSource) async throws {
    try await connection.execute(
      """
      INSERT INTO agent_imports (agent_id, source_id, chunk, first_row, last_row, rows_read, rows_loaded, rows_there,
        rows_rejected, digest, run_id, migrated_at)
      VALUES (\(source.agent), \(source.id), \(Int32(line.chunk)), \(line.firstRow), \(line.lastRow),
        \(line.rowsRead), \(line.rowsLoaded), \(line.rowsThere), \(line.rowsRejected), \(line.digest.postgresValue), \(runID),
        \(PostgresValue.timestamptz(line.migratedAt)))
      """)
  }

  /// Enters into a line that rows which were rejected have been loaded, or are there; within their transaction.
  func add(loaded: Int, there: Int, toLine chunk: Int, of source: LedgerSource) async throws {
    try await connection.execute(
      """
      UPDATE agent_imports SET rows_loaded = rows_loaded + \(loaded), rows_there = rows_there + \(there),
        rows_rejected = rows_rejected - \(loaded + there)
      WHERE agent_id = \(source.agent) AND source_id = \(source.id) AND chunk = \(Int32(chunk))
      """)
  }

  // MARK: - Rejects

  /// Puts rows aside that Postgres cannot hold; within the transaction of their chunk.
  func write(_ rejects: [Reject], of source: LedgerSource) async throws {
    // Some at a time, in one statement each, as the raw values may be large.
    for start in stride(from: 0, to: rejects.count, by: 100) {
      let some = rejects[start..<min(start + 100, rejects.count)]
      try await connection.execute(
        """
        INSERT INTO agent_import_rejects
          (agent_id, id, source_id, source_row, source_key, reason, raw_values, run_id)
        SELECT \(source.agent), id, \(source.id), source_row, source_key::jsonb, reason, raw_values::jsonb, \(runID)
        FROM unnest(\(some.map(\.uuid))::uuid[], \(some.map(\.sourceRow))::bigint[],
          \(some.map(\.key.jsonbText))::text[], \(some.map(\.reason))::text[],
          \(some.map(\.values.jsonbText))::text[]) AS new (id, source_row, source_key, reason, raw_values)
        ON CONFLICT (agent_id, id) DO UPDATE SET source_row = excluded.source_row, source_key = excluded.source_key,
          reason = excluded.reason, raw_values = excluded.raw_values, run_id = excluded.run_id
        """)
    }
  }

  /// Enters another reason of a reject.
  func enter(_ reason: String, ofReject id: PostgresUUID, of source: LedgerSource) async throws {
    try await connection.execute(
      """
      UPDATE agent_import_rejects SET reason = \(reason), run_id = \(runID)
      WHERE agent_id = \(source.agent) AND id = \(id)
      """)
  }

  /// Forgets the rejects of rows that Postgres holds now.
  func forgetRejects(_ rows: [PostgresUUID], of source: LedgerSource) async throws {
    try await connection.execute(
      "DELETE FROM agent_import_rejects WHERE agent_id = \(source.agent) AND id = ANY(\(rows))")
  }

  /// Forgets the rejects of rows that stand in these lines, by their places.
  func forgetRejects(within lines: [LedgerLine], of source: LedgerSource) async throws {
    for line in lines where line.rowsRejected > 0 {
      try await connection.execute(
        """
        DELETE FROM agent_import_rejects WHERE agent_id = \(source.agent) AND source_id = \(source.id)
        AND source_row BETWEEN \(line.firstRow) AND \(line.lastRow)
        """)
    }
  }

  /// The identities of a source's rejects: of all, or of those whose reasons begin so.
  func rejectedRows(of source: LedgerSource, reason: String = "") async throws -> Set<PostgresUUID> {
    let rows = try await connection.query(
      """
      SELECT id FROM agent_import_rejects WHERE agent_id = \(source.agent) AND source_id = \(source.id)
      AND starts_with(reason, \(reason))
      """)
    return Set(try rows.map { try $0.decode(0) })
  }

  /// The rejects of lines that are settled, for the report.
  func rejects(of source: LedgerSource, most: Int) async throws -> [RejectReport] {
    try await connection.query(
      """
      SELECT source_key::text, reason FROM agent_import_rejects
      WHERE agent_id = \(source.agent) AND source_id = \(source.id) ORDER BY source_row LIMIT \(most)
      """
    ).map { row in
      RejectReport(
        key: (try? JSON(parsing: try row.decode(0, as: String.self))) ?? .null, reason: try row.decode(1))
    }
  }
}

extension PostgresRow {
  /// A timestamptz as microseconds since 1970 UTC.
  func microseconds(_ column: Int) throws(PostgresError) -> Int64 {
    if case .timestamptz(let microseconds) = try value(column) { return microseconds }
    return 0
  }
}

// MARK: - The schema as JSON

extension LegacySchema {
  /// The pragmas by name.
  var pragmasJSON: JSON {
    .object(JSONObject(pragmas.sorted { $0.key < $1.key }.map { ($0.key, ExactValue($0.value).json) }))
  }

  /// The objects in their order.
  var objectsJSON: JSON {
    .array(
      objects.map {
        [
          "type": .string($0.type), "name": .string($0.name), "table": .string($0.tableName),
          "sql": $0.sql.map(JSON.string) ?? .null,
        ]
      })
  }
}

extension LegacyTable {
  /// The columns in their order.
  var columnsJSON: JSON {
    .array(
      columns.enumerated().map { place, column in
        [
          "name": .string(column.name), "type": .string(column.declaredType),
          "key": .integer(column.keyPlace),
          "is_rowid": .bool(place == rowIDColumn),
        ]
      })
  }

  /// The table as `columnsJSON` describes it; nil where that is none of our making.
  init?(name: String, columnsJSON: JSON, hasRowID: Bool, isMapped: Bool) {
    guard case .array(let values) = columnsJSON else { return nil }
    var columns: [LegacyColumn] = []
    for value in values {
      guard let name = value["name"]?.stringValue, let type = value["type"]?.stringValue,
        let place = value["key"]?.int64Value
      else { return nil }
      columns.append(LegacyColumn(name: name, declaredType: type, keyPlace: Int(place)))
    }
    self.init(
      name: name, columns: columns, hasRowID: hasRowID,
      hasKeyIndex: !values.contains { $0["is_rowid"] == true }, isMapped: isMapped)
  }
}
