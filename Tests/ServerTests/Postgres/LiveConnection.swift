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
  static func error(
    isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Void
  ) async throws -> PostgresError {
    do {
      try await body()
    } catch let error as PostgresError {
      return error
    }
    throw NoError()
  }

  struct NoError: Error {}
}
