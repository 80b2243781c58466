// Many statements in one round trip (libpq's pipeline mode).

import CPostgres

/// How the statements of a pipeline hang together.
public enum PostgresPipelineMode: Sendable {
  /// All or none: the first that fails undoes the others and keeps those behind it from being run.
  case atomic
  /// Each commits by itself; one that fails does not touch the others.
  case independent
}

extension PostgresConnection {
  /// Sends all statements at once and returns the answer to each, in order.
  ///
  /// Answers are read while statements are still being sent, so neither side can be stuck behind full buffers. A
  /// failure is its statement's answer: `server` for the one that failed, `pipelineAborted` for those behind it in
  /// an atomic pipeline, `connectionLost` for those without an answer when the connection breaks, `cancelled` for
  /// those without one when the task is cancelled. The connection is usable afterwards unless it broke.
  ///
  /// In an open transaction both modes are parts of that transaction, which a failure aborts.
  ///
  /// - Throws: what keeps the pipeline from being sent at all: nothing was run then.
  public func pipeline(
    _ statements: [PostgresStatement], mode: PostgresPipelineMode = .atomic
  ) async throws(PostgresError) -> [Result<PostgresRows, PostgresError>] {
    guard !statements.isEmpty else { return [] }
    return try await converse(nil) { () async throws(PostgresError) in
      var answers = try await runPipeline(statements, mode)
      // A plan that the server has lost, or that no longer fits, did nothing, and with it nothing behind it.
      let stale = answers.indices.filter { answers[$0].failure?.server?.namesStalePlan ?? false }
      guard !stale.isEmpty, link?.transactionStatus == PQTRANS_IDLE else { return answers }
      switch mode {
      case .atomic:
        // The plans behind the first stale one were not even tried.
        for statement in statements { cache.invalidate(StatementCache.Key(statement)) }
        return try await runPipeline(statements, mode)
      case .independent:
        for index in stale {
          do throws(PostgresError) {
            answers[index] = .success(try await run(statements[index]))
          } catch {
            answers[index] = .failure(error)
          }
        }
        return answers
      }
    }
  }

  // MARK: - Steps

  /// The statements that are being prepared by a pipeline, and what the server said of them.
  private struct Preparations {
    var names: [StatementCache.Key: String] = [:]
    var keys: [String: StatementCache.Key] = [:]
    var nameByStatement: [Int: String] = [:]
    var refusals: [String: PostgresServerFields] = [:]
  }

  private func runPipeline(
    _ statements: [PostgresStatement], _ mode: PostgresPipelineMode
  ) async throws(PostgresError) -> [Result<PostgresRows, PostgresError>] {
    let link = try openLink()
    try checkAlive(link, nil)
    try await deallocateStale(link)
    // Before anything is sent: a value that cannot be encoded must not leave half a pipeline behind.
    for statement in statements where !statement.values.isEmpty { try parameters.encode(statement.values) }
    let wasInTransaction = link.transactionStatus == PQTRANS_INTRANS
    guard unsafe PQenterPipelineMode(link.pointer) == 1 else { throw refusal(link, nil) }

    var progress = PipelineProgress(count: statements.count)
    var preparations = Preparations()
    var sent = 0
    var wasStopped = false
    var failure: PostgresError?
    do throws(PostgresError) {
      while (sent < statements.count && !wasStopped) || progress.isWaiting {
        var isBlocked = false
        while sent < statements.count, !isBlocked, !wasStopped {
          try send(statements[sent], sent, link, &progress, &preparations)
          sent += 1
          if mode == .independent || sent == statements.count { try sendSync(link, &progress) }
          isBlocked = unsafe PQflush(link.pointer) == 1
        }
        if canceller.isRequested, !wasStopped, sent < statements.count {
          // What was not sent is not run, and what an atomic pipeline has done so far must not be committed.
          wasStopped = true
          if mode == .atomic {
            if !wasInTransaction { try sendUndo(link, &progress) }
            try sendSync(link, &progress)
          }
        }
        try await receive(
          link, &progress, &preparations, hasMore: sent < statements.count && !wasStopped)
      }
      guard unsafe PQexitPipelineMode(link.pointer) == 1 else { throw refusal(link, nil) }
    } catch {
      // What has a final answer keeps it; the link is of no more use.
      failure = self.link == nil ? error : lose(link, nil, error.server, sent: true)
      failure?.isSafeToRetry = wasInTransaction
    }
    let wasCancelled = wasStopped || canceller.isRequested
    return statements.indices.map { index in
      let statement = statements[index]
      if var failure, index >= progress.settled {
        failure.sql = statement.sql
        return .failure(failure)
      }
      switch progress.answers[index] {
      case .rows(let result):
        if wasStopped, mode == .atomic { return .failure(.cancelled(sql: statement.sql)) }
        return .success(PostgresRows(result: result, sql: statement.sql))
      case .refused(var fields):
        if fields.sqlState == .invalidStatementName, let name = preparations.nameByStatement[index],
          let reason = preparations.refusals[name]
        {
          fields = reason
        }
        forgetPlan(of: statement, fields)
        if wasCancelled, fields.sqlState == .queryCanceled { return .failure(.cancelled(sql: statement.sql)) }
        return .failure(PostgresError(fields, sql: statement.sql))
      case .aborted:
        return .failure(
          PostgresError(
            .pipelineAborted, "not run, since an earlier statement of the pipeline failed", sql: statement.sql
          ))
      case nil: return .failure(.cancelled(sql: statement.sql))
      }
    }
  }

  /// Queues one statement, behind its preparation where it needs one.
  private func send(
    _ statement: PostgresStatement, _ index: Int, _ link: Link, _ progress: inout PipelineProgress,
    _ preparations: inout Preparations
  ) throws(PostgresError) {
    let types = statement.values.map(\.type.rawValue)
    let format: Int32 = statement.wantsText ? 0 : 1
    var name: String?
    if configuration.preparesStatements {
      let key = StatementCache.Key(statement)
      name = cache.name(for: key) ?? preparations.names[key]
      if name == nil, SQLText.isWorthPreparing(statement.sql) {
        let new = cache.makeName()
        guard unsafe PQsendPrepare(link.pointer, new, statement.sql, Int32(types.count), types) == 1 else {
          throw refusal(link, statement.sql)
        }
        progress.sent(.prepare(index))
        preparations.names[key] = new
        preparations.keys[new] = key
        name = new
      }
      preparations.nameByStatement[index] = name
    }
    try parameters.encode(statement.values)
    let isSent: Int32
    if let name {
      isSent = unsafe parameters.withArguments { count, values, lengths, formats in
        unsafe PQsendQueryPrepared(link.pointer, name, count, values, lengths, formats, format)
      }
    } else {
      isSent = unsafe parameters.withArguments { count, values, lengths, formats in
        unsafe PQsendQueryParams(link.pointer, statement.sql, count, types, values, lengths, formats, format)
      }
    }
    guard isSent == 1 else { throw refusal(link, statement.sql) }
    progress.sent(.run(index))
  }

  private func sendSync(_ link: Link, _ progress: inout PipelineProgress) throws(PostgresError) {
    guard unsafe PQpipelineSync(link.pointer) == 1 else { throw refusal(link, nil) }
    progress.sent(.sync)
  }

  /// Undoes the implicit transaction; the server warns that none was begun, and ends it all the same.
  private func sendUndo(_ link: Link, _ progress: inout PipelineProgress) throws(PostgresError) {
    guard unsafe PQsendQueryParams(link.pointer, "ROLLBACK", 0, nil, nil, nil, nil, 0) == 1 else {
      throw refusal(link, nil)
    }
    progress.sent(.undo)
  }

  /// Takes the answers that have come, and waits where nothing else can be done.
  ///
  /// - Parameter hasMore: whether more is to be sent. Then it never waits for answers alone: the server may keep them until the
  ///   statements that end its transaction have come.
  private func receive(
    _ link: Link, _ progress: inout PipelineProgress, _ preparations: inout Preparations, hasMore: Bool
  ) async throws(PostgresError) {
    while progress.isWaiting, unsafe PQisBusy(link.pointer) == 0 {
      guard let pointer = unsafe PQgetResult(link.pointer) else {
        if case .prepare(let index) = progress.completed() {
          notePrepared(index, progress.answers[index], &preparations)
        }
        continue
      }
      let result = unsafe ResultHandle(pointer)
      switch result.status {
      case PGRES_PIPELINE_SYNC:
        guard progress.synced() else {
          throw PostgresError(.protocolViolation, "the server ended a transaction of the pipeline too early")
        }
      case PGRES_PIPELINE_ABORTED: progress.received(.aborted)
      case PGRES_FATAL_ERROR:
        guard let fields = result.serverFields, !link.isBroken, !fields.isFatal else {
          throw lose(link, nil, result.serverFields, sent: true)
        }
        progress.received(.refused(fields))
      case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
        throw PostgresError(.misuse, "COPY cannot be part of a pipeline")
      default: progress.received(.rows(result))
      }
    }
    guard progress.isWaiting else { return }
    let unsent = unsafe PQflush(link.pointer)
    if unsent == 0, hasMore { return }
    try await pause(link, for: unsent == 1 ? .readAndWrite : .read)
    if link.socket >= 0, unsafe PQconsumeInput(link.pointer) == 0, unsafe PQisBusy(link.pointer) != 0 {
      throw lose(link, nil, nil, sent: true)
    }
    takeNotifications(link)
  }

  private func notePrepared(
    _ index: Int, _ answer: PipelineProgress.Answer?, _ preparations: inout Preparations
  ) {
    guard let name = preparations.nameByStatement[index], let key = preparations.keys[name] else { return }
    switch answer {
    case .refused(let fields): preparations.refusals[name] = fields
    case .aborted: break
    case .rows, nil: cache.insert(name, for: key)
    }
  }
}

extension Result {
  /// The error, if it is one.
  var failure: Failure? {
    if case .failure(let error) = self { error } else { nil }
  }
}
