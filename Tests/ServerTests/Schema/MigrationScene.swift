// A database of a test's own whose schema is changed by steps, of either kind.

import Foundation
import Migrations
import Postgres
import SQLite
import Synchronization
import TestSupport
import Testing

/// The databases that steps are tested on.
enum SchemaBackend: String, CaseIterable, CustomStringConvertible, Sendable {
  case sqlite, postgres15, postgres18

  var description: String { rawValue }

  static let all = allCases.filter { $0.version.map(TestServer.isTested) ?? true }

  var version: TestServer.Version? {
    switch self {
    case .sqlite: nil
    case .postgres15: .v15
    case .postgres18: .v18
    }
  }

  var dialect: MigrationDialect { self == .sqlite ? .sqlite : .postgres }
}

/// A new, empty database.
final class MigrationScene: Sendable {
  let backend: SchemaBackend
  let database: MigrationDatabase
  /// What the command takes for `--database`.
  let name: String
  let folder: TemporaryFolder

  init(_ backend: SchemaBackend) async throws {
    self.backend = backend
    folder = try TemporaryFolder("schema")
    if let version = backend.version {
      name = try await TestServer.freshDatabase(version)
      database = .postgres(try PostgresConfiguration(name))
    } else {
      name = try folder.file("agent.db")
      database = .sqlite(path: name)
      try SQLiteConnection(path: name).executeScript("PRAGMA journal_mode = WAL")
    }
  }

  func migrator(_ steps: [Migration], events: EventList? = nil) -> Migrator {
    var migrator = Migrator(database, steps)
    if let events { migrator.options.onEvent = { events.add($0) } }
    return migrator
  }

  /// A connection to the Postgres of the scene.
  func connection() async throws -> PostgresConnection {
    guard case .postgres(let configuration) = database else { throw NoPostgres() }
    return try await PostgresConnection.connect(configuration)
  }

  struct NoPostgres: Error {}

  /// Runs statements by hand, past the migrator.
  func execute(_ sql: String) async throws {
    switch database {
    case .sqlite(let path): try SQLiteConnection(path: path).executeScript(sql)
    case .postgres:
      let connection = try await connection()
      try await connection.executeScript(sql)
      await connection.close()
    }
  }

  /// The rows of a query as text: NULL is "-".
  func rows(_ sql: String) async throws -> [[String]] {
    switch database {
    case .sqlite(let path):
      return try SQLiteConnection(path: path).query(sql).map { row in
        row.values.map { value in
          switch value {
          case .null: "-"
          case .integer(let number): String(number)
          case .real(let number): String(number)
          case .text(let text): text
          default: "?"
          }
        }
      }
    case .postgres:
      let connection = try await connection()
      let rows = try await connection.query(PostgresStatement(sql: sql).asText())
      let texts = try rows.map { row in
        try (0..<row.count).map { try row.decode($0, as: String?.self) ?? "-" }
      }
      await connection.close()
      return texts
    }
  }

  /// The first value of the first row.
  func value(_ sql: String) async throws -> String? { try await rows(sql).first?.first }

  /// The columns of a table, in order.
  func columns(_ table: String) async throws -> [String] {
    switch backend.dialect {
    case .sqlite: try await rows("SELECT name FROM pragma_table_info('\(table)')").map { $0[0] }
    case .postgres:
      try await rows(
        "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass('\(table)') AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
      ).map { $0[0] }
    }
  }

  /// The error of a call that must throw one.
  static func error(_ body: () async throws -> Void) async -> MigrationError? {
    do {
      try await body()
      Issue.record("nothing was thrown")
      return nil
    } catch let error as MigrationError {
      return error
    } catch {
      Issue.record("another error: \(error)")
      return nil
    }
  }
}

/// Events as they came.
final class EventList: Sendable {
  private let events = Mutex<[MigrationEvent]>([])
  func add(_ event: MigrationEvent) { events.withLock { $0.append(event) } }
  var all: [MigrationEvent] { events.withLock { $0 } }
  /// How many rows were told of, each time.
  var progress: [Int] {
    all.compactMap { if case .progressed(_, let rows) = $0 { rows } else { nil } }
  }
}
