// Stores of an agent whose changes are carried to another database, beside the same stores without.

internal import AgentBase
internal import Foundation

/// One run of the benchmark. Each contender has a file and a database of its own; they take turns.
struct CutoverBench {
  let rows: Int
  let seconds: Double
  let server: BenchServer
  let stage: BenchStage

  /// How many tasks call at once, where many do.
  private static let tasks = 1000
  /// How many stores a second the carrier is to keep up with.
  private static let pace = 10_000

  /// An agent that is measured.
  private struct Contender {
    let name: String
    let agent: Agent
  }

  func run() async throws -> BenchReport {
    var report = try stage.begin(CutoverBenchmark.word, rows: rows, server: server.version)
    var results = Self.results
    let contenders = [
      Contender(name: "file", agent: try await agent("file", nil)),
      Contender(name: "file, carried", agent: try await agent("carried", .dualSQLite)),
      Contender(name: "Postgres", agent: try await agent("postgres", .postgresOnly)),
      Contender(name: "Postgres, carried", agent: try await agent("back", .postgresPrimary)),
    ]
    for _ in 0..<stage.rounds {
      for place in results.indices {
        let name = results[place].name
        guard let contender = contenders.last(where: { name.contains($0.name + ":") }) else { continue }
        let measurement: BenchMeasurement
        if name.hasSuffix("kept up with") {
          let kept = try await keptUp(contender.agent)
          measurement = kept.measurement
          results[place].figures["lag when the stores ended"] = Double(kept.lag)
        } else {
          measurement =
            name.hasSuffix("one caller")
            ? try await calls(contender.agent) : try await manyCalls(contender.agent)
        }
        results[place].measurements.append(measurement)
        stage.tell(name, measurement)
        try await untilCarried(contender.agent)
      }
    }
    for contender in contenders { await contender.agent.close() }
    report.results = results
    return report
  }

  private static var results: [BenchResult] {
    var results: [BenchResult] = []
    for side in ["file", "Postgres"] {
      for callers in ["one caller", "1,000 tasks"] {
        results.append(
          BenchResult(name: "\(side): \(callers)", about: "storeMemory, nothing carried", isOurs: false))
        results.append(
          BenchResult(
            name: "ours \(side), carried: \(callers)",
            about: "storeMemory, carried to the other side meanwhile",
            isOurs: true, reference: "\(side): \(callers)", goal: 0.8))
      }
      results.append(
        BenchResult(
          name: "ours \(side), carried: kept up with",
          about: "10,000 stores a second, until the other side has all", isOurs: true))
    }
    return results
  }

  // MARK: - Agents

  /// An agent on a new file and a new database, in a phase, with all its memories there.
  private func agent(_ name: String, _ phase: CutoverPhase?) async throws -> Agent {
    let path = stage.folder + "/\(name).db"
    let url = server.connectionString(to: try await server.makeDatabase(name, withSchema: true))
    var config = AgentConfig(
      name: "bench", memoryBackend: phase == nil ? .sqliteFile(path) : .dual(sqlitePath: path, url: url))
    config.eventHandler = nil
    let agent = try await Agent(config)
    if let phase {
      let cutover = try await Cutover(sqlitePath: path, url: url, agent: agent.id)
      _ = try await cutover.set(.dualSQLite)
      if phase != .dualSQLite { _ = try await cutover.set(phase) }
      await cutover.close()
    }
    for first in stride(from: 0, to: rows, by: 1000) {
      try await agent.storeMemories(
        (first..<min(first + 1000, rows)).map { MemoryItem(BenchRow.key($0, of: rows), BenchRow.value($0)) })
    }
    try await untilCarried(agent)
    return agent
  }

  private func untilCarried(_ agent: Agent) async throws {
    while let status = try await agent.cutoverStatus(), status.lag > 0 {
      if let failure = status.failure { throw Failure("changes are not carried: \(failure)", advice: nil) }
      try await Task.sleep(for: .milliseconds(10))
    }
  }

  // MARK: - Calls

  private func store(_ number: Int, _ agent: Agent) async throws {
    try await agent.storeMemory(BenchRow.key(number, of: rows), BenchRow.value(number))
  }

  /// One caller, for the given time.
  private func calls(_ agent: Agent) async throws -> BenchMeasurement {
    let clock = ContinuousClock()
    let start = clock.now
    var count = 0
    while clock.now < start + .seconds(seconds) {
      try await store(count, agent)
      count += 1
    }
    return BenchMeasurement(seconds: (clock.now - start) / .seconds(1), calls: count)
  }

  /// Many callers at once, for the given time.
  private func manyCalls(_ agent: Agent) async throws -> BenchMeasurement {
    let clock = ContinuousClock()
    let start = clock.now
    let end = start + .seconds(seconds)
    let count = try await withThrowingTaskGroup(of: Int.self) { group in
      for task in 0..<Self.tasks {
        group.addTask {
          var count = 0
          while clock.now < end {
            try await store(task + count * Self.tasks, agent)
            count += 1
          }
          return count
        }
      }
      return try await group.reduce(0, +)
    }
    return BenchMeasurement(seconds: (clock.now - start) / .seconds(1), calls: count)
  }

  /// Stores at a steady pace, in batches, and waits until the other side has all of it.
  private func keptUp(_ agent: Agent) async throws -> (measurement: BenchMeasurement, lag: Int64) {
    let clock = ContinuousClock()
    let start = clock.now
    var count = 0
    while clock.now < start + .seconds(seconds) {
      let first = count
      try await agent.storeMemories(
        (first..<first + 200).map { MemoryItem(BenchRow.key($0, of: rows), BenchRow.value($0)) })
      count += 200
      try await clock.sleep(until: start + .seconds(Double(count) / Double(Self.pace)))
    }
    let lag = try await agent.cutoverStatus()?.lag ?? 0
    try await untilCarried(agent)
    return (BenchMeasurement(seconds: (clock.now - start) / .seconds(1), calls: count), lag)
  }
}
