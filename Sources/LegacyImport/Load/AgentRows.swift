// The agents' tables as the target of a legacy table: memories, tools, metrics, executions and the rows kept for the way back.

import AgentBase
import Postgres

/// The rows of one legacy table in an agents' table.
struct AgentRows: ChunkTarget {
  let connection: PostgresConnection
  let source: SourceTable
  let policy: ConflictPolicy

  private var target: ImportTarget { source.target }
  private var columnList: String { target.columns.map(PostgresIdentifier.quoted).joined(separator: ", ") }

  var alwaysMerges: Bool { false }

  func isSettledByMerging(_ error: PostgresError) -> Bool { error.sqlState == .uniqueViolation }

  // MARK: - New rows

  func begin(merges: Bool) async throws {
    guard merges else { return }
    try await connection.execute(
      "CREATE TEMPORARY TABLE agentbase_staging (LIKE \(identifier: target.table) INCLUDING DEFAULTS) ON COMMIT DROP"
    )
  }

  func copy(_ chunk: EncodedChunk, _ places: Range<Int>) async throws -> Int {
    try await connection.copy(chunk, places, into: target.table, columns: columnList)
  }

  // MARK: - Rows that may be there

  /// Copies rows into the staging table, and from there into the table as the policy says. A row that an agent has deleted
  /// since it was imported counts as there, and stays deleted.
  func merge(_ chunk: EncodedChunk, _ places: Range<Int>) async throws -> ChunkLoader.Outcome {
    try await connection.execute("TRUNCATE agentbase_staging")
    try await connection.copy(chunk, places, into: "agentbase_staging", columns: columnList)
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
      return outcome(loaded, of: places, mayDiffer: try differing?.decode(0, as: Int.self) ?? 0 > 0)
    case .update:
      let assignments = target.columns.dropFirst(2).map(PostgresIdentifier.quoted).map {
        "\($0) = excluded.\($0)"
      }
      let loaded = try await connection.execute(
        PostgresStatement(
          sql: insert + " DO UPDATE SET \(assignments.joined(separator: ", ")) WHERE \(differs)"))
      return outcome(loaded, of: places)
    case .fail:
      let loaded = try await connection.execute(PostgresStatement(sql: insert + " DO NOTHING"))
      guard loaded == places.count else {
        throw ImportError.rowsAreThere(source, places.count - loaded)
      }
      return outcome(loaded, of: places)
    }
  }

  private func outcome(_ loaded: Int, of places: Range<Int>, mayDiffer: Bool = false) -> ChunkLoader.Outcome {
    ChunkLoader.Outcome(loaded: loaded, alreadyThere: places.count - loaded, mayDiffer: mayDiffer)
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

  // MARK: - Rows that Postgres cannot hold

  func removeOutdated(_ rejects: [Reject]) async throws {
    guard policy == .update else { return }
    try await connection.execute(
      """
      DELETE FROM \(identifier: target.table) WHERE id = ANY(\(rejects.map(\.uuid))) AND agent_id IN (
        SELECT unnest(row_agents) FROM agent_import_sources
        WHERE agent_id = \(source.file.agent) AND source_id = \(source.sourceID))
      """)
  }

  /// The row at a place as a reject: its raw values are read back from what was to be sent.
  func reject(_ chunk: EncodedChunk, _ place: Int, reason: String) throws -> Reject {
    let row = CopiedRow(chunk.bytes(of: place..<place + 1), target: source.target)
    let values = row.legacyValues(of: source.table) ?? []
    var object = JSONObject()
    for (column, value) in zip(source.table.columns, values) { object[column.name] = RawValue.json(value) }
    return Reject(
      uuid: chunk.rows[place].uuid, sourceRow: chunk.rows[place].sourceRow, key: row.legacyID ?? .null,
      reason: reason,
      values: .object(object))
  }

  func complete(_ rejects: [Reject], of chunk: EncodedChunk) async throws -> [Reject] { rejects }
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
