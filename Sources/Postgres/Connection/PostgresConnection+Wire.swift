// Sending and receiving without blocking: every wait is the event loop's.

import CPostgres

extension PostgresConnection {
  /// How long the server may stay silent after a cancel request before the link is given up, and how often the request
  /// is repeated: one that overtakes its statement is ignored by the server.
  private static let cancelPatience = Duration.seconds(10)
  private static let cancelInterval = Duration.milliseconds(200)

  /// The open link.
  ///
  /// - Throws: `connectionLost`, safe to retry, if there is none.
  func openLink() throws(PostgresError) -> Link {
    guard let link else {
      throw PostgresError(.connectionLost, "the connection is closed; nothing was sent", isSafeToRetry: true)
    }
    return link
  }

  /// Finds out before anything is sent whether the server has ended the session: then nothing was lost, and the call can
  /// be made again elsewhere.
  func checkAlive(_ link: Link, _ sql: String?) throws(PostgresError) {
    guard link.isReadable else { return }
    // A notice, a notification, a changed setting, or the end, of which the first piece may be the server's farewell.
    var isOpen = true
    while isOpen, link.isReadable {
      isOpen = unsafe PQconsumeInput(link.pointer) != 0
      _ = unsafe PQisBusy(link.pointer)
    }
    takeNotifications(link)
    guard !isOpen || link.isBroken || link.farewell != nil else { return }
    throw lose(link, sql, link.farewell, sent: false)
  }

  /// Suspends until the socket is ready; repeats cancel requests meanwhile. Does not wait for what was read from the
  /// socket already.
  func pause(_ link: Link, for interest: EventLoop.Interest) async throws(PostgresError) {
    if interest != .write, link.holdsDecrypted { return }
    let isAlone = BriefWait.begin()
    defer { BriefWait.end() }
    let isCancelling = canceller.isRequested
    if isAlone, !isCancelling, interest == .read, briefWait.isReadable(link.socket) { return }
    if isCancelling, patience == nil { patience = .now + Self.cancelPatience }
    let deadline = isCancelling ? ContinuousClock.now + Self.cancelInterval : nil
    let wake = await loop.wait(
      for: interest, on: link.socket, until: deadline,
      unless: { [canceller] in !isCancelling && canceller.isRequested })
    switch wake {
    case .ready, .interrupted: return
    case .timedOut:
      guard let patience, ContinuousClock.now < patience else {
        throw lose(link, nil, nil, sent: true, because: "the server did not answer a cancel request")
      }
      canceller.request()
    case .failed(let code):
      throw lose(link, nil, nil, sent: true, because: "the socket cannot be watched: errno \(code)")
    }
  }

  /// The next result of what was sent, or `nil` after its last; sends what is still to be sent meanwhile.
  ///
  /// A link that broke is found in the result's status and `link.isBroken`, after all that the server still said.
  func nextResult(_ link: Link) async throws(PostgresError) -> ResultHandle? {
    while true {
      let unsent = unsafe PQflush(link.pointer)
      if unsafe PQisBusy(link.pointer) == 0 { break }
      guard unsent >= 0 || link.socket >= 0 else { break }
      try await pause(link, for: unsent == 1 ? .readAndWrite : .read)
      if unsafe PQconsumeInput(link.pointer) == 0 { break }
    }
    takeNotifications(link)
    guard let result = unsafe PQgetResult(link.pointer) else { return nil }
    return unsafe ResultHandle(result)
  }

  /// Gives the link up, and says whether the call can be made again.
  func lose(
    _ link: Link, _ sql: String?, _ fields: PostgresServerFields?, sent: Bool, inTransaction: Bool = false,
    because reason: String? = nil
  ) -> PostgresError {
    let words = reason ?? fields?.message ?? Redaction.connectionFailure(link.errorText).message
    self.link = nil
    cache.removeAll()
    let outcome: String
    let isSafe: Bool
    if !sent {
      (outcome, isSafe) = ("nothing was sent", true)
    } else if inTransaction {
      (outcome, isSafe) = ("its transaction was rolled back", true)
    } else {
      (outcome, isSafe) = ("whether the statement took effect is unknown", false)
    }
    let message = "the connection broke (\(outcome))"
    var error = PostgresError(
      .connectionLost, fields == nil ? "\(message): \(words)" : message, sql: sql, isSafeToRetry: isSafe)
    error.server = fields
    return error
  }

  /// Why libpq refused to send.
  func refusal(_ link: Link, _ sql: String?) -> PostgresError {
    if link.isBroken { return lose(link, sql, nil, sent: true) }
    let words = Redaction.connectionFailure(link.errorText).message
    return PostgresError(.protocolViolation, "the statement could not be sent: \(words)", sql: sql)
  }

  func takeNotifications(_ link: Link) {
    while let pointer = unsafe PQnotifies(link.pointer) {
      // Nobody may ever ask for them: what is kept is bounded.
      if received.count < 100_000 { received.append(unsafe PostgresNotification(pointer.pointee)) }
      unsafe PQfreemem(pointer)
    }
  }
}
