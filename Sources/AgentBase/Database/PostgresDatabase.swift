// An application's database in Postgres.

import Postgres

/// A pool of connections to Postgres.
final class PostgresDatabase: DatabaseBackend {
  private let connections: PostgresPool
  private let errors: DatabaseErrors

  /// Connects; a server that is not there is told at once.
  init(url: String, _ configuration: DatabaseConfiguration) async throws {
    errors = DatabaseErrors(name: configuration.name)
    do {
      var target = try PostgresConfiguration(url)
      target.preparesStatements = configuration.connections.preparesStatements
      // One connection of its own: the pool would wait for the server.
      let connection = try await PostgresConnection.connect(target)
      await connection.close()
      connections = PostgresPool(
        target, configuration: PostgresPoolConfiguration(configuration.connections),
        observer: DriverEvents(
          configuration.eventHandler, database: configuration.name,
          slowQueryLimit: configuration.slowQueryLimit)?.postgres)
    } catch {
      throw errors.translated(error)
    }
  }

  var pool: DatabasePoolMetrics? { DatabasePoolMetrics(connections.metrics) }

  func version() async throws -> String {
    try await query("SELECT current_setting('server_version')").first?.values.first?.textValue ?? "unknown"
  }

  func query(_ statement: DatabaseStatement) async throws -> [DatabaseRow] {
    try await errors.naming { try DatabaseRow.rows(try await connections.query(statement.postgres)) }
  }

  func execute(_ statement: DatabaseStatement) async throws -> DatabaseResult {
    try await errors.naming {
      DatabaseResult(rowsAffected: try await connections.execute(statement.postgres))
    }
  }

  func executeScript(_ sql: String) async throws {
    try await errors.naming { try await connections.withConnection { try await $0.executeScript(sql) } }
  }

  nonisolated(nonsending) func transaction<Value>(
    _ options: DatabaseTransactionOptions,
    _ body: nonisolated(nonsending) (any DatabaseSession) async throws -> Value
  ) async throws -> Value {
    // What was made of the driver's error that ends the transaction.
    var reason: AgentBaseError?
    do {
      return try await connections.transaction(options.isolation.mode, isRetryable: options.isRetryable) {
        lease in
        reason = nil
        do {
          return try await lease.withOpenTransaction { transaction in
            try await body(PostgresDatabaseTransaction(transaction: transaction, errors: errors))
          }
        } catch let error as AgentBaseError {
          guard let driverError = error.underlying as? PostgresError else { throw error }
          // The pool knows by the driver's error whether the body runs again.
          reason = error
          throw driverError
        }
      }
    } catch {
      throw reason ?? errors.translated(error)
    }
  }

  func close() async { await connections.close() }
}

/// A transaction in Postgres, or a savepoint of it.
struct PostgresDatabaseTransaction: DatabaseSession {
  let transaction: PostgresTransaction
  let errors: DatabaseErrors

  func query(_ statement: DatabaseStatement) async throws -> [DatabaseRow] {
    try await errors.naming { try DatabaseRow.rows(try await transaction.query(statement.postgres)) }
  }

  func execute(_ statement: DatabaseStatement) async throws -> DatabaseResult {
    try await errors.naming {
      DatabaseResult(rowsAffected: try await transaction.query(statement.postgres).affectedRows)
    }
  }

  func executeScript(_ sql: String) async throws {
    try await errors.naming { try await transaction.executeScript(sql) }
  }

  nonisolated(nonsending) func transaction<Value>(
    _ options: DatabaseTransactionOptions,
    _ body: nonisolated(nonsending) (any DatabaseSession) async throws -> Value
  ) async throws -> Value {
    try await errors.naming {
      try await transaction.transaction { inner in
        try await body(PostgresDatabaseTransaction(transaction: inner, errors: errors))
      }
    }
  }
}

extension DatabaseIsolation {
  fileprivate var mode: PostgresTransactionMode {
    switch self {
    case .standard: .standard
    case .readCommitted: .readCommitted
    case .repeatableRead: .repeatableRead
    case .serializable: .serializable
    }
  }
}

extension DatabaseStatement {
  /// As Postgres takes it.
  fileprivate var postgres: PostgresStatement {
    PostgresStatement(sql: postgresText, values: values.map(\.postgresValue))
  }
}

extension DatabaseRow {
  /// The rows of an answer.
  fileprivate static func rows(_ answer: PostgresRows) throws(PostgresError) -> [DatabaseRow] {
    let columns = Columns(answer.columns.map(\.name))
    return try answer.map { row throws(PostgresError) in
      var values: [DatabaseValue] = []
      values.reserveCapacity(columns.names.count)
      for place in columns.names.indices { values.append(DatabaseValue(try row.value(place))) }
      return DatabaseRow(columns, values)
    }
  }
}
