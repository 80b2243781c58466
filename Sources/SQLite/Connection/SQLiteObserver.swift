// Tells of statements that took long.

internal import CSQLite

/// Whoever wants to hear of slow statements.
public struct SQLiteObserver: Sendable {
  /// How long a statement may take before it is told of. SQLite's clock has milliseconds.
  public var slowLimit: Duration
  /// Takes the statement's text, with placeholders for its values, and how long it took. Called on the connection's
  /// thread; it must not block.
  public var handle: @Sendable (_ sql: String, _ duration: Duration) -> Void

  /// Watches with a limit.
  public init(slowLimit: Duration, handle: @escaping @Sendable (String, Duration) -> Void) {
    self.slowLimit = slowLimit
    self.handle = handle
  }
}

extension SQLiteControl {
  /// Has the observer told of slow statements (sqlite3_trace_v2, SQLITE_TRACE_PROFILE).
  func observe(_ handle: OpaquePointer, by observer: SQLiteObserver) {
    self.observer = observer
    let context = unsafe Unmanaged.passUnretained(self).toOpaque()
    _ = unsafe sqlite3_trace_v2(
      handle, UInt32(SQLITE_TRACE_PROFILE),
      { _, context, statement, time in
        guard let context = unsafe context, let statement = unsafe statement, let time = unsafe time else {
          return 0
        }
        let control = unsafe Unmanaged<SQLiteControl>.fromOpaque(context).takeUnretainedValue()
        let nanoseconds = unsafe time.load(as: Int64.self)
        guard let observer = control.observer, .nanoseconds(nanoseconds) >= observer.slowLimit,
          let sql = unsafe sqlite3_sql(OpaquePointer(statement))
        else { return 0 }
        observer.handle(unsafe String(cString: sql), .nanoseconds(nanoseconds))
        return 0
      }, context)
  }
}

extension SQLiteConnection {
  /// Has the observer told of this connection's slow statements.
  func observe(by observer: SQLiteObserver?) {
    if let observer { unsafe control.observe(handle, by: observer) }
  }
}
