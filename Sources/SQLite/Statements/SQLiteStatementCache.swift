// The statements of a connection that are compiled and not in use.

internal import CSQLite

/// Compiled statements by their text; the least recently used goes first.
struct SQLiteStatementCache {
  @safe private struct Entry {
    let handle: OpaquePointer
    let used: Int
  }

  /// A text that only the same bytes equal: to Swift a composed é is the decomposed one, to SQLite they name two tables.
  private struct Text: Hashable {
    let sql: String

    static func == (left: Text, right: Text) -> Bool {
      left.sql == right.sql && left.sql.utf8.elementsEqual(right.sql.utf8)
    }
  }

  private var entries: [Text: Entry] = [:]
  private var clock = 0
  private let capacity: Int

  init(capacity: Int) {
    self.capacity = capacity
  }

  /// Takes a statement out, to be used by one place.
  mutating func take(_ sql: String) -> OpaquePointer? {
    unsafe entries.removeValue(forKey: Text(sql: sql))?.handle
  }

  /// Keeps a statement that is reset; finalizes it, or the oldest, where there is no room.
  mutating func put(_ handle: OpaquePointer, sql: String) {
    clock += 1
    if let twin = entries.updateValue(unsafe Entry(handle: handle, used: clock), forKey: Text(sql: sql)) {
      _ = unsafe sqlite3_finalize(twin.handle)
    }
    guard entries.count > capacity,
      let oldest = entries.min(by: { $0.value.used < $1.value.used })
    else { return }
    _ = unsafe sqlite3_finalize(oldest.value.handle)
    entries[oldest.key] = nil
  }

  /// Finalizes all.
  mutating func removeAll() {
    for entry in entries.values { _ = unsafe sqlite3_finalize(entry.handle) }
    entries = [:]
  }
}
