// Searching an agent's memories in Postgres by vectors.

import Postgres

extension PostgresStore {
  var vectors: PostgresVectors { lease.resource.vectors }

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
    if let measured = state.indexes[index.name], let type = index.type,
      search.after == nil || type == "vector"
    {
      let count = try await vectorCount(search.scope)
      if !count.isExactQuicker(limit: wanted), let breadth = try await breadth(of: index, measured, count) {
        let found = try await nearest(search) { place, limit in
          VectorSQL.nearest(
            search, by: index, type: type, breadth: breadth, after: place, limit: limit, agent: self.agent)
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
    var pageSize = wanted
    while true {
      let rows = try await read(statement(place, pageSize)) { row throws(PostgresError) in
        try Self.hit(row, order: row.decode(PostgresMemoryRow.count, as: Double.self))
      }
      let sorted = rows.sorted()
      for hit in sorted where hit.place.order.isFinite {
        if search.filter?.matches(hit.memory) ?? true { best.take(hit) }
      }
      // Distances that are no numbers come last.
      guard best.hits.count < wanted, rows.count >= pageSize, let last = sorted.last,
        last.place.order.isFinite
      else { return best.hits }
      place = last.place
      pageSize = min(4 * pageSize, 10_000)
    }
  }

  // MARK: - What there is

  func vectorState() async throws -> PostgresVectors.State {
    if let state = vectors.state { return state }
    let state =
      try await read(VectorSQL.state) { row throws(PostgresError) in
        PostgresVectors.State(
          hasVectors: try row.decode(0, as: String?.self) == "vector",
          indexes: Dictionary(
            try row.decode(1, as: [String].self).map { line in
              let parts = line.split(separator: " ", maxSplits: 1)
              return (
                String(parts[0]), parts.count > 1 ? PostgresVectors.Measured(text: String(parts[1])) : nil
              )
            }
          ) { first, _ in first })
      }.first ?? PostgresVectors.State(hasVectors: false, indexes: [:])
    vectors.remember(state)
    return state
  }

  func vectorCount(_ scope: MemoryScope) async throws -> PostgresVectors.Count {
    if let count = vectors.count(agent, scope) { return count }
    let limit = PostgresVectors.countLimit + 1
    let count =
      try await read(VectorSQL.count(in: scope, limit: limit, agent: agent)) {
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
      try StoredSpace(row)
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
}

extension StoredSpace {
  /// The space of a row of `VectorSQL.spaces`.
  init(_ row: PostgresRow) throws(PostgresError) {
    let namespace: String? = try row.decode(3)
    let key: String? = try row.decode(4)
    self.init(
      namespace: try row.decode(0), dimensions: Int(try row.decode(1, as: Int32.self)),
      metric: VectorMetric(rawValue: try row.decode(2)) ?? .cosine,
      change: namespace.flatMap { namespace in key.map { MemoryName(namespace: namespace, key: $0) } })
  }
}
