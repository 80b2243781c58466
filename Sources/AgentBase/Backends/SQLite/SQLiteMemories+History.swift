// Earlier values and namespaces of memories in a SQLite file.

import SQLite

extension SQLiteMemories {
  // MARK: - History

  /// The earlier values of a key: our own row that a legacy one has replaced, the kept ones, and older legacy rows.
  func history(_ query: MemoryHistoryQuery) throws -> [FoundVersion] {
    let rows = try rows(query.name, withMemories: true)
    if let newest = rows.first, newest.isExpired(at: .now) { return [] }
    let earlier = rows.dropFirst()
    var found: [FoundVersion] = []
    if query.after == nil {
      for row in earlier where row.table.isOwn {
        guard let memory = row.memory else { continue }
        let version = MemoryVersion(memory, replacedAt: rows.first?.rank.time)
        // Behind it comes whatever has been kept.
        found.append(FoundVersion(version: version, place: .kept(.max)))
      }
    }
    var replacedAt: Int64?
    switch query.after {
    case .legacy(_, let storedAt): replacedAt = storedAt
    case .kept(let number): found += try history.versions(query.name, before: number, limit: query.limit)
    case nil:
      found += try history.versions(query.name, before: .max, limit: query.limit)
      replacedAt = rows.first?.rank.time?.microseconds
    }
    if let last = found.last { replacedAt = last.version.storedAt.flatMap(Timestamp.init)?.microseconds }
    let after = try query.after.flatMap { try SQLiteRank($0) }
    for row in earlier where !row.table.isOwn && found.count < query.limit {
      guard let memory = row.memory, memory.version < 0, after.map({ row.rank < $0 }) ?? true else {
        continue
      }
      let version = MemoryVersion(memory, replacedAt: replacedAt.map(Timestamp.init(microseconds:)))
      replacedAt = row.rank.time?.microseconds
      found.append(
        FoundVersion(
          version: version,
          place: .legacy([String(row.rank.rowID), row.rank.table.text], storedAt: replacedAt)))
    }
    return Array(found.prefix(query.limit))
  }

  // MARK: - Namespaces

  /// The namespaces of the current memories, each with how many.
  func namespaces(_ query: MemoryNamespaceQuery) throws -> [MemoryNamespace] {
    var counts: [ExactText: Int] = [:]
    for (namespace, count) in try memoryCounts(query.scope) {
      counts[ExactText(query.rolledUp(namespace)), default: 0] += count
    }
    let after = query.after.map(ExactText.init)
    return counts.filter { entry in after.map { $0 < entry.key } ?? true }
      .sorted { $0.key < $1.key }.prefix(query.limit)
      .map { MemoryNamespace(name: $0.key.text, count: $0.value) }
  }

  /// How many current memories each namespace has: our own table counts them itself, where it is alone.
  private func memoryCounts(_ scope: MemoryScope) throws -> [(String, Int)] {
    let tables = catalog.tables(of: .memories)
    let now = Timestamp.now
    if tables.count == 1, let table = tables.first, table.isOwn {
      return try connection.query(
        """
        SELECT namespace, count(*) FROM \(table.quotedName)
        WHERE agent_id = ? AND (expires_at IS NULL OR expires_at > ?) GROUP BY namespace
        """, [.text(agent), .text(now.text)]
      ).compactMap { row in
        guard let namespace = row[0].string, scope.contains(namespace) else { return nil }
        return (namespace, Int(row[1].int64 ?? 0))
      }
    }
    return try newestRows(in: scope).filter { !($0.value.expiresAt.map { $0 <= now } ?? false) }
      .map { ($0.key.namespace, 1) }
  }

  /// The newest row of every name.
  func newestRows(
    in scope: MemoryScope
  ) throws -> [MemoryName: (rank: SQLiteRank, expiresAt: Timestamp?)] {
    var newest: [MemoryName: (rank: SQLiteRank, expiresAt: Timestamp?)] = [:]
    for table in catalog.tables(of: .memories) {
      let reader = reader(table)
      try connection.forEachRow(
        table.isOwn ? table.selectSQL + " WHERE agent_id = ?" : table.selectSQL,
        table.isOwn ? [.text(agent)] : []
      ) { row in
        guard reader.belongsToAgent(row) else { return }
        let name = MemoryName(namespace: reader.namespace(row), key: reader.name(.key, row))
        guard scope.contains(name.namespace) else { return }
        let rank = reader.rank(row)
        if let known = newest[name], known.rank > rank { return }
        newest[name] = (rank, reader.time(.expiresAt, row))
      }
    }
    return newest
  }
}

extension MemoryVersion {
  /// What a memory was.
  init(_ memory: Memory, replacedAt: Timestamp?) {
    self.init(
      version: memory.version, value: memory.value, metadata: memory.metadata, embedding: memory.embedding,
      storedAt: memory.updatedAt, replacedAt: replacedAt?.date, isImported: memory.isImported)
  }
}

extension SQLiteRank {
  /// The rank of the row that a history stands behind; nil where it stands before all of them.
  fileprivate init?(_ place: HistoryPlace) throws(AgentBaseError) {
    guard case .legacy(let fields, let storedAt) = place else { return nil }
    guard fields.count == 2, let rowID = Int64(fields[0]) else { throw MemoryCursor.isForeign }
    self.init(
      time: storedAt.map(Timestamp.init(microseconds:)), rowID: rowID, table: ExactText(fields[1]))
  }
}
