// What the tests of the driver share: a connection to a fresh database.

import Postgres
import TestSupport

/// Connections to databases of a test's own.
enum Live {
  /// A connection to a new, empty database.
  static func connection(_ version: TestServer.Version = .v15) async throws -> PostgresConnection {
    try await PostgresConnection.connect(try await configuration(version))
  }

  /// The configuration of a new, empty database.
  static func configuration(_ version: TestServer.Version = .v15) async throws -> PostgresConfiguration {
    try PostgresConfiguration(try await TestServer.freshDatabase(version))
  }

  /// The error of an expression that must throw one of the driver's.
  static func error<Answer>(
    isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Answer
  ) async throws -> PostgresError {
    do {
      _ = try await body()
    } catch let error as PostgresError {
      return error
    }
    throw NoError()
  }

  /// Waits until the server runs `pg_sleep` for that connection, as it sees it itself.
  static func untilAsleep(_ connection: PostgresConnection, of configuration: PostgresConfiguration)
    async throws
  {
    let observer = try await PostgresConnection.connect(configuration)
    let pid = connection.backendProcessID
    while try await observer.query(
      "SELECT FROM pg_stat_activity WHERE pid = \(pid) AND wait_event = 'PgSleep'"
    ).isEmpty {
      try await Task.sleep(for: .milliseconds(5))
    }
    await observer.close()
  }

  struct NoError: Error {}
}
