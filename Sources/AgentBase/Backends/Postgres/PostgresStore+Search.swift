// Searching an agent's memories in Postgres by words.

import Postgres

extension PostgresStore {
  func hits(_ search: WordSearch) async throws -> HitPage {
    var best = BestHits(limit: search.limit + 1, after: search.after)
    var place = search.after
    var areImported = false
    var areUnread = false
    let pageSize = search.limit + 1
    while true {
      let rows = try await read(SearchSQL.words(search, after: place, limit: pageSize, agent: agent)) {
        row throws(PostgresError) in
        (
          hit: try row.decode(1, as: String?.self) == nil
            ? nil : Self.hit(row, order: Double(row.decode(PostgresMemoryRow.count, as: Float.self))),
          areImported: try row.decode(PostgresMemoryRow.count + 1, as: Bool.self),
          areUnread: try row.decode(PostgresMemoryRow.count + 2, as: Bool.self)
        )
      }
      for row in rows {
        (areImported, areUnread) = (areImported || row.areImported, areUnread || row.areUnread)
        guard let hit = row.hit else { continue }
        place = hit.place
        if search.filter?.matches(hit.memory) ?? true { best.take(hit) }
      }
      if rows.count < pageSize || best.hits.count > search.limit { break }
    }
    if areImported { try await addUnread(search, isImported: true, to: &best) }
    if areUnread { try await addUnread(search, isImported: false, to: &best) }
    return HitPage(best.hits, limit: search.limit)
  }

  /// Adds what fulfils the query among the rows that have no words in the index. Stored ones are given theirs on the way, so that
  /// the next search need not read them.
  private func addUnread(_ search: WordSearch, isImported: Bool, to best: inout BestHits) async throws {
    let pageSize = 500
    var after: MemoryName?
    while true {
      let rows = try await read(
        SearchSQL.unread(search, isImported: isImported, after: after, limit: pageSize, agent: agent)
      ) { row throws(PostgresError) in
        (
          memory: try PostgresMemoryRow.memory(row),
          id: try row.decode(PostgresMemoryRow.count, as: PostgresUUID.self)
        )
      }
      var words: [(id: PostgresUUID, words: MemoryWords)] = []
      for (memory, id) in rows {
        let found = MemoryWords(memory)
        if !isImported { words.append((id, found)) }
        guard search.query.matches(found), search.filter?.matches(memory) ?? true else { continue }
        best.take(PlacedHit(place: HitPlace(order: -Double(search.rank.rank(found)), memory), memory: memory))
      }
      // A search does not fail since its user may only read; within a transaction, that would end it.
      if !words.isEmpty, transaction == nil { _ = try? await write(SearchSQL.read(words, agent: agent)) }
      guard rows.count == pageSize, let last = rows.last else { return }
      after = MemoryName(of: last.memory)
    }
  }

  /// A row of a memory as a hit.
  static func hit(_ row: PostgresRow, order: Double) throws(PostgresError) -> PlacedHit {
    let memory = try PostgresMemoryRow.memory(row)
    var place = HitPlace(order: order == 0 ? 0 : order, memory)
    if case .timestamptz(let time) = try row.value(6) { place.time = time }
    return PlacedHit(place: place, memory: memory)
  }
}
