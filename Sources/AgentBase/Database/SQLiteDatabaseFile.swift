// An application's database in a SQLite file.

import SQLite

/// A SQLite file.
final class SQLiteDatabaseFile: DatabaseBackend {
  private let file: SQLiteDatabase
  private let errors: DatabaseErrors

  /// Opens a file, or makes one.
  init(path: String, _ configuration: DatabaseConfiguration) async throws {
    errors = DatabaseErrors(name: configuration.name)
    do {
      file = try await SQLiteDatabase(
        path: path, access: .create, busyTimeout: configuration.connections.waitLimit,
        observer: DriverEvents(
          configuration.eventHandler, database: configuration.name,
          slowQueryLimit: configuration.slowQueryLimit)?.sqlite)
    } catch {
      throw errors.translated(error)
    }
  }

  var pool: DatabasePoolMetrics? { nil }

  func version() async throws -> String {
    try await query("SELECT sqlite_version() FROM (SELECT count(*) FROM sqlite_schema)").first?.values.first?
      .textValue ?? "unknown"
  }

  func query(_ statement: DatabaseStatement) async throws -> [DatabaseRow] {
    try await errors.naming {
      // What writes (INSERT … RETURNING) goes to the writer; only SQLite itself knows.
      if let rows = try await file.read({ try statement.readRows(on: $0) }) { return rows }
      return try await file.write { try statement.rows(on: $0) }
    }
  }

  func execute(_ statement: DatabaseStatement) async throws -> DatabaseResult {
    try await errors.naming { try await file.write { try statement.execute(on: $0) } }
  }

  func executeScript(_ sql: String) async throws {
    try await errors.naming { try await file.write { try $0.executeScript(sql) } }
  }

  nonisolated(nonsending) func transaction<Value>(
    _ options: DatabaseTransactionOptions,
    _ body: nonisolated(nonsending) (any DatabaseSession) async throws -> Value
  ) async throws -> Value {
    try await errors.naming {
      try await file.transaction { transaction in
        try await body(SQLiteDatabaseTransaction(transaction: transaction, errors: errors))
      }
    }
  }

  func close() async { await file.close() }
}

/// A transaction of a SQLite file, or a savepoint of it.
struct SQLiteDatabaseTransaction: DatabaseSession {
  let transaction: SQLiteTransaction
  let errors: DatabaseErrors

  func query(_ statement: DatabaseStatement) async throws -> [DatabaseRow] {
    try await errors.naming { try await transaction.perform { try statement.rows(on: $0) } }
  }

  func execute(_ statement: DatabaseStatement) async throws -> DatabaseResult {
    try await errors.naming { try await transaction.perform { try statement.execute(on: $0) } }
  }

  func executeScript(_ sql: String) async throws {
    try await errors.naming { try await transaction.perform { try $0.executeScript(sql) } }
  }

  nonisolated(nonsending) func transaction<Value>(
    _ options: DatabaseTransactionOptions,
    _ body: nonisolated(nonsending) (any DatabaseSession) async throws -> Value
  ) async throws -> Value {
    try await errors.naming {
      try await transaction.transaction { inner in
        try await body(SQLiteDatabaseTransaction(transaction: inner, errors: errors))
      }
    }
  }
}

extension DatabaseStatement {
  /// The rows, of a statement that only reads; nil of one that writes.
  fileprivate func readRows(on connection: SQLiteConnection) throws -> [DatabaseRow]? {
    guard try connection.prepare(sqliteText).isReadOnly else { return nil }
    return try rows(on: connection)
  }

  fileprivate func rows(on connection: SQLiteConnection) throws -> [DatabaseRow] {
    let answer = try connection.query(sqliteText, values.map(\.sqliteValue))
    guard let first = answer.first else { return [] }
    let columns = DatabaseRow.Columns(first.columns)
    return answer.map { DatabaseRow(columns, $0.values.map { DatabaseValue($0) }) }
  }

  fileprivate func execute(on connection: SQLiteConnection) throws -> DatabaseResult {
    let sql = sqliteText
    let count = try connection.execute(sql, values.map(\.sqliteValue))
    let verb = sql.drop(while: \.isWhitespace).prefix(7).uppercased()
    let isInsert = count > 0 && (verb.hasPrefix("INSERT") || verb == "REPLACE")
    return DatabaseResult(rowsAffected: count, lastInsertID: isInsert ? connection.lastInsertRowID : nil)
  }
}
