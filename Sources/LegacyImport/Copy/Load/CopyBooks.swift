// What the ledger knows of a copied database: the file and its tables. Its lines and rejects are those of every import.

import AgentBase
import Postgres

/// A copied file, as the ledger names it: by its name and the schema that it goes to, so that a run from another folder or
/// another machine knows it again.
struct CopyIdentity: Sendable {
  let schema: String
  let fileName: String

  private var path: String { schema + "/" + fileName }

  /// The number of the file; also that of the lock which one run at a time holds.
  var fileID: Int64 { LegacyIdentity.file(agent: "", file: path) }

  /// The identity of the rows of a table.
  func rows(of table: String) -> LegacyIdentity { LegacyIdentity(agent: "", file: path, table: table) }

  /// What the ledger knows a table by.
  func source(_ table: String) -> LedgerSource { LedgerSource(agent: "", id: rows(of: table).number) }

  // MARK: - Entries

  /// Enters the file.
  func enterFile(_ ledger: Ledger) async throws {
    try await ledger.connection.execute(
      """
      INSERT INTO agent_import_files (agent_id, file_id, path, pragmas, objects, imported_at)
      VALUES ('', \(fileID), \(path), '{}', '[]', \(PostgresValue.timestamptz(ledger.migratedAt)))
      ON CONFLICT (agent_id, file_id) DO UPDATE SET imported_at = excluded.imported_at
      """)
  }

  /// Enters a table.
  ///
  /// - Parameter isEmpty: whether the target has no row now.
  /// - Returns: whether the target had no row before the source's first.
  func enter(_ route: TableRoute, isEmpty: Bool, _ ledger: Ledger) async throws -> Bool {
    let row = try await ledger.connection.queryOne(
      """
      INSERT INTO agent_import_sources AS known (agent_id, source_id, file_id, table_name, target, storage,
        has_rowid, columns, row_agents, target_was_empty)
      VALUES ('', \(source(route.source.table.name).id), \(fileID), \(route.source.table.name), \(route.target.sql),
        \(route.source.storage.rawValue), \(route.source.table.hasRowID),
        \(PostgresValue.jsonb(route.source.table.columnsJSON.jsonbText)), '{}', \(isEmpty))
      ON CONFLICT (agent_id, source_id) DO UPDATE SET target = excluded.target, columns = excluded.columns,
        target_was_empty = known.target_was_empty OR excluded.target_was_empty
      RETURNING target_was_empty
      """)
    return try row?.decode(0) ?? isEmpty
  }

  /// Notes whether the rows of a table that is there are all known by the ledger: while lines are struck out and their rows not
  /// read again, another row with the key of a new row may be the same row.
  func note(ownsRows: Bool, of table: String, _ ledger: Ledger) async throws {
    try await ledger.connection.execute(
      """
      UPDATE agent_import_sources SET target_was_empty = \(ownsRows)
      WHERE agent_id = '' AND source_id = \(source(table).id)
      """)
  }
}
