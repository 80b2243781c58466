// A prepared statement: the hot path of the importer, which reads millions of values through it.

// Public because the functions below are inlined into the callers' modules.
public import CSQLite

/// A compiled statement, owned by one place and given back to its connection's cache at the end of its life.
///
/// Parameters count from 1 and columns from 0, as in SQLite. Reading a column copies nothing and allocates nothing,
/// except where a `String` or an array is asked for.
@safe
public struct SQLiteStatement: ~Copyable {
  @usableFromInline let handle: OpaquePointer
  @usableFromInline let connection: SQLiteConnection
  /// Where the connection's cache keeps it; nil where it does not.
  private let place: Int?
  /// The statement's text.
  public let sql: String

  init(handle: OpaquePointer, place: Int?, connection: SQLiteConnection, sql: String) {
    unsafe self.handle = handle
    self.place = place
    self.connection = connection
    self.sql = sql
  }

  deinit {
    unsafe connection.giveBack(handle, at: place)
  }

  // MARK: Running

  /// Goes to the next row (sqlite3_step).
  ///
  /// - Returns: whether there is one.
  @inlinable
  public mutating func step() throws(SQLiteError) -> Bool {
    let code = unsafe sqlite3_step(handle)
    if code == SQLITE_ROW { return true }
    if code == SQLITE_DONE { return false }
    throw failure()
  }

  /// Runs the statement to its end and makes it ready to run again; the values stay bound.
  public mutating func run() throws(SQLiteError) {
    while try step() {}
    reset()
  }

  /// Makes the statement ready to run again; the values stay bound (sqlite3_reset).
  @inlinable
  public mutating func reset() {
    _ = unsafe sqlite3_reset(handle)
  }

  /// The error of the last call.
  @usableFromInline
  func failure() -> SQLiteError {
    connection.lastError(sql: sql)
  }

  // MARK: What the statement is

  /// The number of columns of its rows; 0 where it answers none.
  @inlinable
  public var columnCount: Int { unsafe Int(sqlite3_column_count(handle)) }

  /// The number of its parameters.
  public var parameterCount: Int { unsafe Int(sqlite3_bind_parameter_count(handle)) }

  /// Whether it changes nothing in the database file (sqlite3_stmt_readonly).
  public var isReadOnly: Bool { unsafe sqlite3_stmt_readonly(handle) != 0 }

  /// The name of a column: its alias, or the text of its expression.
  public func columnName(_ column: Int) -> String {
    unsafe sqlite3_column_name(handle, Int32(column)).map { unsafe String(cString: $0) } ?? ""
  }

  /// The names of all columns, from the first.
  public var columnNames: [String] {
    (0..<columnCount).map { columnName($0) }
  }

  /// The type that the column's table declares; nil for an expression or a column without one.
  public func declaredType(_ column: Int) -> String? {
    unsafe sqlite3_column_decltype(handle, Int32(column)).map { unsafe String(cString: $0) }
  }

  // MARK: Reading the present row

  /// What the value is stored as. Ask before any other reader of this column: those may convert the value.
  @inlinable
  public func storageClass(_ column: Int) -> SQLiteStorageClass {
    switch unsafe sqlite3_column_type(handle, Int32(truncatingIfNeeded: column)) {
    case SQLITE_INTEGER: .integer
    case SQLITE_FLOAT: .real
    case SQLITE_TEXT: .text
    case SQLITE_BLOB: .blob
    default: .null
    }
  }

  /// The value of an INTEGER; other classes are converted as SQLite's CAST does.
  @inlinable
  public func integer(_ column: Int) -> Int64 {
    unsafe sqlite3_column_int64(handle, Int32(truncatingIfNeeded: column))
  }

  /// The value of a REAL; other classes are converted as SQLite's CAST does.
  @inlinable
  public func real(_ column: Int) -> Double {
    unsafe sqlite3_column_double(handle, Int32(truncatingIfNeeded: column))
  }

  /// Lends the bytes of a BLOB or a TEXT to the body; they live until it returns.
  ///
  /// The bytes of TEXT are those stored: UTF-8, or whatever the writer put there, a NUL included. Text of a UTF-16
  /// database arrives as UTF-8, in which a lone surrogate has its three-byte form (WTF-8), and an odd last byte follows
  /// as 0xFF and that byte. Empty text, an empty blob and NULL lend no bytes: `storageClass` tells them apart.
  @inlinable
  public func withBytes<Result, Failure>(
    _ column: Int, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    guard connection.readsTextAsStored else {
      return try unsafe withConvertedBytes(column, body)
    }
    let start = unsafe sqlite3_column_blob(handle, Int32(truncatingIfNeeded: column))
    let count = unsafe Int(sqlite3_column_bytes(handle, Int32(truncatingIfNeeded: column)))
    return try unsafe body(UnsafeRawBufferPointer(start: start, count: count))
  }

  /// As `withBytes`, where the database is UTF-16 or its encoding is not known yet.
  @usableFromInline
  func withConvertedBytes<Result, Failure>(
    _ column: Int, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let encoding = connection.textEncoding()
    let isText = storageClass(column) == .text
    let start = unsafe sqlite3_column_blob(handle, Int32(column))
    guard isText, encoding != .utf8 else {
      let count = unsafe Int(sqlite3_column_bytes(handle, Int32(column)))
      return try unsafe body(UnsafeRawBufferPointer(start: start, count: count))
    }
    // Of text that is UTF-16 already, this is the stored length: nothing is converted.
    let count = unsafe Int(sqlite3_column_bytes16(handle, Int32(column)))
    let stored = unsafe UnsafeRawBufferPointer(start: start, count: count)
    let bytes = unsafe SQLiteUTF16.bytes(of: stored, bigEndian: encoding == .utf16BigEndian)
    let span = bytes.span
    return try unsafe span.withUnsafeBytes(body)
  }

  /// The value, whatever it is; text and blobs are copied.
  public func value(_ column: Int) -> SQLiteValue {
    switch storageClass(column) {
    case .null: .null
    case .integer: .integer(integer(column))
    case .real: .real(real(column))
    case .blob: unsafe withBytes(column) { unsafe .blob([UInt8]($0)) }
    case .text:
      unsafe withBytes(column) { bytes in
        let span = unsafe Span<UInt8>(_unsafeElements: bytes.assumingMemoryBound(to: UInt8.self))
        if let text = try? UTF8Span(validating: span) { return .text(String(copying: text)) }
        return unsafe .malformedText([UInt8](bytes))
      }
    }
  }

  /// All values of the present row.
  public func values() -> [SQLiteValue] {
    (0..<columnCount).map { value($0) }
  }
}
