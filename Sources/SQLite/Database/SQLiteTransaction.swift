// A transaction that lasts over several awaits: the writer on loan to one caller.

/// A transaction of a `SQLiteDatabase` that is open for as long as a body runs.
///
/// Any task may use it until the body ends; calls at once take turns. While a nested one is open, those of the outer
/// one wait.
public final class SQLiteTransaction: Sendable {
  private let writer: SQLiteWriter
  private let scope: Int

  private init(writer: SQLiteWriter, scope: Int) {
    self.writer = writer
    self.scope = scope
  }

  /// Runs a body on the connection of the transaction. What a body does that throws is undone, alone.
  ///
  /// - Throws: what the body throws; `CancellationError`; `SQLiteError`, `misuse` where the transaction has ended, `abort`
  ///   where a failure, such as that of a full disk, has undone all of it.
  public func perform<Value: Sendable>(
    _ body: @escaping @Sendable (SQLiteConnection) throws -> Value
  ) async throws -> Value {
    let outcome = SQLiteOutcome<Value>()
    try await writer.perform(SQLiteJob(.grouped) { outcome.set(try body($0)) }, within: scope)
    return outcome.get()
  }

  /// Runs the body in a transaction within this one (a savepoint): where it throws, only what it did is undone.
  ///
  /// - Throws: what the body throws; as `perform` does.
  public nonisolated(nonsending) func transaction<Value>(
    _ body: nonisolated(nonsending) (SQLiteTransaction) async throws -> Value
  ) async throws -> Value {
    try await Self.run(on: writer, within: scope, body)
  }

  static nonisolated(nonsending) func run<Value>(
    on writer: SQLiteWriter, within outer: Int?,
    _ body: nonisolated(nonsending) (SQLiteTransaction) async throws -> Value
  ) async throws -> Value {
    let scope = writer.newScope()
    try await writer.perform(SQLiteJob(.begin(scope)), within: outer)
    let value: Value
    do {
      value = try await body(SQLiteTransaction(writer: writer, scope: scope))
      try Task.checkCancellation()
    } catch {
      // Its end is for the next one too: the cancellation of this task does not stop it.
      try? await writer.perform(SQLiteJob(.rollback), within: scope, isShielded: true)
      throw error
    }
    try await writer.perform(SQLiteJob(.commit), within: scope, isShielded: true)
    return value
  }
}
