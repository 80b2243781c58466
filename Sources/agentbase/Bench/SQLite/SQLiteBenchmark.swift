// `agentbase bench sqlite`: what its user may say.

internal import AgentBase

/// The benchmark of agents on SQLite files.
struct SQLiteBenchmark: Benchmark {
  static let word = "sqlite"
  static let help =
    "stores and reads of agents on a SQLite file beside a bare loop over SQLite, and the memory of agents"
  static let options = [BenchOption.rows.declaration, BenchOption.seconds.declaration]

  /// How many memories there are.
  private let rows: Int
  private let seconds: Double

  init(_ arguments: Arguments) throws {
    rows = try arguments.value(BenchOption.rows) ?? 10_000
    seconds = (try arguments.value(BenchOption.seconds) ?? .seconds(3)) / .seconds(1)
  }

  func run(on stage: BenchStage) async throws -> BenchReport {
    try await SQLiteBench(rows: rows, seconds: seconds, stage: stage).run()
  }
}
