// COPY … FROM STDIN: a stream of bytes to the server, in bounded memory.

import CPostgres

/// Where the body of `copyIn` writes to.
public struct PostgresCopyWriter: Sendable {
  fileprivate let connection: PostgresConnection
  fileprivate let copy: PostgresConnection.OpenCopy

  /// Sends bytes; suspends until all but the last piece has been taken by the network.
  ///
  /// - Throws: when the server has refused what was sent before; `copyIn` then throws the server's error, whatever its
  ///   body makes of this one. `connectionLost`, `cancelled`.
  public func write(_ bytes: [UInt8]) async throws(PostgresError) {
    try await connection.writeCopy(bytes, copy)
  }

  /// Sends what was encoded, and empties the encoder, which keeps its memory.
  ///
  /// - Throws: as `write` of bytes does.
  public func write(_ encoder: inout PostgresCopyEncoder) async throws(PostgresError) {
    try await connection.writeCopy(encoder.bytes, copy)
    encoder.removeAll()
  }
}

extension PostgresConnection {
  /// How much is handed to libpq at once; it holds that much and what it could not yet send, never the whole stream.
  private static let pieceSize = 128 * 1024

  /// How long the rest of a notice may take to go on; after that it is taken for the server's refusal.
  private static let noticePatience = Duration.seconds(1)

  /// Runs a `COPY … FROM STDIN` with the bytes that `body` writes.
  ///
  /// - Returns: how many rows the server stored.
  /// - Throws: the server's error, with all its fields, wherever in the stream it happened; else what `body` throws,
  ///   after which nothing of the COPY is stored and the connection is usable; `connectionLost`; `cancelled`.
  @discardableResult
  public func copyIn(
    _ statement: PostgresStatement, isolation: isolated (any Actor)? = #isolation,
    _ body: (PostgresCopyWriter) async throws -> Void
  ) async throws -> Int {
    let copy = try await beginCopyIn(statement.sql)
    do {
      try await ScopeFrame.$current.withValue(ScopeFrame(self, scope: copy.scope)) {
        try await body(PostgresCopyWriter(connection: self, copy: copy))
      }
    } catch {
      if let refusal = await abandonCopyIn(copy) { throw refusal }
      throw error
    }
    return try await endCopyIn(copy)
  }

  // MARK: - Steps

  private func beginCopyIn(_ sql: String) async throws(PostgresError) -> OpenCopy {
    doubt = nil
    return try await beginCopy(sql, expecting: PGRES_COPY_IN, "copyIn needs a COPY … FROM STDIN")
  }

  fileprivate func writeCopy(_ bytes: [UInt8], _ copy: OpenCopy) async throws(PostgresError) {
    guard scopes.contains(where: { $0.id == copy.scope }) else {
      if link == nil { _ = try openLink() }
      throw PostgresError(.misuse, "the COPY in whose body this was to be written has ended", sql: copy.sql)
    }
    if Task.isCancelled { throw .cancelled(sql: copy.sql) }
    try await supervise(copy.sql) { () async throws(PostgresError) in
      let link = try openLink()
      var offset = 0
      while offset < bytes.count {
        try await checkRefusal(link, copy)
        let end = min(bytes.count, offset + Self.pieceSize)
        let taken = unsafe bytes.withUnsafeBytes { buffer in
          unsafe PQputCopyData(
            link.pointer, buffer.baseAddress.map { unsafe ($0 + offset).assumingMemoryBound(to: CChar.self) },
            Int32(end - offset))
        }
        guard taken == 1 else {
          throw await brokenCopy(link, copy)
        }
        offset = end
        try await flushCopy(link, copy)
      }
    }
  }

  /// Waits until libpq holds nothing unsent.
  private func flushCopy(_ link: Link, _ copy: OpenCopy) async throws(PostgresError) {
    while true {
      let unsent = unsafe PQflush(link.pointer)
      if unsent == 0 { return }
      guard unsent == 1 else { throw await brokenCopy(link, copy) }
      try await pause(link, for: .readAndWrite)
      if canceller.isRequested { throw .cancelled(sql: copy.sql) }
      try await checkRefusal(link, copy)
    }
  }

  /// Finds out whether the server has already refused the COPY, so that the rest need not be sent.
  ///
  /// libpq does not show an error before the end of the COPY, but it does take out notices: what is left then is an
  /// error, or a part of a notice whose rest is on its way. Sending goes on until that is clear: a server that has
  /// refused a COPY drops what still comes.
  private func checkRefusal(_ link: Link, _ copy: OpenCopy) async throws(PostgresError) {
    if link.isReadable {
      guard unsafe PQconsumeInput(link.pointer) != 0 else { throw await brokenCopy(link, copy) }
      let notices = link.noticeCount
      _ = unsafe PQisBusy(link.pointer)
      doubt = link.noticeCount == notices ? .now : nil
    }
    guard let doubt, doubt + Self.noticePatience < .now else { return }
    throw PostgresError(.server, "the server has refused the COPY", sql: copy.sql)
  }

  /// The link broke while data was sent: takes what the server said before it went. Without its end the server stores
  /// nothing of a COPY, so it is safe to run again.
  private func brokenCopy(_ link: Link, _ copy: OpenCopy) async -> PostgresError {
    var fields: PostgresServerFields?
    if !link.isBroken, link.socket >= 0 { _ = unsafe PQconsumeInput(link.pointer) }
    if link.isBroken {
      // libpq shows what it has received only after the end of the COPY, which cannot reach the server any more.
      unsafe PQputCopyEnd(link.pointer, nil)
      while let pointer = unsafe PQgetResult(link.pointer) {
        fields = unsafe fields ?? ResultHandle(pointer).serverFields
      }
    }
    return lose(link, copy.sql, fields, sent: true, inTransaction: true)
  }

  private func endCopyIn(_ copy: OpenCopy) async throws(PostgresError) -> Int {
    scopes.removeAll { $0.id == copy.scope }
    defer { release(scope: copy.outerScope) }
    return try await supervise(copy.sql) { () async throws(PostgresError) in
      guard let link else {
        throw PostgresError(
          .connectionLost, "the connection broke during the COPY; nothing was stored", sql: copy.sql,
          isSafeToRetry: true)
      }
      guard unsafe PQputCopyEnd(link.pointer, nil) == 1 else { throw await brokenCopy(link, copy) }
      return try await collect(link, copy.sql, inTransaction: copy.inTransaction).affectedRows
    }
  }

  /// Ends a COPY so that nothing of it is stored. Returns the server's error where the server had refused it itself.
  private func abandonCopyIn(_ copy: OpenCopy) async -> PostgresError? {
    scopes.removeAll { $0.id == copy.scope }
    defer { release(scope: copy.outerScope) }
    guard link != nil else { return nil }
    do {
      _ = try await supervise(copy.sql, shielded: true) { () async throws(PostgresError) in
        let link = try openLink()
        guard unsafe PQputCopyEnd(link.pointer, "the sender gave up") == 1 else {
          throw await brokenCopy(link, copy)
        }
        return try await collect(link, copy.sql, inTransaction: copy.inTransaction)
      }
      return nil
    } catch {
      // 57014 is our own end of it.
      return error.sqlState == .queryCanceled || error.code == .cancelled ? nil : error
    }
  }
}
