// Stores of an agent whose changes are carried to another database, beside the same stores without.

internal import AgentBase
internal import Foundation
internal import Postgres

/// One run of the benchmark. Each contender has a file and a database of its own; they take turns.
struct CutoverBench {
  let rows: Int
  let seconds: Double
  let server: BenchServer
  let stage: BenchStage

  /// An agent that is measured.
  private struct Contender {
    let agent: Agent
    let database: String
  }

  /// What is done to an agent, and what its result is.
  private struct Trial {
    enum Work { case oneCaller, manyCallers, pace }

    let side: String
    let isCarried: Bool
    /// Whether nothing is carried meanwhile: what is left is what the callers pay themselves.
    let isHeldBack: Bool
    let work: Work
    var result: BenchResult
  }

  func run() async throws -> BenchReport {
    var report = try stage.begin(CutoverBenchmark.word, rows: rows, server: server.version)
    var trials = Self.trials
    let agents = [
      "file": (alone: try await agent("file", nil), carried: try await agent("carried", .dualSQLite)),
      "Postgres": (
        alone: try await agent("postgres", .postgresOnly), carried: try await agent("back", .postgresPrimary)
      ),
    ]
    for _ in 0..<stage.rounds {
      for place in trials.indices {
        let trial = trials[place]
        guard let pair = agents[trial.side] else { continue }
        let contender = trial.isCarried ? pair.carried : pair.alone
        let measurement: BenchMeasurement
        switch trial.work {
        case .pace:
          let kept = try await keptUp(contender.agent)
          measurement = kept.measurement
          trials[place].result.figures["lag when the stores ended"] = Double(kept.lag)
        case .oneCaller, .manyCallers:
          measurement = try await whileHeldBack(trial.isHeldBack, contender) {
            try await calls(contender.agent, tasks: trial.work == .oneCaller ? 1 : Self.tasks)
          }
        }
        trials[place].result.measurements.append(measurement)
        stage.tell(trial.result.name, measurement)
        try await untilCarried(contender.agent)
      }
    }
    for pair in agents.values {
      await pair.alone.agent.close()
      await pair.carried.agent.close()
    }
    report.results = trials.map(\.result)
    return report
  }

  private static var trials: [Trial] {
    var trials: [Trial] = []
    for side in ["file", "Postgres"] {
      for (callers, work) in [("one caller", Trial.Work.oneCaller), ("1,000 tasks", .manyCallers)] {
        let reference = "\(side): \(callers)"
        func add(_ name: String, _ about: String, isCarried: Bool, isHeldBack: Bool = false) {
          trials.append(
            Trial(
              side: side, isCarried: isCarried, isHeldBack: isHeldBack, work: work,
              result: BenchResult(
                name: name, about: about, isOurs: isCarried, reference: isCarried ? reference : nil,
                goal: isCarried ? 0.8 : nil)))
        }
        add(reference, "storeMemory, nothing carried", isCarried: false)
        add(
          "ours \(side), carried: \(callers)", "storeMemory, carried to the other side meanwhile",
          isCarried: true)
        add(
          "ours \(side), held back: \(callers)",
          "storeMemory, carried later: what the callers themselves pay for it", isCarried: true,
          isHeldBack: true)
      }
      trials.append(
        Trial(
          side: side, isCarried: true, isHeldBack: false, work: .pace,
          result: BenchResult(
            name: "ours \(side), carried: kept up with",
            about: "changes that came to the other side, while 10,000 a second are stored", isOurs: true)))
    }
    return trials
  }

  // MARK: - Agents

  /// An agent on a new file and a new database, in a phase, with all its memories there.
  private func agent(_ name: String, _ phase: CutoverPhase?) async throws -> Contender {
    let path = stage.folder + "/\(name).db"
    let database = try await server.makeDatabase(name, withSchema: true)
    let url = server.connectionString(to: database)
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
    return Contender(agent: agent, database: database)
  }

  func untilCarried(_ agent: Agent) async throws {
    while let status = try await agent.cutoverStatus(), status.lag > 0 {
      if let failure = status.failure { throw Failure("changes are not carried: \(failure)", advice: nil) }
      try await Task.sleep(for: .milliseconds(10))
    }
  }

  /// Runs the body; with the lock of the agent's changes in other hands, if so wished, so that nothing is carried.
  private func whileHeldBack<Value: Sendable>(
    _ isHeldBack: Bool, _ contender: Contender, _ body: () async throws -> Value
  ) async throws -> Value {
    guard isHeldBack else { return try await body() }
    return try await server.withConnection(to: contender.database) { connection in
      _ = try await connection.query("SELECT pg_advisory_lock(agentbase_cutover_key(\(contender.agent.id)))")
      return try await body()
    }
  }
}
