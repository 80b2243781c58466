// What the pool's state machine asks its shell to do, and the names by which both speak of things.

/// A connection, from the moment the pool decides to open it. Never used twice.
struct PoolConnectionID: Hashable, Sendable {
  let number: Int
}

/// A caller that asked for a connection. Never used twice.
struct PoolRequestID: Hashable, Sendable {
  let number: Int
}

/// One thing for the shell to do. What comes of it is reported to the state as an event.
enum PoolAction: Hashable, Sendable {
  /// Open a connection; report `opened` or `openFailed`.
  case open(PoolConnectionID)
  /// Stop opening a connection that nobody wants any more; report `opened` or `openFailed` all the same.
  case abandon(PoolConnectionID)
  /// Ask an idle connection whether it still lives; report `pingPassed` or `pingFailed`.
  case ping(PoolConnectionID)
  /// Close a connection, whatever goes on in it; report `closed`.
  case close(PoolConnectionID)
  /// Answer a request with a connection; report `released` when it comes back.
  case lease(PoolConnectionID, to: PoolRequestID)
  /// Answer a request with an error.
  case fail(PoolRequestID, PoolFailure)
  /// Report `tick` at this time. A later `schedule` replaces an earlier one.
  case schedule(at: Duration)
  /// The pool is shut down and its last connection closed.
  case completeShutdown
}

/// Why a request got no connection.
enum PoolFailure: Hashable, Sendable {
  /// Its deadline passed; with what the pool looked like at that moment.
  case timedOut(size: Int, inUse: Int, opening: Int, waiting: Int)
  /// There is no connection, and opening one fails in a way that trying again does not mend.
  case openFailed
  /// The caller no longer wants it.
  case cancelled
  /// The pool is shut down.
  case closed
}
