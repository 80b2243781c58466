// One connection to one file: opening, preparing, closing.

internal import CSQLite

/// A connection to a SQLite file. Synchronous, and used by one thread at a time: it is not `Sendable`.
///
/// Waiting for another connection's lock blocks the thread, up to the busy limit; `SQLiteDatabase` keeps such waits off
/// Swift's cooperative threads.
@safe
public final class SQLiteConnection {
  /// What a connection may do with the file.
  public enum Access: Sendable {
    /// Reads; the file has to be there.
    case readOnly
    /// Reads and writes; the file has to be there.
    case readWrite
    /// Reads and writes; a file that is not there is made.
    case create
  }

  /// The file, as errors name it.
  public let path: String
  let handle: OpaquePointer
  let control: SQLiteControl
  private var statements = SQLiteStatementCache(capacity: 100)
  private var controls = SQLiteControlStatements()
  /// How many statements that may write were begun: a body that began none has nothing to undo.
  private(set) var writesBegun = 0
  /// What a user has derived from the schema; gone with the transaction that it was derived in, and when a part of it is undone.
  public var schemaMemo: AnyObject?
  /// What a user has read in the open transaction and would read again; gone with it, and when a part of it is undone.
  public var transactionMemo: AnyObject?
  /// The version of the schema that every compiled statement is known to hold for; nil where one of them was compiled anew,
  /// and so may hold for another.
  public private(set) var compiledSchema: Int64?
  /// Whether the file had a write-ahead log when the connection was set up as a reader.
  var hasLog = false
  /// The names of savepoints count from here.
  var savepoints = 0

  /// Whether text is known to be stored as UTF-8, so that its bytes need no conversion.
  @usableFromInline private(set) var readsTextAsStored = false
  private var encoding: SQLiteTextEncoding?

  /// Opens a file; `:memory:` makes a database in memory.
  ///
  /// SQLite reads nothing before the first statement: a file that is no database fails there.
  ///
  /// - Parameters:
  ///   - path: the file, never a URI.
  ///   - busyTimeout: how long a statement waits for another connection's lock before it fails with `busy`.
  public convenience init(
    path: String, access: Access = .create, busyTimeout: Duration = .seconds(10)
  ) throws(SQLiteError) {
    try self.init(file: path, named: path, access: access, busyTimeout: busyTimeout)
  }

  /// Opens `file`, a private copy for example, under the name that errors shall give.
  init(file: String, named path: String, access: Access, busyTimeout: Duration) throws(SQLiteError) {
    let flags =
      switch access {
      case .readOnly: SQLITE_OPEN_READONLY
      case .readWrite: SQLITE_OPEN_READWRITE
      case .create: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
      }
    // Debian builds SQLite with URIs on: a file's name may begin with the scheme all the same.
    let name = file.hasPrefix("file:") ? "./" + file : file
    guard !name.utf8.contains(0) else {
      throw SQLiteError(code: .cannotOpen, message: "a file's name cannot hold a NUL", path: path)
    }
    var opened: OpaquePointer?
    // One thread at a time uses a connection, so SQLite's own mutex would only cost time.
    let code = unsafe sqlite3_open_v2(name, &opened, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nil)
    guard code == SQLITE_OK, let handle = unsafe opened else {
      let error = unsafe SQLiteError.last(of: opened, sql: nil, path: path)
      _ = unsafe sqlite3_close_v2(opened)
      throw error
    }
    unsafe self.handle = handle
    self.path = path
    control = SQLiteControl(busyTimeout: busyTimeout)
    unsafe control.attach(to: handle)
    unsafe SQLiteRowDigest.install(on: handle)
  }

  deinit {
    unsafe control.interrupt.watch(nil)
    statements.removeAll()
    controls.removeAll()
    _ = unsafe sqlite3_close_v2(handle)
  }

  // MARK: State

  /// Interrupts this connection's statements, from any thread.
  public var interrupt: SQLiteInterrupt { control.interrupt }

  /// Whether a transaction is open (sqlite3_get_autocommit).
  public var isInTransaction: Bool { unsafe sqlite3_get_autocommit(handle) == 0 }

  /// The rowid of the last insert on this connection (sqlite3_last_insert_rowid).
  public var lastInsertRowID: Int64 { unsafe sqlite3_last_insert_rowid(handle) }

  /// The error of the last failed call.
  func lastError(sql: String?) -> SQLiteError {
    unsafe SQLiteError.last(of: handle, sql: sql, path: path)
  }

  // MARK: Statements

  /// Compiles one statement, or takes it from the cache (sqlite3_prepare_v3).
  ///
  /// - Throws: the code `error` for faulty SQL, `misuse` for none or for more than one statement.
  public func prepare(_ sql: String) throws(SQLiteError) -> SQLiteStatement {
    guard !interrupt.isRequested else {
      throw SQLiteError(code: .interrupt, message: "interrupted", sql: sql, path: path)
    }
    if let (handle, place) = unsafe statements.take(sql) {
      if unsafe sqlite3_stmt_readonly(handle) == 0 { writesBegun += 1 }
      return unsafe SQLiteStatement(handle: handle, place: place, connection: self, sql: sql)
    }
    // What is compiled may set or reveal the encoding of a database that was empty until now.
    readsTextAsStored = false
    encoding = nil
    if !isInTransaction { compiledSchema = nil }
    let handle = unsafe try compile(sql)
    if unsafe sqlite3_stmt_readonly(handle) == 0 { writesBegun += 1 }
    let place = unsafe statements.insert(handle, sql: sql)
    return unsafe SQLiteStatement(handle: handle, place: place, connection: self, sql: sql)
  }

  private func compile(_ sql: String) throws(SQLiteError) -> OpaquePointer {
    guard !sql.utf8.contains(0) else {
      throw SQLiteError(code: .error, message: "the SQL text holds a NUL: bind values", sql: sql, path: path)
    }
    var statement: OpaquePointer?
    var more: OpaquePointer?
    let code = unsafe sql.withCString { text in
      var tail: UnsafePointer<CChar>?
      let code = unsafe sqlite3_prepare_v3(
        handle, text, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, &tail)
      guard code == SQLITE_OK, unsafe tail?.pointee != 0 else { return code }
      return unsafe sqlite3_prepare_v2(handle, tail, -1, &more, nil)
    }
    let error = code == SQLITE_OK ? nil : lastError(sql: sql)
    let isOne = unsafe statement != nil && more == nil
    _ = unsafe sqlite3_finalize(more)
    guard error == nil, isOne, let statement = unsafe statement else {
      _ = unsafe sqlite3_finalize(statement)
      throw error
        ?? SQLiteError(
          code: .misuse, message: "one statement is needed here: use executeScript for several", sql: sql,
          path: path)
    }
    return unsafe statement
  }

  /// Ends a statement's use and keeps it for the next.
  func giveBack(_ statement: OpaquePointer, at place: Int?) {
    _ = unsafe sqlite3_reset(statement)
    if unsafe sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_REPREPARE, 1) > 0 { compiledSchema = nil }
    if let place, unsafe statements.giveBack(statement, at: place) {
      _ = unsafe sqlite3_clear_bindings(statement)
    } else {
      _ = unsafe sqlite3_finalize(statement)
    }
  }

  /// Empties the cache.
  func forgetStatements() {
    statements.removeAll()
  }

  /// Notes that the open transaction sees this version of the schema. What was compiled for another is forgotten, so that a
  /// later statement, outside of any transaction, tells by `compiledSchema` whether the schema is still the same.
  public func holdSchema(_ version: Int64) {
    guard compiledSchema != version else { return }
    forgetStatements()
    compiledSchema = version
  }

  /// The number of the schema's version that the connection sees (PRAGMA schema_version).
  public func schemaVersion() throws(SQLiteError) -> Int64 {
    var statement = try prepare("PRAGMA schema_version")
    return try statement.step() ? statement.integer(0) : 0
  }

  /// Runs SQL that neither binds nor answers anything, of one statement or many, past the cache.
  func run(_ sql: String) throws(SQLiteError) {
    writesBegun += 1
    forgetMemos()
    guard unsafe sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else { throw lastError(sql: sql) }
  }

  /// Forgets what users have noted of the open transaction.
  func forgetMemos() {
    schemaMemo = nil
    transactionMemo = nil
  }

  /// Begins or ends a transaction or a savepoint, which a body of `SQLiteDatabase` may not do by hand.
  func control(_ statement: SQLiteControlStatement) throws(SQLiteError) {
    // Also while it runs: SQLite may compile it anew.
    let allowed = control.allowsTransactionStatements
    control.allowsTransactionStatements = true
    defer { control.allowsTransactionStatements = allowed }
    let compiled: OpaquePointer
    if let known = unsafe controls[statement] {
      unsafe compiled = known
    } else {
      unsafe compiled = try compile(statement.sql)
      unsafe controls[statement] = compiled
    }
    let error = unsafe sqlite3_step(compiled) == SQLITE_DONE ? nil : lastError(sql: statement.sql)
    _ = unsafe sqlite3_reset(compiled)
    if let error { throw error }
  }

  // MARK: Text

  /// The encoding of the database's text, asked of SQLite once and after every newly compiled statement.
  func textEncoding() -> SQLiteTextEncoding {
    if let encoding { return encoding }
    var statement: OpaquePointer?
    defer { _ = unsafe sqlite3_finalize(statement) }
    guard unsafe sqlite3_prepare_v2(handle, "PRAGMA encoding", -1, &statement, nil) == SQLITE_OK,
      unsafe sqlite3_step(statement) == SQLITE_ROW, let name = unsafe sqlite3_column_text(statement, 0)
    else { return .utf8 }
    let found: SQLiteTextEncoding =
      switch unsafe String(cString: name) {
      case "UTF-16le": .utf16LittleEndian
      case "UTF-16be": .utf16BigEndian
      default: .utf8
      }
    encoding = found
    readsTextAsStored = found == .utf8
    return found
  }
}
