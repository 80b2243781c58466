// The plain verbs of a connection: execute, query, one row after the other.

internal import CSQLite

extension SQLiteConnection {
  /// Runs one statement to its end.
  ///
  /// - Returns: how many rows it inserted, updated or deleted itself, not counting triggers and foreign key actions.
  @discardableResult
  public func execute(_ sql: String, _ values: [SQLiteValue] = []) throws(SQLiteError) -> Int {
    var statement = try prepare(sql)
    try statement.bind(values)
    let before = unsafe sqlite3_total_changes64(handle)
    try statement.run()
    // Of a statement that changes nothing, SQLite still tells the changes of the one before.
    return unsafe sqlite3_total_changes64(handle) == before ? 0 : Int(sqlite3_changes64(handle))
  }

  /// Runs statements that are separated by semicolons, and ignores their rows (sqlite3_exec).
  public func executeScript(_ sql: String) throws(SQLiteError) {
    guard !sql.utf8.contains(0) else {
      throw SQLiteError(code: .error, message: "the SQL text holds a NUL", sql: sql, path: path)
    }
    try run(sql)
  }

  /// All rows of one statement.
  public func query(_ sql: String, _ values: [SQLiteValue] = []) throws(SQLiteError) -> [SQLiteRow] {
    var statement = try prepare(sql)
    try statement.bind(values)
    var rows: [SQLiteRow] = []
    var columns: [String]?
    while try statement.step() {
      // Asked after the first step: a changed schema is noticed there.
      let names = columns ?? statement.columnNames
      columns = names
      rows.append(SQLiteRow(columns: names, values: statement.values()))
    }
    return rows
  }

  /// The first row of one statement; nil where it answers none. The others are not read.
  public func queryOne(_ sql: String, _ values: [SQLiteValue] = []) throws(SQLiteError) -> SQLiteRow? {
    var statement = try prepare(sql)
    try statement.bind(values)
    guard try statement.step() else { return nil }
    return SQLiteRow(columns: statement.columnNames, values: statement.values())
  }

  /// Lends each row of one statement to the body in turn; nothing is kept, so memory does not grow with the rows.
  public func forEachRow(
    _ sql: String, _ values: [SQLiteValue] = [], _ body: (borrowing SQLiteStatement) throws -> Void
  ) throws {
    var statement = try prepare(sql)
    try statement.bind(values)
    while try statement.step() { try body(statement) }
  }

  /// Looks for damage (PRAGMA integrity_check).
  ///
  /// - Returns: the faults, about 100 at most; none where the file is sound.
  /// - Throws: where there is nothing to check: the file cannot be read, or is no database.
  public func integrityCheck() throws(SQLiteError) -> [String] {
    var faults: [String] = []
    do {
      var statement = try prepare("PRAGMA integrity_check(100)")
      while try statement.step() {
        if let line = statement.value(0).string, line != "ok" { faults.append(line) }
      }
    } catch {
      // Some damage ends the check itself.
      guard case .corrupt = error.code else { throw error }
      faults.append(error.message)
    }
    return faults
  }
}
