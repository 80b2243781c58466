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
  func value(_ name: MemoryName) throws -> MemoryValue? { try current(name) { $0.memoryValue($1) } }

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
    SQLiteHistory(connection: connection, agent: agent, isThere: catalog.ownVersion >= 2)
  }

  // MARK: - Many keys

  /// The current memories from `after` on whose keys begin with a prefix, in the order of the keys' bytes.
  func page(namespace: String, prefix: String, limit: Int, after: String?) throws -> MemoryPage {
    var memories: [Memory] = []
    var after = after.map(ExactText.init)
    let now = Timestamp.now
    while true {
      var keys = SmallestKeys(limit: limit + 1)
      for table in catalog.tables(of: .memories) {
        try collect(from: table, namespace: namespace, prefix: prefix, after: after, into: &keys)
      }
      let found = keys.sorted
      for (key, row) in found.prefix(limit) {
        after = key
        guard !row.isExpired(at: now),
          let memory = try memory(MemoryName(namespace: namespace, key: key.text))
        else { continue }
        memories.append(memory)
        if memories.count == limit {
          let isLast = key == found.last?.key
          return MemoryPage(memories: memories, next: isLast ? nil : key.text)
        }
      }
      if found.count <= limit { return MemoryPage(memories: memories, next: nil) }
    }
  }

  /// Adds the keys of a table: from our own in their order, as many as are needed; from a legacy one, all.
  private func collect(
    from table: SQLiteTable, namespace: String, prefix: String, after: ExactText?,
    into keys: inout SmallestKeys
  ) throws {
    let reader = reader(table)
    var sql = table.selectSQL
    var values: [SQLiteValue] = []
    if table.isOwn {
      sql += " WHERE agent_id = ? AND namespace = ?"
      values = [.text(agent), .text(namespace)]
      if catalog.isUTF8 {
        sql += " AND key >= ? AND key > ? ORDER BY key LIMIT \(keys.limit)"
        values += [.text(prefix), .text(after?.text ?? "")]
      }
    }
    var found = keys
    try connection.forEachRow(sql, values) { row in
      guard reader.belongsToAgent(row), reader.namespace(row).isExactly(namespace) else { return }
      let key = ExactText(reader.name(.key, row))
      guard key.text.utf8.starts(with: prefix.utf8), after.map({ $0 < key }) ?? true else { return }
      found.add(key, Found(rank: reader.rank(row), expiresAt: reader.time(.expiresAt, row)))
    }
    keys = found
  }

  /// The smallest keys that were seen, each with its newest row.
  private struct SmallestKeys {
    let limit: Int
    private var rows: [ExactText: Found] = [:]

    init(limit: Int) { self.limit = limit }

    mutating func add(_ key: ExactText, _ row: Found) {
      if let known = rows[key], known.rank > row.rank { return }
      rows[key] = row
      // Keys that cannot be among the smallest any more are dropped now and then, so that memory stays bounded.
      if rows.count > 4 * limit + 1000 {
        rows = Dictionary(uniqueKeysWithValues: sorted.map { ($0.key, $0.row) })
      }
    }

    var sorted: [(key: ExactText, row: Found)] {
      rows.sorted { $0.key < $1.key }.prefix(limit).map { (key: $0.key, row: $0.value) }
    }
  }

  // MARK: - Search

  /// The current memories whose key or value holds a text, the newest first.
  func search(_ text: String, namespace: String?, limit: Int) throws -> [Memory] {
    var matches: [Match] = []
    for table in catalog.tables(of: .memories) {
      let reader = reader(table)
      try connection.forEachRow(
        table.isOwn ? table.selectSQL + " WHERE agent_id = ?" : table.selectSQL,
        table.isOwn ? [.text(agent)] : []
      ) { row in
        guard reader.belongsToAgent(row) else { return }
        let found = reader.namespace(row)
        if let namespace, !namespace.isExactly(found) { return }
        let key = reader.name(.key, row)
        guard
          key.contains(ignoringASCIICase: text)
            || reader.memoryValue(row).text.contains(ignoringASCIICase: text)
        else { return }
        matches.append(Match(namespace: found, key: key, rank: reader.rank(row)))
      }
    }
    matches.sort()
    var memories: [Memory] = []
    for match in matches {
      let current = try current(MemoryName(namespace: match.namespace, key: match.key)) {
        (rank: $0.rank($1), memory: try memory($0, $1))
      }
      // A row that a newer one of its key has replaced is no memory any more.
      guard let current, current.rank == match.rank else { continue }
      memories.append(current.memory)
      if memories.count == limit { break }
    }
    return memories
  }

  /// A row that a search has found: sorted from the newest on, and by namespace and key.
  private struct Match: Comparable {
    let namespace: String
    let key: String
    let rank: SQLiteRank

    static func < (left: Match, right: Match) -> Bool {
      if left.rank.time != right.rank.time {
        guard let rightTime = right.rank.time else { return true }
        return left.rank.time.map { $0 > rightTime } ?? false
      }
      if !left.namespace.isExactly(right.namespace) {
        return ExactText(left.namespace) < ExactText(right.namespace)
      }
      return ExactText(left.key) < ExactText(right.key)
    }

    static func == (left: Match, right: Match) -> Bool { !(left < right) && !(right < left) }
  }
}
