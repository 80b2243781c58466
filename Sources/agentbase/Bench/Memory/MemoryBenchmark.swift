// `agentbase bench memory`: what its user may say.

internal import AgentBase

/// The benchmark of an agent's stores and reads on Postgres.
struct MemoryBenchmark: Benchmark {
  static let word = "memory"
  static let help =
    "stores and reads of an agent on Postgres beside pgbench, with the same statements on the same rows"
  static let options = [
    BenchOption.rows.declaration, BenchOption.seconds.declaration, BenchOption.postgresURL.declaration,
  ]

  /// Memories that are there.
  private let rows: Int
  private let seconds: Duration
  private let target: PostgresTarget?

  init(_ arguments: Arguments) throws {
    rows = try arguments.value(BenchOption.rows) ?? 100_000
    seconds = try arguments.value(BenchOption.seconds) ?? .seconds(3)
    target = try PostgresTarget.optional(arguments, BenchOption.postgresURL)
  }

  func run(on stage: BenchStage) async throws -> BenchReport {
    _ = try stage.begin(Self.word, rows: rows, server: "")
    return try await stage.withServer(target) { server in
      let database = try await server.makeDatabase("memory", withSchema: true)
      let bench = try await MemoryBench.make(
        rows: rows, seconds: seconds, server: server, database: database, stage: stage)
      do {
        let report = try await bench.run()
        await bench.close()
        return report
      } catch {
        await bench.close()
        throw error
      }
    }
  }
}
