// An open transaction as a value that several tasks may use.

/// A transaction of a connection that is open for as long as a body runs.
///
/// Calls on it belong to it from whatever task they are made; after its end they fail with `misuse`.
public struct PostgresTransaction: Sendable {
  private let connection: PostgresConnection
  let frame: ScopeFrame?

  /// The transaction in whose body the caller runs.
  init(_ connection: PostgresConnection) {
    self.connection = connection
    frame = ScopeFrame.current
  }

  /// Runs a statement and returns all its rows.
  ///
  /// - Throws: as ``PostgresConnection/query(_:)`` does; after an error of the server the transaction can only be undone.
  public func query(_ statement: PostgresStatement) async throws(PostgresError) -> PostgresRows {
    let result = await ScopeFrame.$current.withValue(frame) {
      () async -> Result<PostgresRows, PostgresError> in
      do throws(PostgresError) {
        return .success(try await connection.query(statement))
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  /// Runs the body in a transaction within this one (a savepoint): where it throws, only what it did is undone.
  ///
  /// - Throws: as ``PostgresConnection/transaction(_:isolation:_:)`` does.
  public nonisolated(nonsending) func transaction<Value>(
    _ body: nonisolated(nonsending) (PostgresTransaction) async throws -> Value
  ) async throws -> Value {
    try await ScopeFrame.$current.withValue(frame) {
      try await connection.transaction { connection in
        try await PostgresTransaction(connection).lend(outside: frame?.parent, to: body)
      }
    }
  }

  /// Runs the body with this transaction. A task that the body starts may outlive it, and then use the same connection for
  /// something else: so no task is in the transaction by itself, only what is called on this value.
  nonisolated(nonsending) func lend<Value>(
    outside outer: ScopeFrame?, to body: nonisolated(nonsending) (PostgresTransaction) async throws -> Value
  ) async throws -> Value {
    try await ScopeFrame.$current.withValue(outer) { try await body(self) }
  }
}
