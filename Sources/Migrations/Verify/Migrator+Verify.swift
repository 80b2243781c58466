// Whether a database is what its steps make: their texts, and the schema that a new database gets from them.

internal import Foundation
public import Postgres
internal import SQLite

/// What a comparison has found.
public struct MigrationVerification: Sendable, Hashable {
  /// Where the database stands.
  public let status: MigrationStatus
  /// Objects that are not as the steps make them.
  public let differences: [SchemaDifference]

  /// A comparison.
  public init(status: MigrationStatus, differences: [SchemaDifference]) {
    self.status = status
    self.differences = differences
  }

  /// Steps whose text is not the one that was applied, and those that are not known here.
  public var changedSteps: [MigrationStatus.Step] {
    status.steps.filter { [.edited, .unknown, .unfinished].contains($0.state) }
  }

  /// Whether nothing differs.
  public var holds: Bool { differences.isEmpty && changedSteps.isEmpty }
}

extension Migrator {
  /// Compares the applied texts with the steps, and the schema with the one that the steps make in an empty database: in memory
  /// for SQLite; for Postgres in a database that is made for it on the same server, and dropped again.
  ///
  /// - Parameter scratch: an empty Postgres database to use instead, where the user may not make one. What is made in it stays.
  /// - Throws: `scratch` where the steps do not make a schema by themselves, or the database for it cannot be made;
  ///   `unavailable`.
  @concurrent public func verify(scratch: PostgresConfiguration? = nil) async throws -> MigrationVerification
  {
    let status = try await status()
    let version = min(status.version, plan.migrations.count)
    let steps = Array(plan.migrations.prefix(version))
    switch database {
    case .sqlite(let path):
      let (tables, options) = (tables, options)
      let differences = try await Self.withFile(path, makes: false, wait: options.lockWait) { connection in
        try connection.transaction(.deferred) {
          let expected = try Self.catalogue(of: steps, tables: tables)
          return try SchemaCatalogue(reading: connection, without: tables).differences(from: expected)
        }
      }
      return MigrationVerification(status: status, differences: differences)
    case .postgres(let configuration):
      let found = try await Self.withConnection(configuration) { connection in
        (
          try await SchemaCatalogue(reading: connection, without: tables),
          try await ScratchDatabase.Origin(reading: connection)
        )
      }
      let expected = try await ScratchDatabase.with(configuration, scratch, found.1) { connection in
        try await make(steps, on: connection)
        return try await SchemaCatalogue(reading: connection, without: tables)
      }
      return MigrationVerification(status: status, differences: found.0.differences(from: expected))
    }
  }

  /// The schema that steps make in an empty file.
  private static func catalogue(of steps: [Migration], tables: MigrationTables) throws -> SchemaCatalogue {
    let connection = try SQLiteConnection(path: ":memory:")
    do {
      try SQLiteMigrator(MigrationPlan(steps.map(\.unchecked)), tables: tables).run(
        .up(to: nil), on: connection)
    } catch {
      throw Self.scratchFailure(error)
    }
    return try SchemaCatalogue(reading: connection, without: tables)
  }

  private func make(_ steps: [Migration], on connection: PostgresConnection) async throws {
    do {
      var migrator = PostgresMigrator(MigrationPlan(steps.map(\.unchecked)), tables: tables)
      migrator.resetsSession = false
      try await migrator.run(.up(to: nil), on: connection)
    } catch let error as MigrationError {
      throw Self.scratchFailure(error)
    }
  }

  private static func scratchFailure(_ error: MigrationError) -> MigrationError {
    MigrationError(
      .scratch,
      "the steps do not make the schema in an empty database, so it cannot be compared: \(error.message)",
      advice: "let the first step make what was there before it (CREATE TABLE IF NOT EXISTS …)",
      version: error.version,
      line: error.line, underlying: error)
  }
}

extension Migration {
  /// The step without its checks: an empty database has nothing that they could look at.
  fileprivate var unchecked: Migration { Migration(version: version, name: name, up: up, down: down) }
}

/// A database that is made to be compared with.
private enum ScratchDatabase {
  /// What the other database has that no step makes.
  struct Origin: Sendable {
    let schema: String
    let extensions: [String]

    init(reading connection: PostgresConnection) async throws {
      let row = try await connection.queryOne(
        "SELECT current_schema()::text, ARRAY(SELECT extname::text FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY 1)"
      )
      schema = try row?.decode(0, as: String?.self) ?? "public"
      extensions = try row?.decode(1) ?? []
    }
  }

  static func with<Value: Sendable>(
    _ configuration: PostgresConfiguration, _ given: PostgresConfiguration?, _ origin: Origin,
    _ body: (PostgresConnection) async throws -> Value
  ) async throws -> Value {
    if let given {
      return try await Migrator.withConnection(given) { connection in
        try await prepare(connection, origin)
        return try await body(connection)
      }
    }
    let name = "agentbase_scratch_\(UUID().uuidString.prefix(13).lowercased().replacing("-", with: "_"))"
    return try await Migrator.withConnection(configuration) { owner in
      do throws(PostgresError) {
        try await owner.execute("CREATE DATABASE \(identifier: name) TEMPLATE template0")
      } catch {
        throw MigrationError(
          .scratch, "no database can be made to compare with: \(error.description)",
          advice: "ask for CREATEDB, or give the URL of an empty database (--scratch URL)", underlying: error)
      }
      do {
        let value = try await Migrator.withConnection(configuration.database(name)) { connection in
          try await prepare(connection, origin)
          return try await body(connection)
        }
        try await owner.execute("DROP DATABASE \(identifier: name) WITH (FORCE)")
        return value
      } catch {
        // Also where the task was cancelled: nothing of ours stays.
        _ = await Task {
          try? await owner.execute("DROP DATABASE IF EXISTS \(identifier: name) WITH (FORCE)")
        }.value
        throw error
      }
    }
  }

  private static func prepare(_ connection: PostgresConnection, _ origin: Origin) async throws {
    let row = try await connection.queryOne(
      "SELECT EXISTS (SELECT FROM pg_class WHERE relnamespace = to_regnamespace(\(origin.schema)))")
    guard try row?.decode(0, as: Bool.self) == false else {
      throw MigrationError(
        .scratch, "the database to compare with is not empty", advice: "give the URL of an empty database")
    }
    for name in origin.extensions {
      // What may not be installed here, a step that needs it says by itself.
      _ = try? await connection.execute("CREATE EXTENSION IF NOT EXISTS \(identifier: name)")
    }
    try await connection.execute("CREATE SCHEMA IF NOT EXISTS \(identifier: origin.schema)")
    try await connection.execute("SET search_path = \(identifier: origin.schema), public")
  }
}
