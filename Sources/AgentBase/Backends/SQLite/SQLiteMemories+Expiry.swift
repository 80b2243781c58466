// Memories that live for a time, in a SQLite file.

import SQLite

extension SQLiteMemories {
  /// Begins the life of a key's current memory anew, where it has a time to live.
  func refresh(_ name: MemoryName) throws {
    guard let row = try rows(name, withMemories: true).first, let location = row.location else { return }
    let now = Timestamp.now
    guard row.expiresAt != nil, !row.isExpired(at: now), let life = row.memory?.timeToLive else { return }
    let expiresAt = Timestamp(microseconds: now.microseconds + life.wholeMicroseconds)
    let value =
      row.table.isOwn
      ? SQLiteValue.text(expiresAt.text)
      : try LegacyMemoryShape(row.table)?.spelled(expiresAt, zone: time.naiveZone, connection)
    guard let value, let column = row.table.column(.expiresAt) else { return }
    try connection.execute(
      "UPDATE \(row.table.quotedName) SET \(column) = ? WHERE \(location.condition)",
      [value] + location.values)
    if row.table.isOwn { try reflect(name, in: row.table) }
  }

  /// Removes keys that have expired with all their rows, and answers which.
  func sweep(batchSize: Int) throws -> [MemoryName] {
    let names = try expiredNames(limit: batchSize)
    for name in names {
      _ = try delete(name, keepingHistory: false)
    }
    return names
  }

  private func expiredNames(limit: Int) throws -> [MemoryName] {
    let now = Timestamp.now
    let tables = catalog.tables(of: .memories)
    if tables.count == 1, let table = tables.first, table.isOwn {
      return try connection.query(
        "SELECT namespace, key FROM \(table.quotedName) WHERE expires_at <= ? AND agent_id = ? LIMIT \(limit)",
        [.text(now.text), .text(agent)]
      ).compactMap { row in
        guard let namespace = row[0].string, let key = row[1].string else { return nil }
        return MemoryName(namespace: namespace, key: key)
      }
    }
    guard tables.contains(where: { $0.column(.expiresAt) != nil }) else { return [] }
    return try newestRows(in: .all).lazy.filter { entry in
      entry.value.expiresAt.map { $0 <= now } ?? false
    }.prefix(limit).map(\.key)
  }
}

extension SQLiteAgentTransaction {
  /// Removes memories that have expired, and answers how many.
  func sweep(batchSize: Int) throws -> Int {
    let names = try memories.sweep(batchSize: batchSize)
    note(names)
    return names.count
  }
}

extension SQLiteAgentFile {
  /// Removes an agent's expired memories until none is left, and answers how many; none where a cut-over keeps it from writing.
  func sweep(
    _ agent: String, _ time: LegacyTime, outboxLimit: Int, batchSize: Int = 500
  ) async throws -> Int {
    var count = 0
    while true {
      let swept: Int
      do {
        swept = try await write(in: nil) {
          try SQLiteAgentTransaction.write($0, $1, agent: agent, time: time, outboxLimit: outboxLimit) {
            try $0.sweep(batchSize: batchSize)
          }
        }
      } catch is CutoverHold {
        return count
      } catch let error as AgentBaseError where error.code == .moved {
        return count
      }
      guard swept > 0 else { return count }
      count += swept
    }
  }
}

extension Duration {
  /// The whole microseconds in it.
  var wholeMicroseconds: Int64 { components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000 }
}
