// Reading memories from a SQLite file: our own table and the legacy ones, as one.

import Foundation
import SQLite

/// The memories of an agent within one transaction.
struct SQLiteMemories {
  let connection: SQLiteConnection
  let catalog: SQLiteCatalog
  let agent: String
  let time: LegacyTime

  /// The newest row of a key.
  struct Found {
    var rank: SQLiteRank
    var expiresAt: Timestamp?

    func isExpired(at now: Timestamp) -> Bool { expiresAt.map { $0 <= now } ?? false }
  }

  func reader(_ table: SQLiteTable) -> SQLiteRowReader {
    SQLiteRowReader(table: table, agent: agent, time: time)
  }

  // MARK: - One key

  /// Lends every row of a key to the body.
  func forEachRow(
    namespace: String, key: String,
    _ body: (SQLiteRowReader, borrowing SQLiteStatement) throws -> Void
  ) throws {
    if let table = catalog.soleMemories {
      let reader = reader(table)
      return try connection.forEachRow(table.ownKeySQL, [.text(agent), .text(namespace), .text(key)]) { row in
        try body(reader, row)
      }
    }
    for table in catalog.tables(of: .memories) {
      let reader = reader(table)
      let condition = SQLiteKeyCondition(table: table, agent: agent, namespace: namespace, key: key)
      try connection.forEachRow("\(table.selectSQL) WHERE \(condition.sql)", condition.values) { row in
        // The condition may find more than is meant: columns have affinities and collations.
        guard reader.belongsToAgent(row), reader.namespace(row).isExactly(namespace),
          reader.name(.key, row).isExactly(key)
        else { return }
        try body(reader, row)
      }
    }
  }

  /// The newest row of a key, made into something; nil where there is none, or it has expired.
  func current<Value>(
    _ name: MemoryName, _ make: (SQLiteRowReader, borrowing SQLiteStatement) throws -> Value
  ) throws -> Value? {
    var best: (rank: SQLiteRank, expiresAt: Timestamp?, value: Value)?
    try forEachRow(namespace: name.namespace, key: name.key) { reader, row in
      let rank = reader.rank(row)
      if let best, best.rank > rank { return }
      best = (rank, reader.time(.expiresAt, row), try make(reader, row))
    }
    guard let best, best.expiresAt.map({ $0 > .now }) ?? true else { return nil }
    return best.value
  }

  /// The current value of a key.
  func value(_ name: MemoryName) throws -> MemoryValue? {
    // The statement of `SQLiteStore.value` too: so it is compiled for the schema that the catalog knows.
    if catalog.soleMemories != nil, let value = try SQLiteOwnMemories.value(connection, agent: agent, name) {
      return value
    }
    return try current(name) { $0.memoryValue($1) }
  }

  /// The current memory of a key.
  func memory(_ name: MemoryName) throws -> Memory? { try current(name, memory) }

  /// The memory of a row.
  func memory(_ reader: SQLiteRowReader, _ row: borrowing SQLiteStatement) throws -> Memory {
    let createdAt = reader.time(.createdAt, row)
    var memory = Memory(
      namespace: reader.namespace(row), key: reader.name(.key, row), value: reader.memoryValue(row),
      metadata: reader.metadata(row),
      embedding: reader.value(.embedding, row).flatMap(LegacyConversion.embedding),
      createdAt: createdAt?.date, updatedAt: (reader.time(.updatedAt, row) ?? createdAt)?.date,
      expiresAt: reader.time(.expiresAt, row)?.date, version: 0, isImported: false)
    if let place = reader.table.versionPlace, let version = row.value(place + 1).int64 {
      memory.version = version
      memory.timeToLive = reader.table.timeToLivePlace.flatMap { row.value($0 + 1).int64 }
        .map(Duration.microseconds)
      return memory
    }
    memory.version = MemoryDigest.version(value: memory.value.json, metadata: memory.metadata)
    if !reader.table.isOwn,
      let note = try notes.note(MemoryName(namespace: memory.namespace, key: memory.key)),
      note.digest == memory.version
    {
      memory.version = note.version
      memory.timeToLive = note.timeToLive.map(Duration.microseconds)
    }
    return memory
  }

  var notes: SQLiteNotes {
    SQLiteNotes(connection: connection, agent: agent, isThere: catalog.ownVersion >= 2)
  }
  var history: SQLiteHistory {
    SQLiteHistory(connection: connection, agent: agent, isThere: catalog.ownVersion >= 2, time: time)
  }
}

extension SQLiteMemories {
  var mirrors: SQLiteMirrors {
    SQLiteMirrors(connection: connection, catalog: catalog, zone: time.naiveZone)
  }

  /// Has the agent's old code read what our own table holds of a key.
  func reflect(_ name: MemoryName, in table: SQLiteTable) throws {
    guard catalog.hasMirrors(of: .memories) else { return }
    let row = try connection.queryOne(
      "SELECT id FROM \(table.quotedName) WHERE agent_id = ? AND namespace = ? AND key = ?",
      [.text(agent), .text(name.namespace), .text(name.key)])
    if let rowID = row?[0].int64 { try mirrors.reflect(.memories, rowID: rowID) }
  }
}
