// Searching in a SQLite file by words: our own rows by their index, legacy ones one by one.

import SQLite

extension SQLiteMemories {
  /// Whether our own tables have what searches need.
  var isSearchable: Bool { catalog.ownVersion >= 4 }

  /// The current memories that fulfil a query by words, the best first, and whether some of our own have no words yet.
  func hits(_ search: WordSearch) throws -> (page: HitPage, areUnread: Bool) {
    var best = BestHits(limit: search.limit + 1, after: search.after)
    if isSearchable, let own = catalog.ownTable(of: .memories) { try addIndexed(own, search, to: &best) }
    var areUnread = false
    for table in catalog.tables(of: .memories) {
      let hasUnread = try addUnread(table, search, to: &best)
      if table.isOwn { areUnread = hasUnread && isSearchable }
    }
    return (HitPage(best.hits, limit: search.limit), areUnread)
  }

  private func addIndexed(_ table: SQLiteTable, _ search: WordSearch, to best: inout BestHits) throws {
    // The closure cannot write through an inout of its own function.
    var found = best
    // The newest first, as far as the rows' order tells: of many equal hits the first are taken, and the others left.
    try connection.forEachRow(
      """
      SELECT own.words, own.id, own.namespace, own.key, own.updated_at FROM agentbase_words
      JOIN agentbase_memories AS own ON own.id = agentbase_words.rowid
      WHERE agentbase_words MATCH ?1 AND own.agent_id = ?2 ORDER BY agentbase_words.rowid DESC
      """, [.text(search.query.matchText), .text(agent)]
    ) { row in
      let order = unsafe row.withBytes(0) { unsafe -Double(search.rank.rank(words: $0)) }
      guard found.mayTake(order: order) else { return }
      let place = HitPlace(
        order: order, time: time.microseconds(of: row.value(4)), namespace: row.value(2).string ?? "",
        key: row.value(3).string ?? "")
      guard found.takes(place), search.scope.contains(place.namespace) else { return }
      try take(table, rowID: row.integer(1), order: order, search.filter, into: &found)
    }
    best = found
  }

  /// Adds what fulfils the query among the rows that stand in no index.
  ///
  /// - Returns: whether there are such rows.
  private func addUnread(_ table: SQLiteTable, _ search: WordSearch, to best: inout BestHits) throws -> Bool {
    let reader = reader(table)
    var found = best
    var areThere = false
    try connection.forEachRow(
      table.selectSQL
        + (table.isOwn ? " WHERE agent_id = ?" + (isSearchable ? " AND words IS NULL" : "") : ""),
      table.isOwn ? [.text(agent)] : []
    ) { row in
      guard reader.belongsToAgent(row), search.scope.contains(reader.namespace(row)) else { return }
      areThere = true
      let words = MemoryWords(key: reader.name(.key, row), valueText: reader.memoryValue(row).json.jsonbText)
      guard search.query.matches(words) else { return }
      try take(reader, row, order: -Double(search.rank.rank(words)), search.filter, into: &found)
    }
    best = found
    return areThere
  }

  // MARK: - Taking

  /// Takes one of our own rows, if it is among the best, current, and fulfils the filter.
  func take(
    _ table: SQLiteTable, rowID: Int64, order: Double, _ filter: MemoryFilter?, into best: inout BestHits
  ) throws {
    let reader = reader(table)
    var found = best
    try connection.forEachRow(table.selectSQL + " WHERE id = ?", [.integer(rowID)]) { row in
      try take(reader, row, order: order, filter, into: &found)
    }
    best = found
  }

  /// Takes a row, if it is among the best, current, and fulfils the filter.
  func take(
    _ reader: SQLiteRowReader, _ row: borrowing SQLiteStatement, order: Double, _ filter: MemoryFilter?,
    into best: inout BestHits
  ) throws {
    let rank = reader.rank(row)
    let name = MemoryName(namespace: reader.namespace(row), key: reader.name(.key, row))
    let place = HitPlace(
      order: order == 0 ? 0 : order, time: rank.time?.microseconds, namespace: name.namespace, key: name.key)
    guard best.takes(place) else { return }
    // A row that a newer one of its key has replaced is no memory any more.
    guard let current = try current(name, { (rank: $0.rank($1), memory: try memory($0, $1)) }),
      current.rank == rank, filter?.matches(current.memory) ?? true
    else { return }
    best.take(PlacedHit(place: place, memory: current.memory))
  }

  // MARK: - Words

  /// Puts words to some of our own rows that have none.
  ///
  /// - Returns: whether there may be more.
  func readWords(limit: Int = 1000) throws -> Bool {
    guard isSearchable else { return false }
    let rows = try connection.query(
      "SELECT id, key, content FROM agentbase_memories WHERE agent_id = ? AND words IS NULL LIMIT \(limit)",
      [.text(agent)])
    for row in rows {
      let words = MemoryWords(key: row[1].string ?? "", valueText: row[2].string ?? "")
      try connection.execute(
        "UPDATE agentbase_memories SET words = ? WHERE id = ?", [.text(words.text), row[0]])
    }
    return rows.count == limit
  }
}
