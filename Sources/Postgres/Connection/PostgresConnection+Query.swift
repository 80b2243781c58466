// Running single statements.

import CPostgres

extension PostgresConnection {
  /// Runs a statement and returns all its rows.
  ///
  /// The statement is prepared on its first use and kept prepared. One that the server has lost, or whose tables have
  /// changed since, is prepared again and run again where no transaction is open.
  ///
  /// - Throws: `server` with the server's fields, `connectionLost`, `cancelled`, or `encoding`.
  public func query(_ statement: PostgresStatement) async throws(PostgresError) -> PostgresRows {
    try await converse(statement.sql) { () async throws(PostgresError) in try await run(statement) }
  }

  /// Runs a statement and returns its first row, if there is one.
  ///
  /// - Throws: as `query` does.
  public func queryOne(_ statement: PostgresStatement) async throws(PostgresError) -> PostgresRow? {
    try await query(statement).first
  }

  /// Runs a statement and returns how many rows it changed or selected.
  ///
  /// - Throws: as `query` does.
  @discardableResult
  public func execute(_ statement: PostgresStatement) async throws(PostgresError) -> Int {
    try await query(statement).affectedRows
  }

  /// Runs several statements, separated by semicolons and without parameters, as one implicit transaction.
  ///
  /// - Throws: as `query` does, for the first that fails.
  public func executeScript(_ sql: String) async throws(PostgresError) {
    _ = try await converse(sql) { () async throws(PostgresError) in try await runScript(sql) }
  }

  // MARK: - Inside a conversation

  /// Runs a statement in the caller's turn.
  func run(_ statement: PostgresStatement) async throws(PostgresError) -> PostgresRows {
    var statement = statement
    var attempts = 0
    while true {
      let error: PostgresError
      do {
        return try await runOnce(statement)
      } catch let failure {
        error = failure
      }
      attempts += 1
      guard let fields = error.server, error.code == .server, attempts < 3 else { throw error }
      if fields.namesStalePlan {
        forgetPlan(of: statement, fields)
      } else if fields.routine == "getTypeBinaryOutputInfo", !statement.wantsText {
        statement.wantsText = true
      } else {
        throw error
      }
      // The failed statement did nothing, but a transaction that it was part of is lost.
      guard link?.transactionStatus == PQTRANS_IDLE else { throw error }
    }
  }

  private func runOnce(_ statement: PostgresStatement) async throws(PostgresError) -> PostgresRows {
    let link = try openLink()
    try checkAlive(link, statement.sql)
    try parameters.encode(statement.values)
    let format: Int32 = statement.wantsText ? 0 : 1
    let inTransaction = link.transactionStatus == PQTRANS_INTRANS && !SQLText.endsTransaction(statement.sql)
    let name = try await preparedName(for: statement, link)
    let sent: Int32
    if let name {
      sent = unsafe parameters.withArguments { count, values, lengths, formats in
        unsafe PQsendQueryPrepared(link.pointer, name, count, values, lengths, formats, format)
      }
    } else {
      let types = statement.values.map(\.type.rawValue)
      sent = unsafe parameters.withArguments { count, values, lengths, formats in
        unsafe PQsendQueryParams(link.pointer, statement.sql, count, types, values, lengths, formats, format)
      }
    }
    guard sent == 1 else { throw refusal(link, statement.sql) }
    let result = try await collect(link, statement.sql, inTransaction: inTransaction)
    return PostgresRows(result: result, sql: statement.sql)
  }

  func runScript(_ sql: String) async throws(PostgresError) -> ResultHandle {
    let link = try openLink()
    try checkAlive(link, sql)
    let inTransaction = link.transactionStatus == PQTRANS_INTRANS && !SQLText.endsTransaction(sql)
    guard unsafe PQsendQuery(link.pointer, sql) == 1 else { throw refusal(link, sql) }
    return try await collect(link, sql, inTransaction: inTransaction)
  }

  /// Takes all results of what was sent, and returns the last one.
  func collect(
    _ link: Link, _ sql: String?, inTransaction: Bool = false
  ) async throws(PostgresError) -> ResultHandle {
    var last: ResultHandle?
    var failure: PostgresServerFields?
    var isMisused = false
    while let result = try await nextResult(link) {
      switch result.status {
      case PGRES_FATAL_ERROR:
        if let fields = result.serverFields { failure = failure ?? fields }
        if link.isBroken { throw lose(link, sql, failure, sent: true, inTransaction: inTransaction) }
      case PGRES_COPY_IN:
        isMisused = true
        unsafe PQputCopyEnd(link.pointer, "COPY needs copyIn")
      case PGRES_COPY_OUT, PGRES_COPY_BOTH:
        isMisused = true
        try await drain(link)
      default:
        noteSessionChange(result)
        last = result
      }
    }
    if link.isBroken || failure?.isFatal == true {
      throw lose(link, sql, failure, sent: true, inTransaction: inTransaction)
    }
    if isMisused {
      throw PostgresError(.misuse, "COPY … FROM STDIN needs copyIn, COPY … TO STDOUT needs copyOut", sql: sql)
    }
    if let failure { throw PostgresError(failure, sql: sql) }
    guard let last else { throw PostgresError(.protocolViolation, "the server sent no result", sql: sql) }
    return last
  }

  /// Whether a statement has left something in the session that the next user must not find.
  private func noteSessionChange(_ result: ResultHandle) {
    guard result.columnCount == 0 else { return }
    switch result.commandTag {
    case "SET", "LISTEN", "PREPARE", "DECLARE CURSOR", "LOAD", "CREATE TABLE", "SELECT INTO":
      isSessionChanged = true
    case "DISCARD ALL", "DEALLOCATE ALL": cache.removeAll()
    default: break
    }
  }

  // MARK: - Prepared statements

  /// The name under which the server knows the statement; `nil` where it is not worth a name, or none are wanted.
  private func preparedName(for statement: PostgresStatement, _ link: Link) async throws(PostgresError)
    -> String?
  {
    guard configuration.preparesStatements else { return nil }
    let key = StatementCache.Key(statement)
    if let name = cache.name(for: key) { return name }
    guard SQLText.isWorthPreparing(statement.sql) else { return nil }
    let name = cache.makeName()
    let types = key.types.map(\.rawValue)
    guard unsafe PQsendPrepare(link.pointer, name, statement.sql, Int32(types.count), types) == 1 else {
      throw refusal(link, statement.sql)
    }
    let inTransaction = link.transactionStatus == PQTRANS_INTRANS
    _ = try await collect(link, statement.sql, inTransaction: inTransaction)
    cache.insert(name, for: key)
    try await deallocateStale(link)
    return name
  }

  /// With 26000 the server has lost all prepared statements; with 0A000 this one no longer fits its tables.
  func forgetPlan(of statement: PostgresStatement, _ fields: PostgresServerFields) {
    guard fields.namesStalePlan else { return }
    if fields.sqlState == .invalidStatementName {
      cache.removeAll()
    } else {
      cache.invalidate(StatementCache.Key(statement))
    }
  }

  /// Deallocates what the cache has put out, but never where an error would spoil a transaction.
  func deallocateStale(_ link: Link) async throws(PostgresError) {
    guard !cache.stale.isEmpty, link.transactionStatus == PQTRANS_IDLE else { return }
    for name in cache.takeStale() {
      guard unsafe PQsendQuery(link.pointer, "DEALLOCATE \(name)") == 1 else { throw refusal(link, nil) }
      do {
        _ = try await collect(link, nil)
      } catch  where error.code == .server {
        // The server has lost it already.
      }
    }
  }
}
