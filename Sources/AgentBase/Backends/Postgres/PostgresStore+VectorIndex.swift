// The indexes of vectors in Postgres: making them, and measuring how broad a search by them has to be.

import Postgres

extension PostgresStore {
  /// Makes the index of a new space where that is done at once; else says that it is missing.
  func prepareQuickly(_ space: StoredSpace) async throws {
    let state = try await vectorState()
    let index = VectorIndex(dimensions: space.dimensions, metric: space.metric)
    guard state.hasVectors, index.definition != nil, state.indexes[index.name] == nil else { return }
    // Within a transaction it would wait for that very transaction.
    if transaction == nil {
      let count = try await vectorCount(.all)
      if count.own < 2000, count.all < 20_000, (try? await makeIndex(index)) == true { return }
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
    guard transaction == nil, try await vectorState().hasVectors, try await makeIndex(index) else {
      return false
    }
    let count = try await vectorCount(.all)
    if !count.isExactQuicker(limit: 10) { _ = try await measure(index, rows: max(count.all, count.own)) }
    return true
  }

  /// Makes an index while others go on writing, where it is not there.
  ///
  /// - Returns: whether it is there now.
  private func makeIndex(_ index: VectorIndex) async throws -> Bool {
    guard let definition = index.definition else { return false }
    vectors.remember(nil)
    if try await vectorState().indexes[index.name] != nil { return true }
    do {
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
      // A graph that does not fit into memory is built many times slower.
      let rows = try await vectorCount(.all).all
      let megabytes = min(1024, max(64, rows * (index.dimensions * 4 + 400) / 1_000_000))
      try await pool.withConnection { connection in
        try await connection.execute(
          "SELECT set_config('maintenance_work_mem', \("\(megabytes)MB"), false)")
        do {
          try await connection.execute(PostgresStatement(sql: definition))
        } catch {
          _ = try? await connection.execute("RESET maintenance_work_mem")
          throw error
        }
        try await connection.execute("RESET maintenance_work_mem")
      }
    } catch let error as PostgresError {
      if error.sqlState == .insufficientPrivilege { return false }
      // Of two that make it at once, one fails: by the name, or since each waits for the other.
      guard [.uniqueViolation, "42P07", "40P01"].contains(error.sqlState) else {
        throw AgentBaseError.of(error)
      }
    }
    vectors.remember(nil)
    return try await vectorState().indexes[index.name] != nil
  }

  // MARK: - Measuring

  /// How many candidates a search keeps; nil where the index is not good enough for these vectors.
  func breadth(
    of index: VectorIndex, _ measured: PostgresVectors.Measured?, _ count: PostgresVectors.Count
  ) async throws -> Int? {
    let rows = max(count.all, count.own)
    if let measured, rows <= 2 * measured.rows { return measured.breadth }
    // Of many more, prepareVectorSearch() measures: a search should not take so long.
    guard rows <= 300_000, transaction == nil, vectors.beginMeasuring(index.name) else {
      return measured?.breadth ?? VectorIndex.breadth
    }
    defer { vectors.endMeasuring(index.name) }
    return try await measure(index, rows: rows).breadth
  }

  /// Finds out how many candidates a search has to keep so that it finds 99 of 100 neighbours, and notes it.
  ///
  /// How many it takes depends on the vectors: those of texts have some near neighbours and many far ones, and few
  /// candidates do; where all are about as far from each other, no number may do.
  private func measure(_ index: VectorIndex, rows: Int) async throws -> PostgresVectors.Measured {
    let samples = try await read(VectorSQL.samples(for: index, rows: rows)) { row throws(PostgresError) in
      try row.decode(0, as: [Float].self)
    }.filter { index.metric != .cosine || $0.contains { $0 != 0 } }
    var measured = PostgresVectors.Measured(breadth: VectorIndex.breadth, rows: rows)
    if !samples.isEmpty {
      let nearest = try await distances(samples, VectorSQL.measure(index, breadth: nil))
      measured.breadth = nil
      for breadth in VectorIndex.breadths {
        let found = try await distances(samples, VectorSQL.measure(index, breadth: breadth))
        // The sample is its own first neighbour. Equal distances are equally good.
        let hits = zip(nearest, found).reduce(0) { hits, pair in
          let worst = pair.0.last ?? .infinity
          return hits + max(0, pair.1.count { $0 <= worst } - 1)
        }
        let wanted = nearest.reduce(0) { $0 + max(0, $1.count - 1) }
        if hits * 100 >= wanted * 99 {
          measured.breadth = breadth
          break
        }
      }
    }
    vectors.note(measured, of: index.name)
    // For others, where the user owns the table.
    _ = try? await pool.execute(
      PostgresStatement(sql: "COMMENT ON INDEX \(index.name) IS '\(measured.text)'"))
    return measured
  }

  private func distances(
    _ samples: [[Float]], _ statement: ([Float]) -> PostgresStatement
  ) async throws -> [[Double]] {
    var all: [[Double]] = []
    for sample in samples {
      all += try await read(statement(sample)) { row throws(PostgresError) in
        try row.decode(0, as: [Double].self)
      }
    }
    return all
  }
}
