// Searching in a SQLite file by vectors: each is compared, where it lies.

import SQLite

extension SQLiteMemories {
  /// The current memories with as many dimensions, the nearest first.
  func hits(_ search: VectorSearch) throws -> HitPage {
    var best = BestHits(limit: search.limit + 1, after: search.after)
    for table in catalog.tables(of: .memories) {
      if table.isOwn {
        try addOwn(table, search, to: &best)
      } else if table.table.roles[.embedding] != nil {
        try addLegacy(table, search, to: &best)
      }
    }
    return HitPage(best.hits, limit: search.limit)
  }

  private func addOwn(_ table: SQLiteTable, _ search: VectorSearch, to best: inout BestHits) throws {
    var found = best
    let isAll = search.scope == .all
    try unsafe search.vector.withUnsafeBytes { vector in
      try connection.forEachRow(
        """
        SELECT embedding, id\(isAll ? "" : ", namespace") FROM agentbase_memories
        WHERE agent_id = ? AND embedding IS NOT NULL AND length(embedding) = \(vector.count)
        """, [.text(agent)]
      ) { row in
        let distance = unsafe row.withBytes(0) { unsafe search.metric.distance(vector, $0) }
        guard let distance, found.mayTake(order: distance),
          isAll || search.scope.contains(row.value(2).string ?? "")
        else { return }
        try take(table, rowID: row.integer(1), order: distance, search.filter, into: &found)
      }
    }
    best = found
  }

  private func addLegacy(_ table: SQLiteTable, _ search: VectorSearch, to best: inout BestHits) throws {
    let reader = reader(table)
    var found = best
    try connection.forEachRow(table.selectSQL) { row in
      guard reader.belongsToAgent(row), search.scope.contains(reader.namespace(row)),
        let vector = reader.value(.embedding, row).flatMap(LegacyConversion.embedding),
        let distance = search.metric.distance(search.vector, vector), found.mayTake(order: distance)
      else { return }
      try take(reader, row, order: distance, search.filter, into: &found)
    }
    best = found
  }

  // MARK: - Spaces

  /// The spaces of the agent.
  func spaces() throws -> [StoredSpace] {
    guard isSearchable else { return [] }
    return try connection.query(
      """
      SELECT namespace, dimensions, metric, changed_namespace, changed_key FROM agentbase_spaces
      WHERE agent_id = ? ORDER BY namespace
      """, [.text(agent)]
    ).map { row in
      StoredSpace(
        namespace: row[0].string ?? "", dimensions: Int(row[1].int64 ?? 0),
        metric: row[2].string.flatMap(VectorMetric.init) ?? .cosine,
        change: row[3].string.flatMap { namespace in
          row[4].string.map { MemoryName(namespace: namespace, key: $0) }
        })
    }
  }

  /// Writes a space; one that is there stays as it is, or is replaced.
  func write(_ space: StoredSpace, isReplacing: Bool) throws {
    try connection.execute(
      """
      INSERT OR \(isReplacing ? "REPLACE" : "IGNORE") INTO agentbase_spaces
        (agent_id, namespace, dimensions, metric, changed_namespace, changed_key) VALUES (?, ?, ?, ?, ?, ?)
      """,
      [
        .text(agent), .text(space.namespace), .integer(Int64(space.dimensions)), .text(space.metric.rawValue),
        space.change.map { .text($0.namespace) } ?? .null, space.change.map { .text($0.key) } ?? .null,
      ])
  }

  /// Our own memories with a vector, by their names.
  func embedded(in scope: MemoryScope, after: MemoryName?, limit: Int) throws -> [Memory] {
    guard let table = catalog.ownTable(of: .memories) else { return [] }
    let reader = reader(table)
    var memories: [Memory] = []
    var sql = table.selectSQL + " WHERE agent_id = ? AND embedding IS NOT NULL"
    var values: [SQLiteValue] = [.text(agent)]
    if let after {
      sql += " AND (namespace, key) > (?, ?)"
      values += [.text(after.namespace), .text(after.key)]
    }
    try connection.forEachRow(sql + " ORDER BY namespace, key", values) { row in
      guard memories.count < limit, scope.contains(reader.namespace(row)) else { return }
      memories.append(try memory(reader, row))
    }
    return memories
  }

  /// Replaces the vectors of values that have not been stored again since.
  func replace(_ embeddings: [NewEmbedding]) throws -> Int {
    var count = 0
    for embedding in embeddings {
      let changed = try connection.execute(
        """
        UPDATE agentbase_memories SET embedding = ?1
        WHERE agent_id = ?2 AND namespace = ?3 AND key = ?4 AND coalesce(version, ?5) = ?5
        """,
        [
          embedding.vector.map(SQLiteEmbedding.value) ?? .null, .text(agent), .text(embedding.name.namespace),
          .text(embedding.name.key), .integer(embedding.version),
        ])
      count += changed
      if changed > 0, let table = catalog.ownTable(of: .memories) { try reflect(embedding.name, in: table) }
    }
    return count
  }
}
