// One connection and the queue that it lives on, away from Swift's cooperative threads.

internal import Dispatch

/// A serial queue with a connection that nothing else touches; opened at its first use.
final class SQLiteQueue: Sendable {
  /// The connection. `@unchecked`, because only work on the serial queue reads or writes it, or the one thread that
  /// `SQLiteReaders` has given the reader to while nothing is on its queue.
  private final class Holder: @unchecked Sendable {
    var connection: SQLiteConnection?
  }

  private let holder = Holder()
  private let queue: DispatchQueue
  private let open: @Sendable () throws -> SQLiteConnection

  init(label: String, open: @escaping @Sendable () throws -> SQLiteConnection) {
    // A serial queue has a thread of its own when it blocks: it never takes one of the cooperative pool.
    queue = DispatchQueue(label: label)
    self.open = open
  }

  deinit {
    // Closing may write and wait: that belongs on the queue too.
    queue.async { [holder] in holder.connection = nil }
  }

  /// Runs the work with the connection, or with the error of opening it.
  func async(_ work: @escaping @Sendable (Result<SQLiteConnection, any Error>) -> Void) {
    queue.async { [holder, open] in
      work(
        Result {
          if let connection = holder.connection { return connection }
          let connection = try open()
          holder.connection = connection
          return connection
        })
    }
  }

  /// Runs a body on this thread, where the connection is open and its file has a write-ahead log.
  ///
  /// The caller makes sure that nothing else uses the queue meanwhile.
  func runNow(_ body: (SQLiteConnection) throws -> Void) rethrows {
    guard let connection = holder.connection, connection.hasLog else { return }
    connection.control.mayWait = false
    defer { connection.control.mayWait = true }
    try body(connection)
  }

  /// Runs something beside the queue after a while.
  func after(_ time: Duration, _ work: @escaping @Sendable () -> Void) {
    DispatchQueue.global().asyncAfter(deadline: .now() + time / .seconds(1), execute: work)
  }

  /// Closes the connection after all work that was queued before.
  func close() async {
    await withCheckedContinuation { continuation in
      queue.async { [holder] in
        holder.connection = nil
        continuation.resume()
      }
    }
  }
}
