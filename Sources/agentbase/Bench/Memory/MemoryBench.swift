// `agentbase bench memory`: an agent's reads and stores, and pgbench with the same statements, in turn in one run.

internal import AgentBase
internal import Foundation
internal import Postgres

/// What one caller keeps about a user.
struct BenchPreferences: Codable, Sendable {
  var theme: String
  var language: String
  var visits: Int
  var tags: [String]

  static let example = BenchPreferences(theme: "dark", language: "en", visits: 17, tags: ["new", "beta"])
  static let json: JSON = ["theme": "dark", "language": "en", "visits": 17, "tags": ["new", "beta"]]
}

/// The measurements of one run.
struct MemoryBench: Sendable {
  /// The connections of the pool, and of pgbench where it has many.
  static let connections = 8
  static let tasks = 1000
  static let agentName = "bench"

  let rows: Int
  let seconds: Duration
  let server: BenchServer
  let database: String
  let stage: BenchStage
  let agent: Agent
  /// The driver alone, for what the library adds to it.
  private let pool: PostgresPool

  /// Fills a database that has the schema.
  static func make(
    rows: Int, seconds: Duration, server: BenchServer, database: String, stage: BenchStage
  ) async throws -> MemoryBench {
    let url = server.connectionString(to: database)
    var config = AgentConfig(name: agentName, memoryBackend: .postgres(url: url))
    config.maximumConnections = connections
    let agent = try await Agent(config)
    for first in stride(from: 1, through: rows, by: 1000) {
      try await agent.storeMemories(
        (first...min(first + 999, rows)).map { MemoryItem(String($0), BenchPreferences.example) })
    }
    try await server.withConnection(to: database) { connection in
      try await connection.executeScript("VACUUM ANALYZE agent_memories")
    }
    let pool = PostgresPool(
      try PostgresConfiguration(url), configuration: PostgresPoolConfiguration(maximumSize: connections))
    return MemoryBench(
      rows: rows, seconds: seconds, server: server, database: database, stage: stage, agent: agent, pool: pool
    )
  }

  func close() async {
    await agent.close()
    await pool.close()
  }

  // MARK: - Running

  func run() async throws -> BenchReport {
    var report = try stage.begin(MemoryBenchmark.word, rows: rows, server: server.version)
    report.results = MemoryContender.allCases.map {
      BenchResult(
        name: $0.name, about: $0.about, isOurs: $0.isOurs, reference: $0.reference?.name, goal: $0.goal)
    }
    for _ in 0..<stage.rounds {
      for (place, contender) in MemoryContender.allCases.enumerated() {
        try Task.checkCancellation()
        await server.checkpoint()
        let measurement = try await measure(contender)
        report.results[place].measurements.append(measurement)
        stage.tell(contender.name, measurement)
      }
    }
    addFigures(to: &report)
    return report
  }

  private func addFigures(to report: inout BenchReport) {
    guard let place = report.results.firstIndex(where: { $0.name == MemoryContender.read.name }),
      let ours = report.results[place].median?.cost,
      let driver = report[MemoryContender.driverRead.name]?.median?.cost
    else { return }
    report.results[place].figures["microseconds_above_the_driver"] = (ours - driver) * 1e6
  }

  private func measure(_ contender: MemoryContender) async throws -> BenchMeasurement {
    switch contender {
    case .rawRead: try await pgbench(Self.readText, clients: 1)
    case .rawReads: try await pgbench(Self.readText, clients: Self.connections)
    case .rawStore: try await pgbench(Self.storeText, clients: 1)
    case .rawStores: try await pgbench(Self.storeText, clients: Self.connections)
    case .driverRead: try await calls(tasks: 1, driverRead)
    case .read: try await calls(tasks: 1, read)
    case .store: try await calls(tasks: 1, store)
    case .reads: try await calls(tasks: Self.tasks, read)
    case .stores: try await calls(tasks: Self.tasks, store)
    case .rawBatches: try await copyBatches()
    case .batches: try await storeBatches()
    }
  }

  // MARK: - Ours

  private func read(_ key: String) async throws {
    guard try await agent.retrieveMemory(key, as: BenchPreferences.self) != nil else {
      throw Failure("a memory of the benchmark is gone", advice: nil)
    }
  }

  private func store(_ key: String) async throws {
    try await agent.storeMemory(key, BenchPreferences.example)
  }

  private func driverRead(_ key: String) async throws {
    let statement = PostgresStatement(
      sql: Self.readText.sql,
      values: Self.readText.parameters.map { .text($0 == Self.keyMark ? key : $0 ?? "") })
    guard try await !pool.query(statement).isEmpty else {
      throw Failure("a memory of the benchmark is gone", advice: nil)
    }
  }

  /// Calls with random keys, by so many tasks, for the time of a measurement.
  private func calls(
    tasks: Int, _ call: @escaping @Sendable (String) async throws -> Void
  ) async throws -> BenchMeasurement {
    let rows = rows
    // Connections, statements and memory are there before the clock runs.
    _ = try await Self.run(tasks: tasks, for: min(seconds / 4, .milliseconds(500)), rows: rows, call)
    return try await Self.run(tasks: tasks, for: seconds, rows: rows, call)
  }

  private static func run(
    tasks: Int, for seconds: Duration, rows: Int, _ call: @escaping @Sendable (String) async throws -> Void
  ) async throws -> BenchMeasurement {
    let start = ContinuousClock.now
    let calls = try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<tasks {
        group.addTask {
          var generator = BenchRandom()
          var calls = 0
          while ContinuousClock.now < start + seconds {
            try await call(String(generator.number(upTo: rows)))
            calls += 1
          }
          return calls
        }
      }
      return try await group.reduce(0, +)
    }
    return BenchMeasurement(seconds: (ContinuousClock.now - start) / .seconds(1), calls: calls)
  }

  // MARK: - pgbench

  /// What stands in a statement where pgbench puts its random key.
  private static let keyMark = "benchmarkskey"
  private static let readText = MemoryStatementText.value(agent: agentName, key: keyMark)
  private static let storeText = MemoryStatementText.store(
    agent: agentName, key: keyMark, value: BenchPreferences.json)

  private func pgbench(_ statement: MemoryStatementText, clients: Int) async throws -> BenchMeasurement {
    try await PgbenchRun(
      program: server.pgbench, environment: server.environment.merging(["PGDATABASE": database]) { $1 },
      folder: stage.folder, clients: clients, seconds: seconds
    ).measure(statement, keyMark: Self.keyMark, rows: rows)
  }
}

/// Random numbers that cost little beside a call (xorshift).
private struct BenchRandom {
  private var state = UInt64.random(in: 1...UInt64.max)

  /// From 1 to a limit.
  mutating func number(upTo limit: Int) -> Int {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return Int(state % UInt64(limit)) + 1
  }
}
