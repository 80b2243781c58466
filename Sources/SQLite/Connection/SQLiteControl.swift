// What SQLite asks back while it works: whether to wait for a lock, whether to go on, whether to allow a statement.

internal import CSQLite
internal import Glibc
internal import Synchronization

/// Interrupts the statements of one connection, from any thread.
///
/// The request stands until `clear()`: a statement that starts after it fails as one that was running did. So no request
/// is lost between two statements.
public final class SQLiteInterrupt: Sendable {
  /// The connection, nil once it is closed; the lock keeps it open during `sqlite3_interrupt`.
  private let connection = Mutex<UInt?>(nil)
  private let requested = Atomic<Bool>(false)

  init() {}

  /// Whether an interrupt was requested and not cleared.
  public var isRequested: Bool { requested.load(ordering: .acquiring) }

  /// Ends the running statement, and every later one, with the code `interrupt` (sqlite3_interrupt).
  public func interrupt() {
    connection.withLock { address in
      requested.store(true, ordering: .releasing)
      guard let address, let handle = unsafe OpaquePointer(bitPattern: address) else { return }
      unsafe sqlite3_interrupt(handle)
    }
  }

  /// Lets statements run again.
  public func clear() {
    requested.store(false, ordering: .releasing)
  }

  func watch(_ handle: OpaquePointer?) {
    connection.withLock { $0 = unsafe handle.map { UInt(bitPattern: $0) } }
  }
}

/// The state behind SQLite's callbacks for one connection; touched only by the thread that runs the connection.
final class SQLiteControl {
  let interrupt = SQLiteInterrupt()
  let busyTimeout: Duration
  /// When the present wait for a lock gives up.
  private var deadline = ContinuousClock.now
  /// Whether a statement may wait for a lock at all: not on a caller's own thread.
  var mayWait = true
  /// Whether statements may begin and end transactions by hand.
  var allowsTransactionStatements = true
  /// Who is told of slow statements.
  var observer: SQLiteObserver?

  init(busyTimeout: Duration) {
    self.busyTimeout = busyTimeout
  }

  /// Hands this object to SQLite as the context of the callbacks; the connection keeps it alive until it is closed.
  func attach(to handle: OpaquePointer) {
    let context = unsafe Unmanaged.passUnretained(self).toOpaque()
    unsafe interrupt.watch(handle)
    _ = unsafe sqlite3_busy_handler(
      handle,
      { context, tries in
        guard let context = unsafe context else { return 0 }
        let control = unsafe Unmanaged<SQLiteControl>.fromOpaque(context).takeUnretainedValue()
        return control.waitForLock(tries: Int(tries)) ? 1 : 0
      }, context)
    // 2,000 operations take some 50 µs: soon enough for a cancelled task, too rare to be seen in a scan.
    unsafe sqlite3_progress_handler(
      handle, 2000,
      { context in
        guard let context = unsafe context else { return 0 }
        let control = unsafe Unmanaged<SQLiteControl>.fromOpaque(context).takeUnretainedValue()
        return control.interrupt.isRequested ? 1 : 0
      }, context)
  }

  /// Refuses BEGIN, COMMIT and ROLLBACK when they are compiled, unless `allowsTransactionStatements`.
  ///
  /// A body that ended the transaction that it runs in would end its neighbours' too.
  func guardTransactions(of handle: OpaquePointer) {
    let context = unsafe Unmanaged.passUnretained(self).toOpaque()
    _ = unsafe sqlite3_set_authorizer(
      handle,
      { context, action, _, _, _, _ in
        guard action == SQLITE_TRANSACTION, let context = unsafe context else { return SQLITE_OK }
        let control = unsafe Unmanaged<SQLiteControl>.fromOpaque(context).takeUnretainedValue()
        return control.allowsTransactionStatements ? SQLITE_OK : SQLITE_DENY
      }, context)
  }

  /// Sleeps a little longer each time, with jitter so that waiting writers do not wake in step.
  ///
  /// - Returns: whether to try again.
  func waitForLock(tries: Int) -> Bool {
    guard mayWait else { return false }
    let now = ContinuousClock.now
    if tries == 0 { deadline = now + busyTimeout }
    guard now < deadline, !interrupt.isRequested else { return false }
    let longest = min(200 << min(tries, 7), 20_000)
    usleep(UInt32.random(in: 100...UInt32(longest)))
    return true
  }
}
