// How the connections of a database are set up: one writes, the others read.

extension SQLiteConnection {
  /// The connection that writes; it gives a new file a write-ahead log.
  static func writer(
    path: String, access: Access, busyTimeout: Duration, durability: SQLiteDatabase.Durability,
    observer: SQLiteObserver? = nil
  ) throws(SQLiteError) -> SQLiteConnection {
    let isNew = [.missing, .empty].contains(SQLiteFile.kind(path))
    let connection = try SQLiteConnection(path: path, access: access, busyTimeout: busyTimeout)
    if isNew, access != .readOnly { try connection.switchToLog() }
    try connection.run("PRAGMA synchronous = \(durability.rawValue); PRAGMA foreign_keys = ON")
    connection.guardTransactions()
    connection.observe(by: observer)
    return connection
  }

  /// A connection that only reads. It may write to the index of the log, so it is not opened read-only.
  static func reader(
    path: String, access: Access, busyTimeout: Duration, observer: SQLiteObserver? = nil
  ) throws(SQLiteError) -> SQLiteConnection {
    let connection = try SQLiteConnection(
      path: path, access: access == .readOnly ? .readOnly : .readWrite, busyTimeout: busyTimeout)
    try connection.run("PRAGMA query_only = ON")
    // Another process may change that later; then the next opening notices it.
    connection.hasLog = try connection.queryOne("PRAGMA journal_mode")?[0] == "wal"
    connection.guardTransactions()
    connection.observe(by: observer)
    return connection
  }

  private func guardTransactions() {
    control.allowsTransactionStatements = false
    unsafe control.guardTransactions(of: handle)
  }

  /// Sets the write-ahead log. SQLite asks no busy handler here when several processes make the same file at once.
  private func switchToLog() throws(SQLiteError) {
    var tries = 0
    while true {
      do {
        return try run("PRAGMA journal_mode = WAL")
      } catch {
        guard error.isSafeToRetry, control.waitForLock(tries: tries) else { throw error }
        tries += 1
      }
    }
  }
}
