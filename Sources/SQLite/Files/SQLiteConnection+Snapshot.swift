// Reading a file as it is at one moment, without changing a byte of it.

internal import Glibc
internal import Synchronization

extension SQLiteConnection {
  /// How a snapshot is read.
  public enum SnapshotMethod: Sendable {
    /// In place where a write-ahead log is in use, else from a private copy.
    case automatic
    /// In place. Without a write-ahead log, writers have to wait until the snapshot is closed.
    case inPlace
    /// From a copy in a temporary folder; writers wait at most while it is made.
    case privateCopy
  }

  /// Opens a file at one moment: the connection stands in one read transaction, its write-ahead log included, and
  /// others may go on writing.
  ///
  /// The file, its log and its journal are never changed, not by recovery and not by a checkpoint when the snapshot is
  /// closed. `automatic` reads in place where a log and its index are there, which is while an agent has the file open;
  /// that touches at most the `-shm` file that is there already. A file at rest, and every file with a
  /// rollback journal, is copied first: to open its log would leave a `-shm` behind, and to read in place would keep
  /// writers out. What a crash left half written is undone in the copy. Where there is no room for a copy, the file
  /// is read in place. The copy has no name any more once it is open, so that a process that is killed leaves nothing.
  ///
  /// - Parameters:
  ///   - busyTimeout: how long a writer's lock is waited for.
  ///   - temporaryFolder: where copies are made; `TMPDIR`, or `/tmp`, where it is nil.
  /// - Throws: `cannotOpen`, `notADatabase`, `corrupt`, or `busy` where writers left no gap.
  public static func snapshot(
    of path: String, method: SnapshotMethod = .automatic, busyTimeout: Duration = .seconds(10),
    temporaryFolder: String? = nil
  ) throws(SQLiteError) -> SQLiteConnection {
    try snapshot(
      of: path, method: method, busyTimeout: busyTimeout, temporaryFolder: temporaryFolder, wantsTwin: false
    ).connection
  }

  /// Opens a file at one moment, as `snapshot(of:)` does, where it can be twice: the twin reads the same moment on another thread.
  ///
  /// - Returns: the connection, and the twin; nil where the file is read in place.
  /// - Throws: as `snapshot(of:)` does.
  public static func snapshotWithTwin(
    of path: String, busyTimeout: Duration = .seconds(10)
  ) throws(SQLiteError) -> (connection: SQLiteConnection, twin: SQLiteTwin?) {
    try snapshot(
      of: path, method: .automatic, busyTimeout: busyTimeout, temporaryFolder: nil, wantsTwin: true)
  }

  private static func snapshot(
    of path: String, method: SnapshotMethod, busyTimeout: Duration, temporaryFolder: String?, wantsTwin: Bool
  ) throws(SQLiteError) -> (connection: SQLiteConnection, twin: SQLiteTwin?) {
    switch SQLiteFile.kind(path) {
    case .database: break
    case .empty:
      // Nothing to read, and nothing that could be touched.
      let connection = try SQLiteConnection(
        file: ":memory:", named: path, access: .create, busyTimeout: busyTimeout)
      try connection.beginSnapshot()
      return (connection, nil)
    case .missing: throw SQLiteError(code: .cannotOpen, message: "there is no such file", path: path)
    case .directory: throw SQLiteError(code: .cannotOpen, message: "this is a folder", path: path)
    case .unreadable(let code):
      errno = code
      throw .system(.cannotOpen, "the file cannot be read", path: path)
    case .other: throw SQLiteError(code: .notADatabase, message: "file is not a database", path: path)
    }
    let copies = temporaryFolder ?? defaultTemporaryFolder
    switch method {
    case .inPlace: return (try snapshotInPlace(of: path, busyTimeout: busyTimeout), nil)
    case .privateCopy:
      return try snapshotOfCopy(of: path, in: copies, busyTimeout: busyTimeout, wantsTwin: wantsTwin)
    case .automatic:
      return try automaticSnapshot(of: path, in: copies, busyTimeout: busyTimeout, wantsTwin: wantsTwin)
    }
  }

  private static func automaticSnapshot(
    of path: String, in copies: String, busyTimeout: Duration, wantsTwin: Bool
  ) throws(SQLiteError) -> (connection: SQLiteConnection, twin: SQLiteTwin?) {
    // The lock keeps the last agent that closes the file from removing its log and index just now.
    let source = try SQLiteOpenFile(path, busyTimeout: busyTimeout)
    let inPlace = try source.whileShared { (_) throws(SQLiteError) -> SQLiteConnection? in
      guard isLogInUse(of: source.fullPath) else { return nil }
      do throws(SQLiteError) {
        return try snapshotInPlace(of: path, busyTimeout: busyTimeout)
      } catch {
        // A folder that is read-only, or a log that only a writer may recover: the copy is ours to recover.
        guard [.readOnly, .cannotOpen].contains(error.code.primary) else { throw error }
        return nil
      }
    }
    if let inPlace { return (inPlace, nil) }
    do {
      return try snapshotOfCopy(of: path, in: copies, busyTimeout: busyTimeout, wantsTwin: wantsTwin)
    } catch {
      // The temporary folder is too small, or agents that have opened the file meanwhile leave no gap.
      guard [.full, .busy].contains(error.code.primary) else { throw error }
      return (try snapshotInPlace(of: path, busyTimeout: busyTimeout), nil)
    }
  }

  // MARK: The two ways

  private static func snapshotInPlace(of path: String, busyTimeout: Duration) throws(SQLiteError)
    -> SQLiteConnection
  {
    // A read-only connection makes no checkpoint when it is closed, as it cannot take the lock for it.
    let connection = try SQLiteConnection(path: path, access: .readOnly, busyTimeout: busyTimeout)
    try connection.beginSnapshot()
    return connection
  }

  private static func snapshotOfCopy(
    of path: String, in parent: String, busyTimeout: Duration, wantsTwin: Bool
  ) throws(SQLiteError) -> (connection: SQLiteConnection, twin: SQLiteTwin?) {
    let copy = try SQLitePrivateCopy(of: path, in: parent, busyTimeout: busyTimeout)
    defer { copy.remove() }
    let connection = try SQLiteConnection(
      file: copy.file, named: path, access: .readWrite, busyTimeout: busyTimeout)
    guard wantsTwin else {
      // The log's index then lives in memory, and no file of the copy is ever opened again by its name.
      try connection.run("PRAGMA locking_mode = EXCLUSIVE")
      try connection.beginSnapshot()
      return (connection, nil)
    }
    // Nobody else knows the copy: both stand at the same moment, and have every file open that they read from.
    try connection.beginSnapshot()
    let twin = try SQLiteTwin(of: copy.file, named: path, busyTimeout: busyTimeout)
    return (connection, twin)
  }

  /// Begins the read transaction and reads, as only the first read fixes the moment.
  fileprivate func beginSnapshot() throws(SQLiteError) {
    try begin(.deferred)
    try run("SELECT count(*) FROM sqlite_schema; PRAGMA query_only = ON")
  }

  /// Whether a log and its index are beside the file, given with its full path.
  private static func isLogInUse(of file: String) -> Bool {
    unsafe access(file + "-wal", F_OK) == 0 && access(file + "-shm", F_OK) == 0
  }

  private static var defaultTemporaryFolder: String {
    guard let folder = unsafe getenv("TMPDIR").map({ unsafe String(cString: $0) }), !folder.isEmpty else {
      return "/tmp"
    }
    return folder
  }
}

/// A second connection to a private copy, which is handed over to the thread that reads from it.
public final class SQLiteTwin: Sendable {
  private let connection: Mutex<SQLiteConnection?>

  /// Opens a copy that only we know, and begins to read.
  fileprivate init(of file: String, named path: String, busyTimeout: Duration) throws(SQLiteError) {
    let connection = try SQLiteConnection(
      file: file, named: path, access: .readOnly, busyTimeout: busyTimeout)
    try connection.beginSnapshot()
    self.connection = Mutex(connection)
  }

  /// The connection, for the first who asks.
  public func take() -> sending SQLiteConnection? {
    connection.withLock { $0.take() }
  }
}
