// Transactions: begun at once, nested as savepoints, ended on every way out.

extension SQLiteConnection {
  /// When a transaction takes the write lock.
  public enum Transaction: Sendable {
    /// At its first write; it may then fail with `busySnapshot`, which no waiting can cure.
    case deferred
    /// At once: the right one for whoever is going to write.
    case immediate
  }

  /// Runs the body in a transaction, or in a savepoint where one is open.
  ///
  /// It is committed when the body returns, and undone when the body throws or the commit fails.
  ///
  /// - Throws: what the body throws; `busy` where the lock was not given within the busy limit.
  public func transaction<Value>(_ kind: Transaction = .immediate, _ body: () throws -> Value) throws -> Value
  {
    if isInTransaction { return try savepoint(body) }
    try begin(kind)
    do {
      let value = try body()
      try commit()
      return value
    } catch {
      rollback()
      throw error
    }
  }

  /// Runs the body in a savepoint of the open transaction.
  func savepoint<Value>(_ body: () throws -> Value) throws -> Value {
    try openSavepoint()
    do {
      let value = try body()
      try releaseSavepoint()
      return value
    } catch {
      undoSavepoint()
      throw error
    }
  }

  /// Opens a savepoint within the innermost one.
  func openSavepoint() throws(SQLiteError) {
    if savepoints == 0 { try control(.savepoint) } else { try run("SAVEPOINT nested_\(savepoints + 1)") }
    savepoints += 1
  }

  /// Ends the innermost savepoint and keeps what was done in it; where it fails, the savepoint is open still.
  func releaseSavepoint() throws(SQLiteError) {
    if savepoints == 1 { try control(.release) } else { try run("RELEASE nested_\(savepoints)") }
    savepoints -= 1
  }

  /// Ends the innermost savepoint and undoes what was done in it.
  func undoSavepoint() {
    forgetMemos()
    // A full disk or an interrupted write has undone the whole transaction: then there is no savepoint.
    if isInTransaction { try? run("ROLLBACK TO nested_\(savepoints); RELEASE nested_\(savepoints)") }
    savepoints = max(0, savepoints - 1)
  }

  func begin(_ kind: Transaction) throws(SQLiteError) {
    forgetMemos()
    savepoints = 0
    try control(kind == .immediate ? .beginImmediate : .beginDeferred)
  }

  func commit() throws(SQLiteError) {
    try control(.commit)
    transactionMemo = nil
  }

  /// Undoes the open transaction; nothing where SQLite has done so already.
  func rollback() {
    guard isInTransaction else { return }
    forgetMemos()
    try? control(.rollback)
  }
}
