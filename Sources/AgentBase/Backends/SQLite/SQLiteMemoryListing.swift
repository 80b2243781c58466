// Listing and searching memories in a SQLite file: our own table in the order of its names, legacy tables as a whole.

import SQLite

extension SQLiteMemories {
  /// How many names a look for a condition goes through at once: most of them may not fulfil it.
  private static let filteredNames = 2000

  /// The current memories of a query, by namespace and key in the order of their bytes.
  func list(_ query: MemoryListQuery) throws -> [Memory] {
    var memories: [Memory] = []
    var query = query
    let limit = query.limit
    if query.filter != nil { query.limit = max(limit, Self.filteredNames) }
    let now = Timestamp.now
    while true {
      var names = SmallestNames(limit: query.limit)
      for table in catalog.tables(of: .memories) { try collect(from: table, query, into: &names) }
      let found = names.sorted
      for (name, row) in found where row.matches && !(row.expiresAt.map { $0 <= now } ?? false) {
        guard let memory = try memory(name) else { continue }
        memories.append(memory)
        if memories.count == limit { return memories }
      }
      guard found.count == query.limit else { return memories }
      query.after = found.last?.name
    }
  }

  /// The newest row of a name, as far as it has been seen.
  private struct NewestRow {
    var rank: SQLiteRank
    var expiresAt: Timestamp?
    /// Whether it fulfils the query's condition.
    var matches: Bool
  }

  /// Adds the names of a table: from our own in their order, as many as are needed; from a legacy one, all.
  private func collect(
    from table: SQLiteTable, _ query: MemoryListQuery, into names: inout SmallestNames
  ) throws {
    let reader = reader(table)
    var found = names
    for (sql, values) in selections(table, query) {
      try connection.forEachRow(sql, values) { row in
        guard reader.belongsToAgent(row) else { return }
        let name = MemoryName(namespace: reader.namespace(row), key: reader.name(.key, row))
        guard query.scope.contains(name.namespace), name.key.utf8.starts(with: query.prefix.utf8),
          query.after.map({ $0 < name }) ?? true
        else { return }
        let rank = reader.rank(row)
        guard found.isNewest(rank, of: name) else { return }
        let matches =
          query.filter?.matches(value: reader.memoryValue(row).json, metadata: reader.metadata(row)) ?? true
        found.add(name, NewestRow(rank: rank, expiresAt: reader.time(.expiresAt, row), matches: matches))
      }
    }
    names = found
  }

  /// The statements that read what a query may need of a table.
  private func selections(_ table: SQLiteTable, _ query: MemoryListQuery) -> [(String, [SQLiteValue])] {
    guard table.isOwn else { return [(table.selectSQL, [])] }
    guard catalog.isUTF8 else { return [(table.selectSQL + " WHERE agent_id = ?", [.text(agent)])] }
    return query.scope.ranges.map { range in
      var sql = table.selectSQL + " WHERE agent_id = ?"
      var values = [SQLiteValue.text(agent)]
      switch range {
      case .all: break
      case .one(let name):
        sql += " AND namespace = ?"
        values.append(.text(name))
      case .from(let first, let end):
        sql += " AND namespace >= ? AND namespace < ?"
        values += [.text(first), .text(end)]
      }
      if let after = query.after {
        sql += " AND (namespace, key) > (?, ?)"
        values += [.text(after.namespace), .text(after.key)]
      }
      if !query.prefix.isEmpty {
        sql += " AND key >= ?"
        values.append(.text(query.prefix))
        if let end = query.prefix.behindPrefix {
          sql += " AND key < ?"
          values.append(.text(end))
        }
      }
      return (sql + " ORDER BY namespace, key LIMIT \(query.limit)", values)
    }
  }

  /// The smallest names that were seen, each with its newest row.
  private struct SmallestNames {
    let limit: Int
    private var rows: [MemoryName: NewestRow] = [:]

    init(limit: Int) { self.limit = limit }

    /// Whether no newer row of the name has been seen.
    func isNewest(_ rank: SQLiteRank, of name: MemoryName) -> Bool {
      rows[name].map { $0.rank <= rank } ?? true
    }

    mutating func add(_ name: MemoryName, _ row: NewestRow) {
      rows[name] = row
      // Names that cannot be among the smallest any more are dropped now and then, so that memory stays bounded.
      if rows.count > 4 * limit + 1000 {
        rows = Dictionary(uniqueKeysWithValues: sorted.map { ($0.name, $0.row) })
      }
    }

    var sorted: [(name: MemoryName, row: NewestRow)] {
      rows.sorted { $0.key < $1.key }.prefix(limit).map { (name: $0.key, row: $0.value) }
    }
  }

  // MARK: - Searching

  /// The current memories whose key or value holds a text, the newest first.
  func search(_ query: MemorySearchQuery) throws -> [FoundMemory] {
    var matches: [(place: SearchPlace, rank: SQLiteRank)] = []
    for table in catalog.tables(of: .memories) {
      let reader = reader(table)
      try connection.forEachRow(
        table.isOwn ? table.selectSQL + " WHERE agent_id = ?" : table.selectSQL,
        table.isOwn ? [.text(agent)] : []
      ) { row in
        guard reader.belongsToAgent(row) else { return }
        let namespace = reader.namespace(row)
        guard query.scope.contains(namespace) else { return }
        let rank = reader.rank(row)
        let name = MemoryName(namespace: namespace, key: reader.name(.key, row))
        let place = SearchPlace(time: rank.time?.microseconds, name: name)
        if let after = query.after, !(after < place) { return }
        let value = reader.memoryValue(row)
        guard
          name.key.contains(ignoringASCIICase: query.text)
            || value.text.contains(ignoringASCIICase: query.text),
          query.filter?.matches(value: value.json, metadata: reader.metadata(row)) ?? true
        else { return }
        matches.append((place, rank))
      }
    }
    matches.sort { $0.place < $1.place }
    var found: [FoundMemory] = []
    for match in matches {
      let current = try current(match.place.name) { (rank: $0.rank($1), memory: try memory($0, $1)) }
      // A row that a newer one of its key has replaced is no memory any more.
      guard let current, current.rank == match.rank else { continue }
      found.append(FoundMemory(memory: current.memory, time: match.place.time))
      if found.count == query.limit { break }
    }
    return found
  }
}
