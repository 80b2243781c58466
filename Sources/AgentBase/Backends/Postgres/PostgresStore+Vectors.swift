// Searching an agent's memories in Postgres by vectors.

import Postgres

extension PostgresStore {
  private var vectors: PostgresVectors { lease.resource.vectors }

  func hits(_ search: VectorSearch) async throws -> HitPage {
    let state = try await vectorState()
    guard state.hasVectors else {
      throw AgentBaseError(
        .missingExtension, "this server lacks the extension pgvector, which a search by vectors needs",
        advice: """
          Install pgvector (Debian: postgresql-18-pgvector), run CREATE EXTENSION vector in the database, and open the \
          agent again. Embeddings are kept meanwhile.
          """)
    }
    let wanted = search.limit + 1
    let index = VectorIndex(dimensions: search.vector.count, metric: search.metric)
    if state.indexes.contains(index.name), let type = index.type, search.after == nil || type == "vector" {
      let count = try await vectorCount(search.scope)
      if !count.isExactQuicker(limit: wanted) {
        let found = try await nearest(search) { place, limit in
          VectorSQL.nearest(search, by: index, type: type, after: place, limit: limit, agent: self.agent)
        }
        // What the index does not find may be there all the same: fewer than asked for is no answer of an index.
        if found.count == wanted { return HitPage(found, limit: search.limit) }
      }
    }
    let found = try await nearest(search) { place, limit in
      VectorSQL.exact(search, by: index, after: place, limit: limit, agent: self.agent)
    }
    return HitPage(found, limit: search.limit)
  }

  /// The nearest, page by page where the filter leaves some out.
  private func nearest(
    _ search: VectorSearch, _ statement: (HitPlace?, Int) -> PostgresStatement
  ) async throws -> [PlacedHit] {
    let wanted = search.limit + 1
    var best = BestHits(limit: wanted, after: search.after)
    var place = search.after
    var pageSize = search.filter == nil ? wanted : max(wanted, 100)
    while true {
      let rows = try await read(statement(place, pageSize)) { row throws(PostgresError) in
        try Self.hit(row, order: row.decode(PostgresMemoryRow.count, as: Double.self))
      }
      let sorted = rows.sorted()
      for hit in sorted where hit.place.order.isFinite {
        if search.filter?.matches(hit.memory) ?? true { best.take(hit) }
      }
      // Distances that are no numbers come last.
      guard best.hits.count < wanted, rows.count >= pageSize, let last = sorted.last, last.place.order.isFinite
      else { return best.hits }
      place = last.place
      pageSize = min(4 * pageSize, 10_000)
    }
  }

  // MARK: - What there is

  private func vectorState() async throws -> PostgresVectors.State {
    if let state = vectors.state { return state }
    let state = try await read(VectorSQL.state) { row throws(PostgresError) in
      PostgresVectors.State(
        hasVectors: try row.decode(0, as: String?.self) == "vector",
        indexes: Set(try row.decode(1, as: [String].self)))
    }.first ?? PostgresVectors.State(hasVectors: false, indexes: [])
    vectors.remember(state)
    return state
  }

  private func vectorCount(_ scope: MemoryScope) async throws -> PostgresVectors.Count {
    if let count = vectors.count(agent, scope) { return count }
    let limit = PostgresVectors.countLimit + 1
    let count = try await read(VectorSQL.count(in: scope, limit: limit, agent: agent)) {
      row throws(PostgresError) in
      let own: Int = try row.decode(0)
      return PostgresVectors.Count(own: own, all: try row.decode(1), isCut: own >= limit)
    }.first ?? PostgresVectors.Count(own: 0, all: 0, isCut: false)
    vectors.remember(count, agent, scope)
    return count
  }

  // MARK: - Spaces

  func spaces() async throws -> [StoredSpace] {
    try await read(VectorSQL.spaces(agent: agent)) { row throws(PostgresError) in
      let namespace: String? = try row.decode(3)
      let key: String? = try row.decode(4)
      return StoredSpace(
        namespace: try row.decode(0), dimensions: Int(try row.decode(1, as: Int32.self)),
        metric: VectorMetric(rawValue: try row.decode(2)) ?? .cosine,
        change: namespace.flatMap { namespace in key.map { MemoryName(namespace: namespace, key: $0) } })
    }
  }

  func declare(_ spaces: [StoredSpace]) async throws -> [StoredSpace] {
    for space in spaces { try await write(VectorSQL.declare(space, agent: agent)) }
    let stored = try await self.spaces()
    for space in spaces {
      guard let space = stored.first(where: { $0.namespace.isExactly(space.namespace) }) else { continue }
      try await prepareQuickly(space)
    }
    return stored
  }

  func set(_ space: StoredSpace) async throws { try await write(VectorSQL.set(space, agent: agent)) }

  func embeddedMemories(in scope: MemoryScope, after: MemoryName?, limit: Int) async throws -> [Memory] {
    try await read(
      VectorSQL.embedded(in: scope, after: after, limit: limit, agent: agent), PostgresMemoryRow.memory)
  }

  func replace(_ embeddings: [NewEmbedding]) async throws -> Int {
    try await write(VectorSQL.replace(embeddings, agent: agent)).affectedRows
  }

  // MARK: - Indexes

  /// Makes the index of a new space where that is done at once; else says that it is missing.
  private func prepareQuickly(_ space: StoredSpace) async throws {
    let state = try await vectorState()
    let index = VectorIndex(dimensions: space.dimensions, metric: space.metric)
    guard state.hasVectors, index.definition != nil, !state.indexes.contains(index.name) else { return }
    // Within a transaction it would wait for that very transaction.
    if transaction == nil {
      let count = try await vectorCount(.all)
      if count.own < 2000, count.all < 20_000, (try? await prepareIndex(space)) == true { return }
    }
    guard vectors.isFirstMiss(index.name) else { return }
    config.eventHandler?.handle(
      AgentEvent(
        .missingIndex,
        "there is no index for vectors of \(space.dimensions) dimensions (\(space.metric.rawValue)): each is compared, until "
          + "prepareVectorSearch() has made it", agent: agent))
  }

  func prepareIndex(_ space: StoredSpace) async throws -> Bool {
    let index = VectorIndex(dimensions: space.dimensions, metric: space.metric)
    guard transaction == nil, let definition = index.definition, try await vectorState().hasVectors else {
      return false
    }
    vectors.remember(nil)
    if try await vectorState().indexes.contains(index.name) { return true }
    do throws(PostgresError) {
      // What a build that was cut off has left; one that is under way is left alone.
      let broken = try await pool.query(
        """
        SELECT FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
        WHERE indrelid = 'agent_memories'::regclass AND relname = \(index.name) AND NOT indisvalid
          AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index AS building WHERE building.index_relid = indexrelid)
        """)
      if !broken.isEmpty {
        try await pool.execute("DROP INDEX CONCURRENTLY IF EXISTS \(identifier: index.name)")
      }
      try await pool.execute(PostgresStatement(sql: definition))
    } catch {
      // Of two that make it at once, one fails: by the name, or since each waits for the other.
      guard [.insufficientPrivilege, .uniqueViolation, "42P07", "40P01"].contains(error.sqlState) else {
        throw AgentBaseError.of(error)
      }
      if error.sqlState == .insufficientPrivilege { return false }
    }
    vectors.remember(nil)
    return try await vectorState().indexes.contains(index.name)
  }
}
