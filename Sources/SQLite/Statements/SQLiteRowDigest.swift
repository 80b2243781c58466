// A function for SQL: the digest of a row, by which a statement tells whether someone has changed it.

internal import CSQLite

/// The SQL function `row_digest(value, …)`, which every connection has.
///
/// It answers a 64-bit FNV-1a over the storage classes and the bytes of its arguments: the same on every machine and with every
/// version of SQLite. NULLs at the end count for nothing, so that a column that is added later, and empty, changes no digest.
public enum SQLiteRowDigest {
  /// The most values that SQLite gives a function, as it is built by default.
  public static let mostValues = 100

  static func install(on handle: OpaquePointer) {
    _ = unsafe sqlite3_create_function_v2(
      handle, "row_digest", -1, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, nil,
      { context, count, values in
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        var end = hash
        for place in 0..<Int(count) {
          guard let value = unsafe values?[place] else { continue }
          unsafe SQLiteRowDigest.add(value, to: &hash)
          if unsafe sqlite3_value_type(value) != SQLITE_NULL { end = hash }
        }
        unsafe sqlite3_result_int64(context, Int64(bitPattern: end))
      }, nil, nil, nil)
  }

  private static func add(_ value: OpaquePointer, to hash: inout UInt64) {
    let storageClass = unsafe sqlite3_value_type(value)
    add(UInt64(UInt32(bitPattern: storageClass)), to: &hash)
    switch storageClass {
    case SQLITE_INTEGER: add(UInt64(bitPattern: unsafe sqlite3_value_int64(value)), to: &hash)
    case SQLITE_FLOAT: add(unsafe sqlite3_value_double(value).bitPattern, to: &hash)
    case SQLITE_TEXT, SQLITE_BLOB:
      // In this order: the text is in UTF-8 then, whatever the database holds, and its bytes are counted as such.
      let bytes =
        unsafe storageClass == SQLITE_TEXT
        ? UnsafeRawPointer(sqlite3_value_text(value)) : sqlite3_value_blob(value)
      let buffer = unsafe UnsafeRawBufferPointer(
        start: bytes, count: bytes == nil ? 0 : Int(sqlite3_value_bytes(value)))
      add(UInt64(buffer.count), to: &hash)
      for place in 0..<buffer.count { unsafe add(buffer[place], to: &hash) }
    default: break
    }
  }

  private static func add(_ number: UInt64, to hash: inout UInt64) {
    for shift in stride(from: UInt64(0), to: 64, by: 8) {
      add(UInt8(truncatingIfNeeded: number >> shift), to: &hash)
    }
  }

  private static func add(_ byte: UInt8, to hash: inout UInt64) {
    hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3
  }
}
