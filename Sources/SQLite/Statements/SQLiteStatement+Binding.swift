// Binding values to the parameters of a statement, exactly or not at all.

internal import CSQLite

extension SQLiteStatement {
  /// Binds one value a parameter, in order.
  ///
  /// - Throws: the code `range` where the numbers of values and parameters differ.
  public mutating func bind(_ values: [SQLiteValue]) throws(SQLiteError) {
    guard values.count == parameterCount else {
      throw SQLiteError(
        code: .range, message: "\(values.count) values for \(parameterCount) parameters", sql: sql,
        path: connection.path)
    }
    for (index, value) in values.enumerated() { try bind(value, at: index + 1) }
  }

  /// Binds a value to a parameter, counted from 1. Until it is bound, or after `clearBindings`, a parameter is NULL.
  ///
  /// `malformedText` becomes TEXT of those very bytes.
  ///
  /// - Throws: the code `mismatch` for what SQLite would change in silence: NaN, which it turns into NULL, and malformed
  ///   text that a UTF-16 database cannot hold.
  public mutating func bind(_ value: SQLiteValue, at parameter: Int) throws(SQLiteError) {
    switch value {
    case .null: try bindNull(at: parameter)
    case .integer(let integer): try bind(integer: integer, at: parameter)
    case .real(let real): try bind(real: real, at: parameter)
    case .text(let text): try bind(text: text, at: parameter)
    case .malformedText(let bytes): try bindMalformed(bytes, at: parameter)
    case .blob(let bytes):
      try unsafe bytes.span.withUnsafeBytes { (bytes) throws(SQLiteError) in
        try unsafe bind(blob: bytes, at: parameter)
      }
    }
  }

  /// Binds NULL.
  public mutating func bindNull(at parameter: Int) throws(SQLiteError) {
    try check(unsafe sqlite3_bind_null(handle, Int32(parameter)))
  }

  /// Binds an INTEGER.
  public mutating func bind(integer: Int64, at parameter: Int) throws(SQLiteError) {
    try check(unsafe sqlite3_bind_int64(handle, Int32(parameter), integer))
  }

  /// Binds a REAL; NaN is refused, as SQLite would store NULL.
  public mutating func bind(real: Double, at parameter: Int) throws(SQLiteError) {
    guard !real.isNaN else { throw mismatch("SQLite cannot store NaN (parameter \(parameter))") }
    try check(unsafe sqlite3_bind_double(handle, Int32(parameter), real))
  }

  /// Binds TEXT, a NUL inside it included.
  public mutating func bind(text: String, at parameter: Int) throws(SQLiteError) {
    guard connection.textEncoding() == .utf8 else {
      return try bindUTF16([UInt16](text.utf16), at: parameter)
    }
    // Without a copy of the string where its bytes lie together, as they nearly always do.
    let code = unsafe text.utf8.withContiguousStorageIfAvailable {
      unsafe bindText(UnsafeRawBufferPointer($0), at: parameter)
    }
    if let code { return try check(code) }
    var text = text
    try check(text.withUTF8 { unsafe bindText(UnsafeRawBufferPointer($0), at: parameter) })
  }

  /// Binds a BLOB; no bytes make an empty one, not NULL. The bytes are copied.
  public mutating func bind(blob bytes: UnsafeRawBufferPointer, at parameter: Int) throws(SQLiteError) {
    guard let start = bytes.baseAddress, unsafe !bytes.isEmpty else {
      return try check(unsafe sqlite3_bind_zeroblob(handle, Int32(parameter), 0))
    }
    try check(
      unsafe sqlite3_bind_blob64(handle, Int32(parameter), start, UInt64(bytes.count), Self.copied))
  }

  /// Makes every parameter NULL again (sqlite3_clear_bindings).
  public mutating func clearBindings() {
    _ = unsafe sqlite3_clear_bindings(handle)
  }

  /// The number of a named parameter, its prefix included (`:name`); nil where there is none.
  public func parameter(named name: String) -> Int? {
    let number = unsafe Int(sqlite3_bind_parameter_index(handle, name))
    return number == 0 ? nil : number
  }

  // MARK: Text

  private mutating func bindMalformed(_ bytes: [UInt8], at parameter: Int) throws(SQLiteError) {
    guard connection.textEncoding() == .utf8 else {
      guard let units = SQLiteUTF16.units(of: bytes) else {
        throw mismatch("a UTF-16 database cannot hold this malformed text (parameter \(parameter))")
      }
      return try bindUTF16(units, at: parameter)
    }
    try check(unsafe bytes.span.withUnsafeBytes { unsafe bindText($0, at: parameter) })
  }

  private func bindText(_ bytes: UnsafeRawBufferPointer, at parameter: Int) -> Int32 {
    guard let start = bytes.baseAddress else {
      return unsafe sqlite3_bind_text64(handle, Int32(parameter), "", 0, Self.copied, UInt8(SQLITE_UTF8))
    }
    return unsafe sqlite3_bind_text64(
      handle, Int32(parameter), start.assumingMemoryBound(to: CChar.self), UInt64(bytes.count), Self.copied,
      UInt8(SQLITE_UTF8))
  }

  /// Binds UTF-16 as it is. SQLite takes one byte order mark away, so one is put before the text; and its own conversion
  /// from UTF-8 would replace U+FFFE, U+FFFF and lone surrogates.
  private mutating func bindUTF16(_ units: [UInt16], at parameter: Int) throws(SQLiteError) {
    let marked = [0xFEFF] + units
    let code = unsafe marked.span.withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress else { return SQLITE_NOMEM }
      return unsafe sqlite3_bind_text64(
        handle, Int32(parameter), start.assumingMemoryBound(to: CChar.self), UInt64(bytes.count), Self.copied,
        UInt8(SQLITE_UTF16))
    }
    try check(code)
  }

  /// SQLITE_TRANSIENT: SQLite copies the bytes before the call returns.
  private static var copied: sqlite3_destructor_type? {
    unsafe unsafeBitCast(-1, to: sqlite3_destructor_type?.self)
  }

  // MARK: Errors

  private func check(_ code: Int32) throws(SQLiteError) {
    guard code == SQLITE_OK else { throw failure() }
  }

  private func mismatch(_ message: String) -> SQLiteError {
    SQLiteError(code: .mismatch, message: message, sql: sql, path: connection.path)
  }
}
