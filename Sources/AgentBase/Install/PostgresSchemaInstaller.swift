// Makes the library's tables in Postgres where they are missing: the steps by the migrator, and what is around them.

package import Migrations
package import Postgres

/// Brings the tables of a database up to date.
///
/// Of any number of processes that start at once, one makes each step.
package struct PostgresSchemaInstaller: Sendable {
  /// The last step that is wanted.
  private let last: Int?

  /// The whole schema of the library.
  package static let library = PostgresSchemaInstaller(last: nil)
  /// The importer's books alone, beside the tables of an application: the first step stands by itself.
  package static let books = PostgresSchemaInstaller(last: 1)

  private var migrator: PostgresMigrator {
    var migrator = PostgresMigrator(
      MigrationPlan(OwnSchema.migrations(.postgres)), tables: .library, options: OwnSchema.options(.postgres))
    migrator.precondition = Self.checkForOtherTables
    return migrator
  }

  /// Applies the steps that the database lacks, and answers them.
  ///
  /// - Throws: `AgentBaseError` of the code `schema` where the database is newer than this program, or holds tables of these
  ///   names that the library did not make; `permission` where the user may not create them; `PostgresError` else.
  @discardableResult
  @concurrent package func install(on connection: PostgresConnection) async throws -> [MigrationRun] {
    do {
      let runs = try await migrator.run(.up(to: last), on: connection)
      if last == nil { try await Self.adoptVector(on: connection) }
      return runs
    } catch let error as MigrationError {
      throw Self.thrown(error)
    }
  }

  /// As `install`; where the user may not create tables, and the database is one version behind, it is used as it is.
  ///
  /// - Returns: the steps that were applied, and how far the database is behind; 0 where it is not.
  @concurrent package func open(on connection: PostgresConnection) async throws -> (
    installed: [MigrationRun], behind: Int
  ) {
    do {
      return (try await install(on: connection), 0)
    } catch let error as AgentBaseError where error.code == .permission {
      let pending = try await migrator.next(.up(to: nil), on: connection).count
      guard pending <= 1 else { throw error }
      return ([], pending)
    }
  }

  private static func thrown(_ error: MigrationError) -> any Error {
    guard let below = error.underlying as? PostgresError else {
      return (error.underlying as? AgentBaseError) ?? AgentBaseError(error)
    }
    guard below.sqlState == .insufficientPrivilege else { return below }
    return AgentBaseError(
      .permission, "the user may not create the library's tables: \(below.description)",
      advice: """
        Have the owner run agentbase schema up, or ask for GRANT CREATE ON SCHEMA public, or for GRANT CREATE ON DATABASE and \
        add ?options=-csearch_path%3Dagentbase to the URL, for a schema of its own.
        """, underlying: below)
  }

  // MARK: - Tables of others

  /// Refuses tables of our names that the library did not make, such as Prisma's.
  @Sendable static func checkForOtherTables(
    _ connection: PostgresConnection, _ steps: [PlannedMigration]
  ) async throws {
    let names = steps.filter { $0.direction == .up }.flatMap { tables(madeBy: $0.sql) }
    let found = try await connection.query(
      """
      SELECT relname::text FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
      WHERE nspname = current_schema() AND relname = ANY (\(names)::text[]) ORDER BY relname
      """)
    guard !found.isEmpty else { return }
    let list = try found.map { try $0.decode(0, as: String.self) }.joined(separator: ", ")
    throw MigrationError(
      .unavailable, "the database has tables of these names that AgentBase did not make: \(list)",
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
  private static func adoptVector(on connection: PostgresConnection) async throws {
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
