// Stores and reads of an agent on a SQLite file, beside a bare loop over SQLite with the same statements and data.

internal import AgentBase
internal import Foundation

/// One run of the benchmark. Ours and the bare loop take turns, in one process, each on a file of its own.
struct SQLiteBench {
  let rows: Int
  let seconds: Double
  let stage: BenchStage

  /// How many tasks call at once, where many do.
  private static let tasks = 1000

  func run() async throws -> BenchReport {
    var report = try stage.begin(
      SQLiteBenchmark.word, rows: rows, server: "SQLite \(RawSQLite.libraryVersion)")
    // First: what is freed later would be used again, and hide what an agent takes.
    let memory = try await SQLiteMemoryBench(stage: stage).run()
    let raw = try RawSQLite(path: stage.folder + "/raw.db")
    let agent = try await self.agent("agent", file: "ours.db")
    try await fill(raw, agent)
    var results = Self.contenders
    for _ in 0..<stage.rounds {
      for place in results.indices {
        let measurement = try await measure(results[place].name, raw, agent)
        results[place].measurements.append(measurement)
        stage.tell(results[place].name, measurement)
      }
    }
    await agent.close()
    report.results = results + memory
    return report
  }

  private static var contenders: [BenchResult] {
    func result(_ name: String, _ about: String, against reference: String? = nil, goal: Double? = nil)
      -> BenchResult
    {
      BenchResult(name: name, about: about, isOurs: name.hasPrefix("ours"), reference: reference, goal: goal)
    }
    return [
      result("raw store", "the statements of a store, in a transaction that waits for the disk"),
      result("ours store", "storeMemory, one caller", against: "raw store", goal: 0.9),
      result("raw read", "one statement, by key"),
      result("ours read", "retrieveMemory, one caller", against: "raw read", goal: 0.8),
      result(
        "ours stores of 1,000 tasks", "storeMemory, each waits for the disk", against: "ours store", goal: 20),
      result("raw stores, 1,000 a commit", "the most that the statements allow", against: "raw store"),
      result("ours reads of 1,000 tasks", "retrieveMemory", against: "ours read"),
    ]
  }

  private func measure(_ name: String, _ raw: RawSQLite, _ agent: Agent) async throws -> BenchMeasurement {
    switch name {
    case "raw store": return try await BlockingWork.run { try raw.stores(for: seconds, keys: rows) }
    case "raw read": return try await BlockingWork.run { try raw.reads(for: seconds, keys: rows) }
    case "raw stores, 1,000 a commit":
      return try await BlockingWork.run { try raw.stores(for: seconds, keys: rows, each: Self.tasks) }
    case "ours store": return try await calls { try await store($0, agent) }
    case "ours read": return try await calls { try await read($0, agent) }
    case "ours reads of 1,000 tasks": return try await manyCalls { try await read($0, agent) }
    default: return try await manyCalls { try await store($0, agent) }
    }
  }

  // MARK: - Calls

  private func store(_ number: Int, _ agent: Agent) async throws {
    try await agent.storeMemory(BenchRow.key(number, of: rows), BenchRow.value(number))
  }

  private func read(_ number: Int, _ agent: Agent) async throws {
    guard try await agent.retrieveMemory(BenchRow.key(number, of: rows), as: String.self) != nil else {
      throw Failure("a memory that was stored is not there", advice: nil)
    }
  }

  /// One caller, for the given time.
  private func calls(_ call: (Int) async throws -> Void) async throws -> BenchMeasurement {
    let clock = ContinuousClock()
    let start = clock.now
    let end = start + .seconds(seconds)
    var count = 0
    while clock.now < end {
      for _ in 0..<16 {
        try await call(count)
        count += 1
      }
    }
    return BenchMeasurement(seconds: (clock.now - start) / .seconds(1), calls: count)
  }

  /// Many callers at once, for the given time.
  private func manyCalls(_ call: @escaping @Sendable (Int) async throws -> Void) async throws
    -> BenchMeasurement
  {
    let clock = ContinuousClock()
    let start = clock.now
    let end = start + .seconds(seconds)
    let count = try await withThrowingTaskGroup(of: Int.self) { group in
      for task in 0..<Self.tasks {
        group.addTask {
          var count = 0
          while clock.now < end {
            try await call(task + count * Self.tasks)
            count += 1
          }
          return count
        }
      }
      return try await group.reduce(0, +)
    }
    return BenchMeasurement(seconds: (clock.now - start) / .seconds(1), calls: count)
  }

  // MARK: - Files

  /// Stores each key once on both sides, so that what is measured replaces, and files and logs have their size.
  private func fill(_ raw: RawSQLite, _ agent: Agent) async throws {
    try await BlockingWork.run {
      for first in stride(from: 0, to: rows, by: 1000) {
        try raw.store(first..<min(first + 1000, rows), keys: rows)
      }
    }
    for first in stride(from: 0, to: rows, by: 1000) {
      try await agent.transaction { transaction in
        for number in first..<min(first + 1000, rows) {
          try await transaction.storeMemory(BenchRow.key(number, of: rows), BenchRow.value(number))
        }
      }
    }
  }

  private func agent(_ name: String, file: String) async throws -> Agent {
    try await SQLiteMemoryBench.agent(name, path: "\(stage.folder)/\(file)")
  }
}

/// What both sides store and read.
enum BenchRow {
  /// The key of a number; the numbers go through the keys in no order.
  static func key(_ number: Int, of count: Int) -> String { "key-\((number &* 7919) % count)" }

  /// The value of a number, of about a hundred characters.
  static func value(_ number: Int) -> String {
    "note \(number): the user prefers the dark theme, answers in English, and short mails on Monday mornings only"
  }
}
