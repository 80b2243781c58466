// `agentbase bench cutover`: what its user may say.

internal import AgentBase

/// The benchmark of agents in a cut-over.
struct CutoverBenchmark: Benchmark {
  static let word = "cutover"
  static let help =
    "stores of an agent on both databases beside the one that decides alone, and how fast changes are carried"
  static let options = [
    BenchOption.rows.declaration, BenchOption.seconds.declaration, BenchOption.postgresURL.declaration,
  ]

  /// Memories that are there.
  private let rows: Int
  private let seconds: Double
  private let target: PostgresTarget?

  init(_ arguments: Arguments) throws {
    rows = try arguments.value(BenchOption.rows) ?? 10_000
    seconds = (try arguments.value(BenchOption.seconds) ?? .seconds(3)) / .seconds(1)
    target = try PostgresTarget.optional(arguments, BenchOption.postgresURL)
  }

  func run(on stage: BenchStage) async throws -> BenchReport {
    _ = try stage.begin(Self.word, rows: rows, server: "")
    return try await stage.withServer(target) { server in
      try await CutoverBench(rows: rows, seconds: seconds, server: server, stage: stage).run()
    }
  }
}
