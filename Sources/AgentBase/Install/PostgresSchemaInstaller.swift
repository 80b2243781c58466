// Makes the library's tables in Postgres, step by step, and remembers which steps a database has.

import Foundation
package import Postgres
package import Schema

/// Brings the tables of a database up to date.
///
/// Each step is one transaction, with its line in `agentbase_schema_versions`, under an advisory lock: of any number of
/// processes that start at once, one makes each step.
package struct PostgresSchemaInstaller: Sendable {
  /// All steps that this program knows.
  let steps: [SchemaStep]
  /// The last step that is wanted.
  let last: Int

  /// The whole schema of the library.
  package static let library = PostgresSchemaInstaller(steps: Schema.postgres, last: Schema.postgres.count)
  /// The importer's books alone, beside the tables of an application: the first step stands by itself.
  package static let books = PostgresSchemaInstaller(steps: Schema.postgres, last: 1)

  /// What the advisory lock is known by, in every database.
  private static let lock: Int64 = 0x4167_656E_7442_6173

  private static let versionTable = "agentbase_schema_versions"

  /// Applies the steps that the database lacks, and answers them.
  ///
  /// - Throws: `AgentBaseError` of the code `schema` where the database is newer than this program, or holds tables of these
  ///   names that the library did not make; `permission` where the user may not create them; `PostgresError` else.
  @discardableResult
  @concurrent package func install(on connection: PostgresConnection) async throws -> [SchemaStep] {
    var installed: [SchemaStep] = []
    while try await !pending(on: connection).isEmpty {
      guard let step = try await applyNext(on: connection) else { break }
      installed.append(step)
    }
    if last == steps.count { try await adoptVector(on: connection) }
    return installed
  }

  /// The wanted steps that the database lacks.
  func pending(on connection: PostgresConnection) async throws -> [SchemaStep] {
    try pending(after: try await applied(on: connection))
  }

  private func pending(after applied: [AppliedStep]) throws(AgentBaseError) -> [SchemaStep] {
    try SchemaPlan.pending(steps: steps, applied: applied).filter { $0.version <= last }
  }

  /// The steps that the database has; none where it has no version table.
  func applied(on connection: PostgresConnection) async throws -> [AppliedStep] {
    // It reads a catalog, not to_regclass alone: only a table that is touched makes a session look at what others have
    // committed since its transaction began, and the advisory lock is waited for within one.
    let table = try await connection.queryOne(
      "SELECT EXISTS (SELECT FROM pg_class WHERE oid = to_regclass(\(Self.versionTable)))")
    guard try table?.decode(0, as: Bool.self) == true else { return [] }
    let rows = try await connection.query(
      "SELECT version, name, applied_text FROM \(unsafeSQL: Self.versionTable) ORDER BY version")
    return try rows.map {
      AppliedStep(version: try $0.decode(0), name: try $0.decode(1), text: try $0.decode(2))
    }
  }

  // MARK: - One step

  private func applyNext(on connection: PostgresConnection) async throws -> SchemaStep? {
    do {
      return try await connection.transaction { connection in
        try await connection.execute("SELECT pg_advisory_xact_lock(\(Self.lock))")
        // Another process may have been first: what is pending is asked again under the lock.
        let applied = try await applied(on: connection)
        let pending = try pending(after: applied)
        guard let step = pending.first else { return nil }
        if applied.isEmpty { try await prepareSchema(connection) }
        try await checkForOtherTables(of: pending, connection)
        if applied.isEmpty { try await makeVersionTable(connection) }
        let start = ContinuousClock.now
        try await connection.executeScript(step.up)
        let (seconds, attoseconds) = (ContinuousClock.now - start).components
        try await connection.execute(
          """
          INSERT INTO \(unsafeSQL: Self.versionTable) (version, name, applied_text, duration_ms)
          VALUES (\(step.version), \(step.name), \(step.up),
            \(Double(seconds) * 1e3 + Double(attoseconds) / 1e15))
          """)
        return step
      }
    } catch let error as PostgresError where error.sqlState == .insufficientPrivilege {
      throw AgentBaseError(
        .permission, "the user may not create the library's tables: \(error.description)",
        advice: """
          Ask the owner for GRANT CREATE ON SCHEMA public, or for GRANT CREATE ON DATABASE and add \
          ?options=-csearch_path%3Dagentbase to the URL, for a schema of its own.
          """, underlying: error)
    }
  }

  /// Makes the schema that the search path names, where it is not there yet.
  private func prepareSchema(_ connection: PostgresConnection) async throws {
    let place = try await connection.queryOne("SELECT current_schema()::text, current_setting('search_path')")
    if try place?.decode(0, as: String?.self) == nil {
      let path: String = try place?.decode(1) ?? ""
      guard let name = Self.firstSchema(of: path) else {
        throw AgentBaseError(
          .schema, "the search_path \"\(path)\" names no schema in which tables can be made",
          advice: "Set it in the URL: ?options=-csearch_path%3Dagentbase")
      }
      try await connection.execute("CREATE SCHEMA IF NOT EXISTS \(identifier: name)")
    }
  }

  private func makeVersionTable(_ connection: PostgresConnection) async throws {
    try await connection.execute(
      """
      CREATE TABLE \(unsafeSQL: Self.versionTable) (
        version      integer PRIMARY KEY,
        name         text NOT NULL,
        applied_text text NOT NULL,
        applied_by   text NOT NULL DEFAULT current_user,
        applied_at   timestamptz NOT NULL DEFAULT now(),
        duration_ms  double precision NOT NULL
      )
      """)
  }

  /// The first name of a search path that is not the user's own schema.
  static func firstSchema(of searchPath: String) -> String? {
    searchPath.split(separator: ",").lazy
      .map { name -> String in
        let name = name.trimmingCharacters(in: .whitespaces)
        return name.hasPrefix("\"")
          ? String(name.dropFirst().dropLast()).replacing("\"\"", with: "\"") : name.lowercased()
      }
      .first { !$0.isEmpty && $0 != "$user" }
  }

  /// Refuses tables of our names that the library did not make, such as Prisma's.
  private func checkForOtherTables(
    of steps: [SchemaStep], _ connection: PostgresConnection
  ) async throws {
    let names = steps.flatMap { Self.tables(madeBy: $0.up) }
    let found = try await connection.query(
      """
      SELECT relname::text FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
      WHERE nspname = current_schema() AND relname = ANY (\(names)::text[]) ORDER BY relname
      """)
    guard !found.isEmpty else { return }
    let list = try found.map { try $0.decode(0, as: String.self) }.joined(separator: ", ")
    throw AgentBaseError(
      .schema, "the database has tables of these names that AgentBase did not make: \(list)",
      advice: """
        Give AgentBase a schema of its own, beside them: add ?options=-csearch_path%3Dagentbase to the URL.
        """)
  }

  /// The names in the CREATE TABLE lines of a step.
  static func tables(madeBy sql: String) -> [String] {
    sql.split(separator: "\n").compactMap { line in
      guard line.hasPrefix("CREATE TABLE ") else { return nil }
      return line.dropFirst(13).split(whereSeparator: { $0 == " " || $0 == "(" }).first.map(String.init)
    }
  }

  // MARK: - pgvector

  /// Makes vectors of the embeddings where pgvector was installed since the tables were made.
  private func adoptVector(on connection: PostgresConnection) async throws {
    let row = try await connection.queryOne(
      """
      SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'vector') AND EXISTS (
        SELECT FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid
        WHERE attrelid = to_regclass('agent_memories') AND attname = 'embedding' AND typname = '_float4')
      """)
    guard try row?.decode(0, as: Bool.self) == true else { return }
    do throws(PostgresError) {
      try await connection.execute("SELECT agentbase_adopt_vector()")
    } catch {
      // Only the owner of the table may; to others the embeddings stay what they are, and are read all the same.
      guard error.sqlState == .insufficientPrivilege else { throw error }
    }
  }
}
