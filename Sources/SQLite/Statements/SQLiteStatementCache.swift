// The compiled statements of a connection.

internal import CSQLite
internal import Glibc

/// Compiled statements by their text; the least recently used goes first.
struct SQLiteStatementCache {
  @safe private struct Entry {
    let text: Text
    let handle: OpaquePointer
    var used: Int
    /// Whether some place uses it now.
    var isTaken = true
  }

  private var places: [Text: Int] = [:]
  private var entries: [Entry?] = []
  private var clock = 0
  private let capacity: Int

  init(capacity: Int) {
    self.capacity = capacity
  }

  /// Takes a statement for one place; nil where it is not there, or in use.
  mutating func take(_ sql: String) -> (handle: OpaquePointer, place: Int)? {
    guard let place = places[Text(sql: sql)], let entry = entries[place], !entry.isTaken else { return nil }
    clock += 1
    entries[place]?.isTaken = true
    entries[place]?.used = clock
    return unsafe (entry.handle, place)
  }

  /// Remembers a statement that one place has taken; nil where its text is in use already.
  mutating func insert(_ handle: OpaquePointer, sql: String) -> Int? {
    let text = Text(sql: sql)
    guard places[text] == nil else { return nil }
    if places.count >= capacity { removeOldest() }
    clock += 1
    let entry = unsafe Entry(text: text, handle: handle, used: clock)
    let place = entries.firstIndex { $0 == nil } ?? entries.endIndex
    if place == entries.endIndex { entries.append(entry) } else { entries[place] = entry }
    places[text] = place
    return place
  }

  /// Notes that a statement is reset and free again.
  ///
  /// - Returns: false where it was forgotten meanwhile: its user has to finalize it.
  mutating func giveBack(_ handle: OpaquePointer, at place: Int) -> Bool {
    guard place < entries.count, unsafe entries[place]?.handle == handle else { return false }
    entries[place]?.isTaken = false
    return true
  }

  /// Forgets all, and finalizes those that are not in use.
  mutating func removeAll() {
    for entry in entries {
      if let entry, !entry.isTaken { _ = unsafe sqlite3_finalize(entry.handle) }
    }
    entries = []
    places = [:]
  }

  private mutating func removeOldest() {
    let free = entries.indices.filter { entries[$0]?.isTaken == false }
    guard let oldest = free.min(by: { entries[$0]?.used ?? 0 < entries[$1]?.used ?? 0 }),
      let entry = entries[oldest]
    else { return }
    _ = unsafe sqlite3_finalize(entry.handle)
    places[entry.text] = nil
    entries[oldest] = nil
  }
}

extension SQLiteStatementCache {
  /// A text that only the same bytes equal: to Swift a composed é is the decomposed one, to SQLite they name two tables.
  fileprivate struct Text: Hashable {
    let sql: String

    static func == (left: Text, right: Text) -> Bool {
      let isSame = unsafe left.sql.utf8.withContiguousStorageIfAvailable { left in
        unsafe right.sql.utf8.withContiguousStorageIfAvailable { right in
          guard left.count == right.count, let start = left.baseAddress, let other = right.baseAddress
          else { return left.count == right.count }
          return unsafe memcmp(start, other, left.count) == 0
        }
      }
      return isSame.flatMap { $0 } ?? left.sql.utf8.elementsEqual(right.sql.utf8)
    }

    /// A connection has few texts, and few of one length: to compare those costs less than to hash a long one.
    func hash(into hasher: inout Hasher) { hasher.combine(sql.utf8.count) }
  }
}
