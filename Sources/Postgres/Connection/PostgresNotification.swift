// What LISTEN brings.

import CPostgres

/// A message that another session sent with NOTIFY.
public struct PostgresNotification: Sendable, Hashable {
  /// The channel.
  public let channel: String
  /// The text that was sent with it; empty if none was.
  public let payload: String
  /// The process that serves the sender.
  public let processID: Int32

  @unsafe init(_ notify: PGnotify) {
    channel = unsafe String(cString: notify.relname)
    payload = unsafe String(cString: notify.extra)
    processID = unsafe notify.be_pid
  }
}

extension PostgresConnection {
  /// The next notification of a channel that this session listens to; waits for it.
  ///
  /// The connection does nothing else while it waits: use one of its own for listening.
  ///
  /// - Throws: `cancelled` (the connection stays usable) or `connectionLost`.
  public func nextNotification() async throws(PostgresError) -> PostgresNotification {
    let scope = try await enter()
    defer { release(scope: scope) }
    while received.isEmpty {
      let link = try openLink()
      try checkAlive(link, nil)
      guard received.isEmpty else { break }
      if Task.isCancelled { throw .cancelled() }
      let loop = loop
      let socket = link.socket
      let wake = await withTaskCancellationHandler {
        await loop.wait(for: .read, on: socket, unless: { Task.isCancelled })
      } onCancel: {
        loop.wake(socket)
      }
      if case .failed(let code) = wake {
        throw lose(link, nil, nil, sent: false, because: "the socket cannot be watched: errno \(code)")
      }
    }
    return received.removeFirst()
  }

  /// The notifications of the channels that this session listens to, as they come; ends with an error when the
  /// connection breaks.
  public nonisolated var notifications: AsyncThrowingStream<PostgresNotification, any Error> {
    AsyncThrowingStream { try await self.nextNotification() }
  }
}
