// `agentbase bench search`: an agent's searches, and pgbench with plain queries for the same, in turn in one run.

internal import AgentBase
internal import Foundation
internal import Postgres

/// The measurements of one run.
struct SearchBench: Sendable {
  static let agentName = "bench"
  static let limit = 10

  let data: SearchBenchData
  let seconds: Duration
  let server: BenchServer
  let database: String
  let stage: BenchStage
  private let agent: Agent
  private let file: Agent
  /// The keys of the ten nearest of each query, of all and of a hundredth part, as each vector was compared.
  private let nearest: [Bool: [Set<String>]]
  private let buildSeconds: Double
  /// How many candidates the library's searches keep, as it was measured: the plain queries keep as many.
  private let breadth: Int

  /// Fills a database that has the schema, makes its index, and fills a SQLite file.
  static func make(
    data: SearchBenchData, seconds: Duration, server: BenchServer, database: String, stage: BenchStage
  ) async throws -> SearchBench {
    let url = server.connectionString(to: database)
    // Without a space, so that the index is made behind the rows, as for any large load.
    let loader = try await Agent(AgentConfig(name: agentName, memoryBackend: .postgres(url: url)))
    try await load(data, into: loader)
    await loader.close()
    try await server.withConnection(to: database) {
      try await $0.executeScript("VACUUM ANALYZE agent_memories")
    }
    let nearest = try await nearest(data, server, database)

    var config = AgentConfig(name: agentName, memoryBackend: .postgres(url: url))
    config.embedding = EmbeddingSpace(dimensions: data.dimensions)
    config.eventHandler = nil
    let agent = try await Agent(config)
    let start = ContinuousClock.now
    guard try await agent.prepareVectorSearch() else {
      throw Failure("the index of vectors was not made", advice: "the server needs pgvector")
    }
    let buildSeconds = (ContinuousClock.now - start) / .seconds(1)
    let breadth = try await server.withConnection(to: database) { connection in
      try await connection.queryOne(
        """
        SELECT max(substring(obj_description(indexrelid, 'pg_class') FROM 'breadth ([0-9]+)')::integer) FROM pg_index
        WHERE indrelid = 'agent_memories'::regclass
        """)?.decode(0, as: Int32?.self)
    }
    var fileConfig = AgentConfig(name: agentName, memoryBackend: .sqliteFile(stage.folder + "/search.db"))
    fileConfig.eventHandler = nil
    let file = try await Agent(fileConfig)
    try await load(data, into: file)
    return SearchBench(
      data: data, seconds: seconds, server: server, database: database, stage: stage, agent: agent,
      file: file,
      nearest: nearest, buildSeconds: buildSeconds,
      breadth: breadth.map { $0 > 0 ? Int($0) : VectorIndexText.breadth } ?? VectorIndexText.breadth)
  }

  private static func load(_ data: SearchBenchData, into agent: Agent) async throws {
    for start in stride(from: 0, to: data.rows, by: 500) {
      try await agent.storeMemories((start..<min(start + 500, data.rows)).map(data.item))
    }
  }

  private static func nearest(
    _ data: SearchBenchData, _ server: BenchServer, _ database: String
  ) async throws -> [Bool: [Set<String>]] {
    try await server.withConnection(to: database) { connection in
      var nearest: [Bool: [Set<String>]] = [:]
      for isFiltered in [false, true] {
        for number in 0..<SearchBenchData.queries {
          let filter: PostgresStatement = isFiltered ? "AND metadata -> 'part' = '7'" : ""
          let rows = try await connection.query(
            """
            SELECT key FROM agent_memories WHERE agent_id = \(agentName) \(filter)
            ORDER BY embedding <=> \(data.query(number))::real[]::vector LIMIT \(limit)
            """)
          nearest[isFiltered, default: []].append(Set(try rows.map { try $0.decode(0, as: String.self) }))
        }
      }
      return nearest
    }
  }

  func close() async {
    await agent.close()
    await file.close()
  }

  // MARK: - Running

  func run() async throws -> BenchReport {
    var report = try stage.begin(SearchBenchmark.word, rows: data.rows, server: server.version)
    report.results = SearchContender.allCases.map {
      BenchResult(
        name: $0.name, about: $0.about, isOurs: $0.isOurs, reference: $0.reference?.name, goal: $0.goal)
    }
    for _ in 0..<stage.rounds {
      for (place, contender) in SearchContender.allCases.enumerated() {
        try Task.checkCancellation()
        let measurement = try await measure(contender)
        report.results[place].measurements.append(measurement)
        stage.tell(contender.name, measurement)
      }
    }
    for place in report.results.indices {
      switch SearchContender.allCases[place] {
      case .near:
        report.results[place].figures = try await found(isFiltered: false)
        report.results[place].figures["index_seconds"] = buildSeconds
        report.results[place].figures["breadth"] = Double(breadth)
      case .filtered: report.results[place].figures = try await found(isFiltered: true)
      default: break
      }
    }
    return report
  }

  /// How much of the nearest the searches find, and the fewest that one of them has found.
  private func found(isFiltered: Bool) async throws -> [String: Double] {
    var shared = 0
    var wanted = 0
    var fewest = Self.limit
    for (number, nearest) in (nearest[isFiltered] ?? []).enumerated() {
      let keys = try await near(number, isFiltered: isFiltered)
      fewest = min(fewest, keys.count)
      shared += nearest.intersection(keys).count
      wanted += nearest.count
    }
    return ["recall_at_10": Double(shared) / Double(max(wanted, 1)), "fewest_found": Double(fewest)]
  }

  private func near(_ number: Int, isFiltered: Bool) async throws -> [String] {
    try await agent.searchMemories(
      near: data.query(number), where: isFiltered ? .metadata("part") == 7 : nil, limit: Self.limit
    ).hits.map(\.memory.key)
  }

  private func measure(_ contender: SearchContender) async throws -> BenchMeasurement {
    let queries = (0..<SearchBenchData.queries).map(data.query)
    switch contender {
    case .rawNear: return try await pgbench(queries.map { nearSQL($0, filter: "") }, isNear: true)
    case .rawFiltered:
      return try await pgbench(
        queries.map { nearSQL($0, filter: "AND metadata -> 'part' = '7'") }, isNear: true)
    case .rawWords: return try await pgbench((0..<SearchBenchData.queries).map { wordsSQL(data.words($0)) })
    case .near:
      return try await calls { _ = try await agent.searchMemories(near: queries[$0], limit: Self.limit) }
    case .filtered:
      return try await calls {
        _ = try await agent.searchMemories(
          near: queries[$0], where: .metadata("part") == 7, limit: Self.limit)
      }
    case .words:
      return try await calls {
        _ = try await agent.searchMemories(matching: data.words($0), limit: Self.limit)
      }
    case .hybrid:
      return try await calls {
        _ = try await agent.searchMemories(hybrid: data.words($0), near: queries[$0], limit: Self.limit)
      }
    case .sqliteNear:
      return try await calls { _ = try await file.searchMemories(near: queries[$0], limit: Self.limit) }
    case .sqliteWords:
      return try await calls {
        _ = try await file.searchMemories(matching: data.words($0), limit: Self.limit)
      }
    }
  }

  /// One caller's calls, each with the next query, for the time of a measurement.
  private func calls(_ call: (Int) async throws -> Void) async throws -> BenchMeasurement {
    // Connections, statements and memory are there before the clock runs.
    for number in 0..<SearchBenchData.queries { try await call(number) }
    let start = ContinuousClock.now
    var calls = 0
    while ContinuousClock.now < start + seconds {
      try await call(calls % SearchBenchData.queries)
      calls += 1
    }
    return BenchMeasurement(seconds: (ContinuousClock.now - start) / .seconds(1), calls: calls)
  }

  // MARK: - pgbench

  private static let columns =
    "namespace, key, content, metadata, embedding, created_at, updated_at, expires_at"

  private func nearSQL(_ vector: [Float], filter: String) -> String {
    let (size, text) = (data.dimensions, vector.map(\.description).joined(separator: ","))
    return """
      SELECT \(Self.columns), embedding <=> '[\(text)]' AS distance FROM agent_memories \
      WHERE agent_id = '\(Self.agentName)' AND vector_dims(embedding) = \(size) \(filter) \
      ORDER BY embedding::vector(\(size)) <=> '[\(text)]' LIMIT \(Self.limit)
      """
  }

  private func wordsSQL(_ words: String) -> String {
    let list = words.split(separator: " ").map { "''\($0)''" }
    return """
      SELECT \(Self.columns), ts_rank(words, '\(list.joined(separator: "|"))'::tsquery, 1) AS rank FROM agent_memories \
      WHERE agent_id = '\(Self.agentName)' AND source_id IS NULL AND words @@ '\(list.joined(separator: "&"))'::tsquery \
      ORDER BY rank DESC LIMIT \(Self.limit)
      """
  }

  private func pgbench(_ statements: [String], isNear: Bool = false) async throws -> BenchMeasurement {
    // The plan by the index, which the planner may find dear for few rows.
    let settings =
      "-c hnsw.ef_search=\(breadth) -c hnsw.iterative_scan=strict_order"
      + (isNear ? " -c enable_sort=off -c enable_seqscan=off -c enable_bitmapscan=off" : "")
    let run = PgbenchRun(
      program: server.pgbench,
      environment: server.environment.merging(["PGDATABASE": database, "PGOPTIONS": settings]) { $1 },
      folder: stage.folder, clients: 1, seconds: seconds)
    // As our own calls: what they read is in memory before the clock runs.
    _ = try await run.measure(statements)
    return try await run.measure(statements)
  }
}
