// Which statements the server has prepared on one connection, and which to forget first.

import Glibc

/// A pure map from SQL text and parameter types to the names of prepared statements; the least recently used goes first.
///
/// Names are never given twice, on this connection or on another: neither a name that the server has lost, nor one that a
/// pooler's other client has prepared on the same server connection, can mean another statement.
struct StatementCache {
  /// What a prepared statement depends on.
  struct Key: Hashable {
    let sql: String
    let types: [PostgresType]

    init(_ statement: PostgresStatement) {
      sql = statement.sql
      types = statement.values.map(\.type)
    }

    /// Only the same bytes are the same statement: to Swift a composed é is the decomposed one, to the server they are two.
    static func == (left: Key, right: Key) -> Bool {
      left.types == right.types && left.sql.utf8.count == right.sql.utf8.count
        && left.sql.hasBytes(of: right.sql)
    }

    /// The length tells statements apart well enough: one connection has few, and their texts are long.
    func hash(into hasher: inout Hasher) {
      hasher.combine(sql.utf8.count)
      hasher.combine(types.count)
    }
  }

  private struct Entry {
    let name: String
    var lastUse: Int
  }

  private let limit: Int
  private var entries: [Key: Entry] = [:]
  private var clock = 0
  private var names = 0
  /// Names that the server still holds and nobody will use again.
  private(set) var stale: [String] = []

  /// What its names begin with.
  private let prefix = "s" + String(UInt64.random(in: 0...UInt64.max), radix: 36) + "_"

  init(limit: Int) { self.limit = max(1, limit) }

  /// How many statements are held.
  var count: Int { entries.count }

  /// The name under which the statement is prepared.
  mutating func name(for key: Key) -> String? {
    guard let index = entries.index(forKey: key) else { return nil }
    clock += 1
    entries.values[index].lastUse = clock
    return entries.values[index].name
  }

  /// A name that was never used before.
  mutating func makeName() -> String {
    names += 1
    return "\(prefix)\(names)"
  }

  /// Notes that the server has prepared the statement; the least recently used one may become stale by it.
  mutating func insert(_ name: String, for key: Key) {
    if let old = entries[key] { stale.append(old.name) }
    clock += 1
    entries[key] = Entry(name: name, lastUse: clock)
    guard entries.count > limit, let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse }) else {
      return
    }
    entries[oldest.key] = nil
    stale.append(oldest.value.name)
  }

  /// Forgets one statement, which the server still holds.
  mutating func invalidate(_ key: Key) {
    if let entry = entries.removeValue(forKey: key) { stale.append(entry.name) }
  }

  /// Forgets all, since the server has: after `DISCARD ALL`, or behind another server connection of pgbouncer.
  mutating func removeAll() {
    entries = [:]
    stale = []
  }

  /// Hands out the stale names, to be deallocated.
  mutating func takeStale() -> [String] {
    defer { stale = [] }
    return stale
  }
}

extension String {
  /// Whether two texts of one length are the same bytes.
  fileprivate func hasBytes(of other: String) -> Bool {
    let isSame = unsafe utf8.withContiguousStorageIfAvailable { left in
      unsafe other.utf8.withContiguousStorageIfAvailable { right in
        guard let first = left.baseAddress, let second = right.baseAddress else { return true }
        return unsafe first == second || memcmp(first, second, left.count) == 0
      }
    }
    return (isSame ?? nil) ?? utf8.elementsEqual(other.utf8)
  }
}
