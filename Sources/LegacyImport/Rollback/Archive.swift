// What Postgres holds of the files that were imported.

import AgentBase
import Postgres
import SQLite

/// A file that was imported.
struct ArchivedFile: Sendable {
  let agent: String
  let fileID: Int64
  /// Relative to the agents' folder.
  let path: String
  let pragmas: JSON
  let objects: [LegacySchema.Object]
  let hasMemories: Bool
  /// The agents whose rows it holds.
  let rowAgents: Set<String>
}

/// A table that was imported.
struct ArchivedTable: Sendable {
  let agent: String
  let sourceID: Int64
  let target: ImportTarget
  let table: LegacyTable
  let storage: LegacySchema.Storage
  let rowAgents: [String]

  /// Whether SQLite keeps the table itself, as it does `sqlite_sequence`.
  var isSQLitesOwn: Bool { table.name.hasPrefix("sqlite_") }

  /// Whether an agent made it: neither SQLite, nor a virtual table, nor the library.
  var isLegacy: Bool {
    storage == .ordinary && !isSQLitesOwn && !LegacySchema.ownTables.contains(table.name)
  }
}

/// Reads the importer's tables.
struct Archive: Sendable {
  let connection: PostgresConnection

  /// All files of agents, in the order of their paths: whole databases that were copied belong to none.
  func files() async throws -> [ArchivedFile] {
    try await connection.query(
      """
      SELECT agent_id, file_id, path, pragmas::text, objects::text,
        EXISTS (SELECT FROM agent_import_sources AS s WHERE s.agent_id = f.agent_id AND s.file_id = f.file_id
          AND s.target = 'memories'),
        ARRAY(SELECT DISTINCT unnest(row_agents) FROM agent_import_sources AS s
          WHERE s.agent_id = f.agent_id AND s.file_id = f.file_id)
      FROM agent_import_files AS f WHERE agent_id <> '' ORDER BY path, agent_id
      """
    ).map { row in
      let objects = try JSON(parsing: row.decode(4, as: String.self))
      guard case .array(let values) = objects else {
        throw ImportError(
          .target, "agent_import_files: the objects of \(try row.decode(2, as: String.self)) are no array")
      }
      return ArchivedFile(
        agent: try row.decode(0), fileID: try row.decode(1), path: try row.decode(2),
        pragmas: try JSON(parsing: row.decode(3, as: String.self)),
        objects: values.map {
          LegacySchema.Object(
            type: $0["type"]?.stringValue ?? "", name: $0["name"]?.stringValue ?? "",
            tableName: $0["table"]?.stringValue ?? "", sql: $0["sql"]?.stringValue)
        }, hasMemories: try row.decode(5), rowAgents: Set(try row.decode(6, as: [String].self)))
    }
  }

  /// The tables of a file that have rows of their own.
  func tables(of file: ArchivedFile) async throws -> [ArchivedTable] {
    try await connection.query(
      """
      SELECT source_id, table_name, target, storage, has_rowid, columns::text, row_agents FROM agent_import_sources
      WHERE agent_id = \(file.agent) AND file_id = \(file.fileID) ORDER BY table_name
      """
    ).map { row in
      let name = try row.decode(1, as: String.self)
      guard let target = ImportTarget(rawValue: try row.decode(2)),
        let storage = LegacySchema.Storage(rawValue: try row.decode(3)),
        let table = LegacyTable(
          name: name, columnsJSON: try JSON(parsing: row.decode(5, as: String.self)),
          hasRowID: try row.decode(4),
          isMapped: target != .rows)
      else {
        throw ImportError(
          .target, "agent_import_sources: the line of \(file.path), table \(name), cannot be read")
      }
      return ArchivedTable(
        agent: file.agent, sourceID: try row.decode(0), target: target, table: table, storage: storage,
        rowAgents: try row.decode(6))
    }
  }

  /// The agents that have written rows which came from no file.
  func agentsThatWrote() async throws -> [String] {
    try await connection.query(
      """
      SELECT agent_id FROM agent_memories WHERE source_id IS NULL
      UNION SELECT agent_id FROM agent_memory_history WHERE source_id IS NULL
      UNION SELECT agent_id FROM agent_tools WHERE source_id IS NULL
      UNION SELECT agent_id FROM agent_metrics WHERE source_id IS NULL
      UNION SELECT agent_id FROM agent_executions WHERE source_id IS NULL ORDER BY 1
      """
    ).map { try $0.decode(0) }
  }

  /// How many tables and rows the ledger knows of files.
  func size(of files: [ArchivedFile]) async throws -> (tables: Int, rows: Int) {
    let row = try await connection.queryOne(
      """
      SELECT count(DISTINCT source.source_id), coalesce(sum(line.rows_read), 0)::bigint
      FROM agent_import_sources AS source LEFT JOIN agent_imports AS line USING (agent_id, source_id)
      WHERE (source.agent_id, source.file_id) IN
        (SELECT * FROM unnest(\(files.map(\.agent))::text[], \(files.map(\.fileID))::bigint[]))
      """)
    return (try row?.decode(0) ?? 0, try row?.decode(1) ?? 0)
  }

  // MARK: - Rows

  /// The imported rows of a table, each as JSON, key, place and marks.
  ///
  /// - Parameter byPlace: whether they come in the order of their places; else what was imported last comes first, so that a
  ///   row is there before one that it has replaced in the file.
  func rows(of table: ArchivedTable, byPlace: Bool) -> PostgresStatement {
    let column = table.target.rowColumn
    let row = PostgresIdentifier.quoted(column.name) + (column.member.map { " -> '\($0)'" } ?? "")
    let order = byPlace ? "source_row" : "metadata ->> 'migrated_at' DESC, source_row"
    return """
      SELECT \(unsafeSQL: row), metadata -> 'legacy_id', source_row, source_exact
      FROM \(identifier: table.target.table)
      WHERE agent_id = ANY(\(table.rowAgents)) AND source_id = \(table.sourceID) ORDER BY \(unsafeSQL: order)
      """
  }

  /// The rows of a table that Postgres could not hold, with their raw values; without those that it holds as they once were.
  func rejects(of table: ArchivedTable) async throws -> [(sourceRow: Int64, values: JSON)] {
    try await connection.query(
      """
      SELECT source_row, raw_values::text FROM agent_import_rejects AS r
      WHERE agent_id = \(table.agent) AND source_id = \(table.sourceID) AND NOT EXISTS (
        SELECT FROM \(identifier: table.target.table) AS held
        WHERE held.agent_id = ANY(\(table.rowAgents)) AND held.id = r.id)
      ORDER BY source_row
      """
    ).map { (try $0.decode(0), try JSON(parsing: $0.decode(1, as: String.self))) }
  }

  /// How many of a table's rows agents have deleted since.
  func deletions(of table: ArchivedTable) async throws -> Int {
    let row = try await connection.queryOne(
      """
      SELECT count(*) FROM agent_import_deletions
      WHERE agent_id = ANY(\(table.rowAgents)) AND source_id = \(table.sourceID)
      """)
    return try row?.decode(0) ?? 0
  }
}
