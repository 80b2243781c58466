// The server that an import writes to: one connection, its schema made ready, what its tables look like.

import AgentBase
import Postgres

/// The target of a run.
struct ImportTargetServer: Sendable {
  let connection: PostgresConnection
  /// A second one, on which a table is completed and verified while the next is loaded; nil where nothing is to be written, and
  /// where the server has none to spare.
  let second: PostgresConnection?
  /// The run, as the ledger names it.
  let runID: PostgresUUID
  /// Whether our tables are there. Always, but for a dry run on a server that has none.
  let hasSchema: Bool
  /// The type of the column `embedding`.
  let embeddingType: EmbeddingType

  /// What a run means to do.
  enum Purpose: Sendable {
    /// To read alone: a verification, a rollback.
    case reading
    /// To read, where an import is to follow: the rights to write are asked for too.
    case rehearsing
    /// To write; our tables are made where they are missing.
    case writing
  }

  /// Connects, makes our tables where the run is to write, and asks for the rights that it needs.
  ///
  /// - Throws: `PostgresError` where the server cannot be reached, `AgentBaseError` where the schema cannot be made,
  ///   `ImportError` where a right is missing.
  init(postgresURL: String, for purpose: Purpose) async throws {
    var configuration = try PostgresConfiguration(postgresURL)
    if configuration["application_name"] == nil { configuration["application_name"] = "agentbase import" }
    connection = try await PostgresConnection.connect(configuration)
    if purpose == .writing {
      try await PostgresSchemaInstaller.library.install(on: connection)
      // Rows and their line in the ledger are lost together or not at all; `Ledger.flush` waits for the disk once a file.
      try await connection.execute("SET synchronous_commit = off")
      second = try? await PostgresConnection.connect(configuration)
    } else {
      second = nil
    }
    let column = try await connection.queryOne(
      """
      SELECT gen_random_uuid(), (
        SELECT typname::text FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid
        WHERE attrelid = to_regclass('agent_memories') AND attname = 'embedding'),
        to_regclass('agent_import_rows') IS NOT NULL
      """)
    runID = try column?.decode(0) ?? PostgresUUID(high: 0, low: 0)
    embeddingType = try column?.decode(1, as: String?.self) == "vector" ? .vector : .realArray
    hasSchema = try column?.decode(2) ?? false
    if hasSchema { try await checkRights(to: purpose) }
  }

  /// Ends the connections.
  func close() async {
    await connection.close()
    await second?.close()
  }

  /// Asks for the rights on all our tables before the first row, so that no run stops half way for want of one.
  private func checkRights(to purpose: Purpose) async throws {
    let rights = purpose != .reading ? ["SELECT", "INSERT", "UPDATE", "DELETE"] : ["SELECT"]
    let row = try await connection.queryOne(
      """
      SELECT current_user::text, relname::text, permission FROM pg_class
      CROSS JOIN unnest(\(rights)::text[]) AS permission
      WHERE relkind IN ('r', 'p') AND relnamespace = (
          SELECT relnamespace FROM pg_class WHERE oid = 'agent_import_rows'::regclass)
        AND relname = ANY(\(Self.tables)) AND NOT has_table_privilege(pg_class.oid, permission)
      ORDER BY relname, permission LIMIT 1
      """)
    guard let row else { return }
    let (user, table, right) = (
      try row.decode(0, as: String.self), try row.decode(1, as: String.self),
      try row.decode(2, as: String.self)
    )
    throw ImportError(
      .target, "permission denied for table \(table): the user \(user) has no right to \(right)",
      advice: "nothing was written; as its owner: GRANT SELECT, INSERT, UPDATE, DELETE ON \(table) TO \(user)"
    )
  }

  /// The tables that an import reads and writes.
  private static let tables =
    ImportTarget.allCases.map(\.table) + [
      "agents", "agent_imports", "agent_import_files", "agent_import_sources", "agent_import_rejects",
      "agent_import_deletions",
    ]

  // MARK: - One import of a file at a time

  /// Waits until no other run moves this file, and keeps others from it. The lock ends with the connection at the latest.
  func lock(_ file: LegacyFile) async throws {
    _ = try await connection.query("SELECT pg_advisory_lock(\(key(file)))")
  }

  /// Lets others have the file.
  func unlock(_ file: LegacyFile) async throws {
    _ = try await connection.query("SELECT pg_advisory_unlock(\(key(file)))")
  }

  /// Removes what the file still had when it was read, and agents have deleted since in a cut-over.
  func bury(_ agents: [String]) async throws {
    _ = try await connection.query(
      "SELECT sum(agentbase_bury(agent)) FROM unnest(\(agents)) AS agent")
  }

  /// The first of some agents for whom Postgres decides while a file follows.
  func decides(for agents: [String]) async throws -> String? {
    try await connection.queryOne(
      "SELECT agent_id FROM agent_cutover WHERE agent_id = ANY(\(agents)) AND phase = 'postgres-primary' LIMIT 1"
    )?.decode(0)
  }

  private func key(_ file: LegacyFile) -> Int64 {
    LegacyIdentity.file(agent: file.agent, file: file.relativePath)
  }
}
