// The statements that begin and end transactions, compiled once and never lent to a body.

internal import CSQLite

/// A statement that begins or ends a transaction or a savepoint.
enum SQLiteControlStatement: Int, CaseIterable {
  case beginDeferred, beginImmediate, commit, rollback, savepoint, release

  /// The savepoint is the outermost; those within it are rare, and compiled each time.
  var sql: String {
    switch self {
    case .beginDeferred: "BEGIN DEFERRED"
    case .beginImmediate: "BEGIN IMMEDIATE"
    case .commit: "COMMIT"
    case .rollback: "ROLLBACK"
    case .savepoint: "SAVEPOINT nested_1"
    case .release: "RELEASE nested_1"
    }
  }
}

/// The control statements of a connection that are compiled already.
@safe
struct SQLiteControlStatements {
  private var handles: [OpaquePointer?] = unsafe Array(
    repeating: nil, count: SQLiteControlStatement.allCases.count)

  subscript(statement: SQLiteControlStatement) -> OpaquePointer? {
    get { unsafe handles[statement.rawValue] }
    set { unsafe handles[statement.rawValue] = newValue }
  }

  mutating func removeAll() {
    for statement in SQLiteControlStatement.allCases {
      _ = unsafe sqlite3_finalize(self[statement])
      unsafe self[statement] = nil
    }
  }
}
