// What a path is, and a database file as SQLite's own file layer sees it.

internal import CSQLite
internal import Glibc

/// What a path is to SQLite.
public enum SQLiteFile {
  /// The answers.
  public enum Kind: Sendable, Hashable {
    /// It begins as every SQLite database does.
    case database
    /// A file of no bytes, which SQLite takes for a new database.
    case empty
    /// A folder.
    case directory
    /// Nothing is there.
    case missing
    /// It cannot be read, for the reason that the system gives (errno).
    case unreadable(Int32)
    /// Anything else: another kind of file, or an encrypted database.
    case other
  }

  /// Tells what a path is, by the 16 bytes at the start (SQLite: "Database File Format", section 1.3).
  ///
  /// It reads through SQLite's file layer. A plain `close` of a second descriptor would drop the locks that this
  /// process holds on the file (SQLite: "How To Corrupt", section 2.2).
  public static func kind(_ path: String) -> Kind {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else {
      return errno == ENOENT || errno == ENOTDIR ? .missing : .unreadable(errno)
    }
    switch status.st_mode & S_IFMT {
    case S_IFDIR: return .directory
    case S_IFREG: break
    default: return .other
    }
    guard status.st_size > 0 else { return .empty }
    guard unsafe access(path, R_OK) == 0 else { return .unreadable(errno) }
    do {
      let file = try SQLiteOpenFile(path, busyTimeout: .zero)
      return try file.bytes(at: 0, count: 16) == Array("SQLite format 3\0".utf8) ? .database : .other
    } catch {
      return .unreadable(EIO)
    }
  }
}

/// A database file that is open for reading through SQLite's file layer, past its pager.
///
/// No statement may run on its connection: the pager would not know of the lock taken here.
@safe
struct SQLiteOpenFile: ~Copyable {
  private let connection: SQLiteConnection
  private let file: UnsafeMutablePointer<sqlite3_file>
  private let methods: sqlite3_io_methods

  init(_ path: String, busyTimeout: Duration) throws(SQLiteError) {
    let connection = try SQLiteConnection(path: path, access: .readOnly, busyTimeout: busyTimeout)
    var found: UnsafeMutablePointer<sqlite3_file>?
    let code = unsafe sqlite3_file_control(connection.handle, "main", SQLITE_FCNTL_FILE_POINTER, &found)
    guard code == SQLITE_OK, let file = unsafe found, let methods = unsafe file.pointee.pMethods else {
      throw connection.lastError(sql: nil)
    }
    self.connection = connection
    unsafe self.file = file
    unsafe self.methods = methods.pointee
  }

  /// The file's full path, symbolic links resolved: its journal and its log are beside it.
  var fullPath: String {
    unsafe sqlite3_db_filename(connection.handle, "main").map { unsafe String(cString: $0) }
      ?? connection.path
  }

  /// The file's length in bytes.
  func size() throws(SQLiteError) -> Int64 {
    var size: Int64 = 0
    try check(unsafe methods.xFileSize(file, &size))
    return size
  }

  /// Fills the buffer from an offset; past the end of the file there is only an error.
  func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(SQLiteError) {
    try check(unsafe methods.xRead(file, buffer.baseAddress, Int32(buffer.count), offset))
  }

  /// The bytes at an offset; fewer at the end of the file.
  func bytes(at offset: Int64, count: Int) throws(SQLiteError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: max(0, min(count, Int(try size() - offset))))
    var span = bytes.mutableSpan
    try unsafe span.withUnsafeMutableBytes { (buffer) throws(SQLiteError) in
      try unsafe read(at: offset, into: buffer)
    }
    return bytes
  }

  /// Keeps writers from changing the file during the body, as a reader does (SHARED lock).
  ///
  /// - Parameter body: learns whether another connection is preparing a write (RESERVED lock).
  func whileShared<Value>(_ body: (_ isReserved: Bool) throws(SQLiteError) -> Value) throws(SQLiteError)
    -> Value
  {
    var tries = 0
    var code = unsafe methods.xLock(file, SQLITE_LOCK_SHARED)
    while code == SQLITE_BUSY, connection.control.waitForLock(tries: tries) {
      tries += 1
      code = unsafe methods.xLock(file, SQLITE_LOCK_SHARED)
    }
    try check(code)
    defer { _ = unsafe methods.xUnlock(file, SQLITE_LOCK_NONE) }
    var isReserved: Int32 = 0
    try check(unsafe methods.xCheckReservedLock(file, &isReserved))
    return try body(isReserved != 0)
  }

  private func check(_ code: Int32) throws(SQLiteError) {
    guard code != SQLITE_OK else { return }
    throw unsafe SQLiteError(
      code: SQLiteCode(rawValue: code), message: String(cString: sqlite3_errstr(code)), path: connection.path)
  }
}
