// The rows of one key, as a write finds them.

import SQLite

/// A row of a key that is about to be written or removed.
struct SQLiteKeyRow {
  let table: SQLiteTable
  let rank: SQLiteRank
  let location: SQLiteLocation?
  /// The raw value of a legacy row.
  let value: SQLiteValue?
  /// The version that our own table holds.
  let version: Int64?
  let expiresAt: Timestamp?
  /// The whole, where it was asked for.
  let memory: Memory?

  /// Whether the library wrote it into a legacy table and put another one above it since: its value has been kept then.
  func isKept(of rows: [SQLiteKeyRow]) -> Bool {
    !table.isOwn && memory.map { $0.version > 0 } ?? false && rows.first.map { $0.rank != rank } ?? false
  }

  func isExpired(at now: Timestamp) -> Bool { expiresAt.map { $0 <= now } ?? false }
}

extension SQLiteMemories {
  /// The rows of a key, the newest first.
  func rows(_ name: MemoryName, withMemories: Bool) throws -> [SQLiteKeyRow] {
    var rows: [SQLiteKeyRow] = []
    try forEachRow(namespace: name.namespace, key: name.key) { reader, row in
      rows.append(
        SQLiteKeyRow(
          table: reader.table, rank: reader.rank(row), location: reader.location(row),
          value: reader.table.isOwn ? nil : reader.value(.value, row),
          version: reader.table.versionPlace.flatMap { row.value($0 + 1).int64 },
          expiresAt: reader.time(.expiresAt, row), memory: withMemories ? try memory(reader, row) : nil))
    }
    return rows.count > 1 ? rows.sorted { $0.rank > $1.rank } : rows
  }

  /// Removes a row.
  func remove(_ row: SQLiteKeyRow) throws {
    guard let location = row.location else {
      throw AgentBaseError(
        .database,
        "\(connection.path): the rows of the table \(row.table.table.name) cannot be told apart: columns hide its rowid",
        advice: "Delete the row with the sqlite3 command.")
    }
    if row.table.isOwn, let rowID = location.values.first?.int64 {
      try mirrors.remove(.memories, rowID: rowID)
    }
    try connection.execute(
      "DELETE FROM \(row.table.quotedName) WHERE \(location.condition)", location.values)
  }

  /// Removes every row of a key, and its history, or what was there goes into it.
  ///
  /// - Returns: whether there was a memory that had not expired.
  func delete(_ name: MemoryName, keepingHistory: Bool) throws -> Bool {
    let now = Timestamp.now
    let rows = try rows(name, withMemories: keepingHistory)
    if keepingHistory, rows.first.map({ !$0.isExpired(at: now) }) ?? true {
      for row in rows.reversed() where !row.isExpired(at: now) && !row.isKept(of: rows) {
        if let memory = row.memory { try history.keep(memory, replacedAt: now) }
      }
    } else {
      try history.forget(name)
    }
    for row in rows { try remove(row) }
    try notes.remove(name)
    return rows.first.map { !$0.isExpired(at: now) } ?? false
  }
}
