// The server that an import writes to: one connection, its schema made ready, what its tables look like.

import AgentBase
import Postgres

/// The target of a run.
struct ImportTargetServer: Sendable {
  let connection: PostgresConnection
  /// The run, as the ledger names it.
  let runID: PostgresUUID
  /// Whether our tables are there. Always, but for a dry run on a server that has none.
  let hasSchema: Bool
  /// The type of the column `embedding`.
  let embeddingType: EmbeddingType

  /// Connects, and, unless the run is dry, makes our tables where they are missing.
  ///
  /// - Throws: `PostgresError` where the server cannot be reached, `AgentBaseError` where the schema cannot be made.
  init(options: ImportOptions) async throws {
    var configuration = try PostgresConfiguration(options.postgresURL)
    if configuration["application_name"] == nil { configuration["application_name"] = "agentbase import" }
    connection = try await PostgresConnection.connect(configuration)
    if !options.isDryRun { try await PostgresSchemaInstaller.library.install(on: connection) }
    let column = try await connection.queryOne(
      """
      SELECT gen_random_uuid(), (
        SELECT typname::text FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid
        WHERE attrelid = to_regclass('agent_memories') AND attname = 'embedding'),
        to_regclass('agent_import_sources') IS NOT NULL
      """)
    runID = try column?.decode(0) ?? PostgresUUID(high: 0, low: 0)
    embeddingType = try column?.decode(1, as: String?.self) == "vector" ? .vector : .realArray
    hasSchema = try column?.decode(2) ?? false
  }

  // MARK: - One import of a file at a time

  /// Waits until no other run moves this file, and keeps others from it. The lock ends with the connection at the latest.
  func lock(_ file: LegacyFile) async throws {
    _ = try await connection.query("SELECT pg_advisory_lock(\(key(file)))")
  }

  /// Lets others have the file.
  func unlock(_ file: LegacyFile) async throws {
    _ = try await connection.query("SELECT pg_advisory_unlock(\(key(file)))")
  }

  private func key(_ file: LegacyFile) -> Int64 {
    LegacyIdentity.file(agent: file.agent, file: file.relativePath)
  }
}
