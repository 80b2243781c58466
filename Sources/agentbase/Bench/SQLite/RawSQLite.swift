// The bare loop: SQLite's own calls, each statement prepared once, nothing between them and the file.

internal import AgentBase
internal import CSQLite
internal import Foundation

/// A file with our table of memories, used with the calls of sqlite3.h alone.
///
/// `@unchecked Sendable`, though it may be used by one thread at a time: the benchmark, its only owner, awaits each of its loops, which
/// run one after the other on a thread of `BlockingWork`.
@safe
final class RawSQLite: @unchecked Sendable {
  private let handle: OpaquePointer
  private let begin: OpaquePointer
  private let commit: OpaquePointer
  private let version: OpaquePointer
  private let upsert: OpaquePointer
  private let select: OpaquePointer

  static var libraryVersion: String { unsafe String(cString: sqlite3_libversion()) }

  /// Makes a file as an agent does: the same tables, a write-ahead log, and a commit that waits for the disk.
  init(path: String) throws {
    var opened: OpaquePointer?
    let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
    guard unsafe sqlite3_open_v2(path, &opened, flags, nil) == SQLITE_OK, let handle = unsafe opened else {
      throw Failure("\(path) cannot be made", advice: nil)
    }
    unsafe self.handle = handle
    let setUp = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
    guard unsafe sqlite3_exec(handle, setUp + RawSQLiteText.tables, nil, nil, nil) == SQLITE_OK else {
      throw unsafe Self.failure(handle)
    }
    unsafe begin = try Self.prepare("BEGIN IMMEDIATE", handle)
    unsafe commit = try Self.prepare("COMMIT", handle)
    unsafe version = try Self.prepare(RawSQLiteText.version, handle)
    unsafe upsert = try Self.prepare(RawSQLiteText.store, handle)
    unsafe select = try Self.prepare(RawSQLiteText.read, handle)
  }

  deinit {
    _ = unsafe sqlite3_finalize(begin)
    _ = unsafe sqlite3_finalize(commit)
    _ = unsafe sqlite3_finalize(version)
    _ = unsafe sqlite3_finalize(upsert)
    _ = unsafe sqlite3_finalize(select)
    _ = unsafe sqlite3_close_v2(handle)
  }

  // MARK: - Loops

  /// Stores for the given time, so many in each transaction.
  func stores(for seconds: Double, keys: Int, each: Int = 1) throws -> BenchMeasurement {
    try loop(for: seconds, step: each) { first in try store(first..<first + each, keys: keys) }
  }

  /// Reads for the given time.
  func reads(for seconds: Double, keys: Int) throws -> BenchMeasurement {
    try loop(for: seconds, step: 1) { number in
      unsafe bind("agent", select, 1)
      unsafe bind("", select, 2)
      unsafe bind(BenchRow.key(number, of: keys), select, 3)
      guard unsafe sqlite3_step(select) == SQLITE_ROW, let text = unsafe sqlite3_column_text(select, 0) else {
        throw failure
      }
      let value = unsafe String(cString: text)
      guard value.utf8.count > 2, unsafe sqlite3_step(select) == SQLITE_DONE else { throw failure }
      _ = unsafe sqlite3_reset(select)
    }
  }

  /// Stores the values of some numbers in one transaction.
  func store(_ numbers: Range<Int>, keys: Int) throws {
    try unsafe run(begin)
    for number in numbers {
      let key = BenchRow.key(number, of: keys)
      unsafe bind("agent", version, 1)
      unsafe bind("", version, 2)
      unsafe bind(key, version, 3)
      let isThere = unsafe sqlite3_step(version) == SQLITE_ROW
      let next = isThere ? unsafe sqlite3_column_int64(version, 0) + 1 : Int64(number)
      _ = unsafe sqlite3_reset(version)
      unsafe bind("agent", upsert, 1)
      unsafe bind("", upsert, 2)
      unsafe bind(key, upsert, 3)
      unsafe bind("\"" + BenchRow.value(number) + "\"", upsert, 4)
      unsafe bind("{}", upsert, 5)
      unsafe bind("2026-01-15T10:30:00.000000Z", upsert, 7)
      _ = unsafe sqlite3_bind_int64(upsert, 9, next)
      try unsafe run(upsert)
    }
    try unsafe run(commit)
  }

  private func loop(for seconds: Double, step: Int, _ body: (Int) throws -> Void) throws -> BenchMeasurement {
    let clock = ContinuousClock()
    let start = clock.now
    let end = start + .seconds(seconds)
    var count = 0
    while clock.now < end {
      for _ in 0..<16 {
        try body(count)
        count += step
      }
    }
    return BenchMeasurement(seconds: (clock.now - start) / .seconds(1), calls: count)
  }

  // MARK: - Calls

  private func run(_ statement: OpaquePointer) throws {
    guard unsafe sqlite3_step(statement) == SQLITE_DONE else { throw failure }
    _ = unsafe sqlite3_reset(statement)
  }

  private func bind(_ text: String, _ statement: OpaquePointer, _ place: Int32) {
    let copied = unsafe unsafeBitCast(-1, to: sqlite3_destructor_type?.self)
    _ = unsafe sqlite3_bind_text(statement, place, text, Int32(text.utf8.count), copied)
  }

  private static func prepare(_ sql: String, _ handle: OpaquePointer) throws -> OpaquePointer {
    var statement: OpaquePointer?
    let flag = UInt32(SQLITE_PREPARE_PERSISTENT)
    guard unsafe sqlite3_prepare_v3(handle, sql, -1, flag, &statement, nil) == SQLITE_OK,
      let statement = unsafe statement
    else { throw unsafe failure(handle) }
    return unsafe statement
  }

  private var failure: Failure { unsafe Self.failure(handle) }

  private static func failure(_ handle: OpaquePointer) -> Failure {
    Failure(
      "the bare loop over SQLite failed: \(unsafe String(cString: sqlite3_errmsg(handle)))", advice: nil)
  }
}
