// What both backends do, and both kinds of transaction within them.

/// Runs statements: a database, or a transaction of it.
///
/// All calls throw `AgentBaseError`, or `CancellationError` where the task was cancelled.
protocol DatabaseSession: Sendable {
  /// All rows of a statement.
  func query(_ statement: DatabaseStatement) async throws -> [DatabaseRow]
  /// Runs a statement.
  func execute(_ statement: DatabaseStatement) async throws -> DatabaseResult
  /// Runs several statements without values, all or none.
  func executeScript(_ sql: String) async throws
  /// Runs the body in a transaction, or in a savepoint of this one.
  func transaction<Value>(
    _ options: DatabaseTransactionOptions, _ body: (any DatabaseSession) async throws -> Value
  ) async throws -> Value
}

/// Where a database's statements run.
protocol DatabaseBackend: DatabaseSession {
  /// The pool's numbers; nil where there is none.
  var pool: DatabasePoolMetrics? { get }
  /// What the server, or the library, calls its version.
  func version() async throws -> String
  /// Lets the database go, when what is under way is done.
  func close() async
}

/// How a transaction is run.
struct DatabaseTransactionOptions: Sendable {
  var isolation: DatabaseIsolation = .standard
  var isRetryable = false
}

/// What the statements of a transaction see of others. SQLite has one answer to all: its transactions run one after the other.
public enum DatabaseIsolation: String, Sendable, Hashable, CaseIterable {
  /// As the server is set, which is `readCommitted` unless somebody changed it.
  case standard
  /// Each statement sees what was committed before it.
  case readCommitted
  /// All statements see one snapshot.
  case repeatableRead
  /// As if transactions ran one after the other; one of two that cannot is undone, with an error that is safe to retry.
  case serializable
}

/// What a statement has done.
public struct DatabaseResult: Sendable, Hashable {
  /// How many rows it inserted, updated or deleted.
  public var rowsAffected: Int
  /// The rowid of the last row that an INSERT has made, in SQLite; nil in Postgres, and of other statements. `INSERT …
  /// RETURNING id` with `queryOne` works on both.
  public var lastInsertID: Int64?
}
