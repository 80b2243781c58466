// COPY … TO STDOUT: rows to a callback, in bounded memory.

import CPostgres

/// Some pieces of a `COPY … TO STDOUT`, each a row as the server sent it. They live as long as the call of `copyOut`'s
/// body that they are lent to.
///
/// Sendable since it has one owner at a time: the actor that fills it, or the caller that reads it.
@safe public final class PostgresCopyBatch: @unchecked Sendable {
  /// About how much is handed over at once: a change of threads costs little against it.
  static let limit = 256 * 1024

  // Each in a buffer of libpq's own, freed with the batch.
  private var rows: [UnsafeMutableRawBufferPointer] = unsafe []
  private(set) var bytes = 0
  /// Whether the server has sent its last row.
  var isLast = false

  deinit { removeAll() }

  @unsafe func append(_ row: UnsafeMutableRawBufferPointer) {
    unsafe rows.append(row)
    bytes += row.count
  }

  func forEach(_ body: (UnsafeRawBufferPointer) throws -> Void) rethrows {
    for index in unsafe rows.indices { unsafe try body(UnsafeRawBufferPointer(rows[index])) }
  }

  /// How many pieces there are.
  public var count: Int { unsafe rows.count }

  /// The bytes of a piece.
  public subscript(place: Int) -> UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(rows[place]) }

  func removeAll() {
    for index in unsafe rows.indices { unsafe PQfreemem(rows[index].baseAddress) }
    unsafe rows.removeAll(keepingCapacity: true)
    bytes = 0
  }
}

extension PostgresConnection {
  /// What one step of a COPY from the server brought.
  @safe enum CopyStep {
    case row(UnsafeMutableRawBufferPointer)
    case wait
    case end
    case broken
  }

  /// Runs a `COPY … TO STDOUT` and calls `body` with each piece that the server sends: a row, where in the binary form
  /// the header comes with the first one and the trailer alone at the end.
  ///
  /// The bytes are lent for the time of the call. No more is read ahead than fits the buffers, so a slow `body` slows
  /// the server down. A throw in `body`, or the cancellation of the task, stops the statement on the server.
  ///
  /// - Returns: how many rows the server sent.
  /// - Throws: what `body` throws; `server`, also at the end of the rows; `connectionLost`; `cancelled`.
  @discardableResult
  public func copyOut(
    _ statement: PostgresStatement, isolation: isolated (any Actor)? = #isolation,
    _ body: (UnsafeRawBufferPointer) throws -> Void
  ) async throws -> Int {
    try await copyOut(statement, batches: { unsafe try $0.forEach(body) })
  }

  /// Runs a `COPY … TO STDOUT` and calls `body` with some pieces at a time, as they arrive: the same pieces as above, for a
  /// reader that has to wait for something of its own between them.
  ///
  /// - Returns: how many rows the server sent.
  /// - Throws: as above.
  @discardableResult
  public func copyOut(
    _ statement: PostgresStatement, isolation: isolated (any Actor)? = #isolation,
    batches body: (PostgresCopyBatch) async throws -> Void
  ) async throws -> Int {
    let scope = try await beginCopyOut(statement.sql)
    let batch = PostgresCopyBatch()
    do {
      while !batch.isLast {
        try await fill(batch, scope)
        try await body(batch)
      }
    } catch {
      await abandonCopyOut(scope)
      throw error
    }
    return try await endCopyOut(scope, statement.sql)
  }

  // MARK: - Steps

  /// A COPY that is under way.
  struct OpenCopy {
    let outerScope: Int
    let scope: Int
    let sql: String
    let inTransaction: Bool
  }

  private func beginCopyOut(_ sql: String) async throws(PostgresError) -> OpenCopy {
    try await beginCopy(sql, expecting: PGRES_COPY_OUT, "copyOut needs a COPY … TO STDOUT")
  }

  /// Sends the statement and expects the server to begin the COPY.
  func beginCopy(
    _ sql: String, expecting status: ExecStatusType, _ misuse: String
  ) async throws(PostgresError) -> OpenCopy {
    let outer = try await enter()
    do {
      let inTransaction: Bool = try await supervise(sql) { () async throws(PostgresError) in
        let link = try openLink()
        try checkAlive(link, sql)
        let inTransaction = link.transactionStatus == PQTRANS_INTRANS
        guard unsafe PQsendQuery(link.pointer, sql) == 1 else { throw refusal(link, sql) }
        guard let result = try await nextResult(link) else {
          throw PostgresError(.protocolViolation, "the server sent no result", sql: sql)
        }
        if result.status == status { return inTransaction }
        // Not a COPY of this direction, or refused: take what is left, so that the link stays usable.
        try await finish(link, sql, first: result, inTransaction: inTransaction)
        throw PostgresError(.misuse, misuse, sql: sql)
      }
      let scope = openScope(
        refusal: "a COPY is under way on this connection, which can do nothing else meanwhile")
      return OpenCopy(outerScope: outer, scope: scope, sql: sql, inTransaction: inTransaction)
    } catch {
      release(scope: outer)
      throw error
    }
  }

  /// Takes all that follows a first result.
  private func finish(
    _ link: Link, _ sql: String, first: ResultHandle, inTransaction: Bool
  ) async throws(PostgresError) {
    let fields = first.serverFields
    switch first.status {
    case PGRES_COPY_IN: _ = unsafe PQputCopyEnd(link.pointer, "not this direction of COPY")
    case PGRES_COPY_OUT, PGRES_COPY_BOTH: try await drain(link)
    default: break
    }
    while let next = try await nextResult(link) {
      if next.status == PGRES_COPY_IN { _ = unsafe PQputCopyEnd(link.pointer, "not this direction of COPY") }
      if next.status == PGRES_COPY_OUT { try await drain(link) }
      if link.isBroken { break }
    }
    if link.isBroken || fields?.isFatal == true {
      throw lose(link, sql, fields, sent: true, inTransaction: inTransaction)
    }
    if let fields { throw PostgresError(fields, sql: sql) }
  }

  /// Fills the batch with what the server has sent, waiting for one row at least.
  private func fill(_ batch: PostgresCopyBatch, _ copy: OpenCopy) async throws(PostgresError) {
    batch.removeAll()
    try await supervise(copy.sql) { () async throws(PostgresError) in
      let link = try openLink()
      var hasLooked = false
      while true {
        switch unsafe copyStep(link) {
        case .row(let row):
          unsafe batch.append(row)
          hasLooked = false
          if batch.bytes >= PostgresCopyBatch.limit { return }
        case .wait:
          // libpq reads some kilobytes at a time: there is often more, and waiting for it would cost two changes of threads.
          if hasLooked {
            if batch.bytes >= PostgresCopyBatch.limit / 8 { return }
            try await pause(link, for: .read)
          }
          hasLooked.toggle()
          // What a broken link still holds is found by the next steps, and then its end.
          _ = unsafe PQconsumeInput(link.pointer)
        case .end, .broken:
          batch.isLast = true
          return
        }
      }
    }
    if canceller.isRequested || Task.isCancelled { throw .cancelled(sql: copy.sql) }
  }

  @unsafe private func copyStep(_ link: Link) -> CopyStep {
    var buffer: UnsafeMutablePointer<CChar>?
    let length = unsafe PQgetCopyData(link.pointer, &buffer, 1)
    switch length {
    case 1...:
      return unsafe .row(UnsafeMutableRawBufferPointer(start: buffer, count: Int(length)))
    case 0: return link.isBroken ? .broken : .wait
    case -1: return .end
    default: return .broken
    }
  }

  /// Reads and drops the rest of the rows.
  func drain(_ link: Link) async throws(PostgresError) {
    canceller.request()
    while true {
      switch unsafe copyStep(link) {
      case .row(let row): unsafe PQfreemem(row.baseAddress)
      case .wait:
        try await pause(link, for: .read)
        _ = unsafe PQconsumeInput(link.pointer)
      case .end, .broken: return
      }
    }
  }

  /// The server's last word: how many rows, or an error.
  private func endCopyOut(_ copy: OpenCopy, _ sql: String) async throws(PostgresError) -> Int {
    scopes.removeAll { $0.id == copy.scope }
    defer { release(scope: copy.outerScope) }
    return try await supervise(sql) { () async throws(PostgresError) in
      try await collect(try openLink(), sql, inTransaction: copy.inTransaction).affectedRows
    }
  }

  /// Stops a COPY whose rows nobody wants any more; a link that cannot do that is given up.
  private func abandonCopyOut(_ copy: OpenCopy) async {
    scopes.removeAll { $0.id == copy.scope }
    defer { release(scope: copy.outerScope) }
    guard link != nil else { return }
    do {
      try await supervise(copy.sql, shielded: true) { () async throws(PostgresError) in
        let link = try openLink()
        try await drain(link)
        while try await nextResult(link) != nil { if link.isBroken { break } }
        if link.isBroken { self.link = nil }
      }
    } catch {
      link = nil
    }
  }
}
