// `agentbase bench search`: what its user may say.

internal import AgentBase

/// The benchmark of searches by vectors and by words.
struct SearchBenchmark: Benchmark {
  static let word = "search"
  static let help =
    "searches by vectors and by words on Postgres beside pgbench, and on SQLite: their speed, and what they find"
  static let dimensions = Option(
    "dimensions", "D", help: "how many numbers a vector has; 384 unless given",
    read: OptionValues.integer(in: 2...2000))
  static let options = [
    BenchOption.rows.declaration, dimensions.declaration, BenchOption.seconds.declaration,
    BenchOption.postgresURL.declaration,
  ]

  /// Memories that are there.
  private let rows: Int
  private let dimensions: Int
  private let seconds: Duration
  private let target: PostgresTarget?

  init(_ arguments: Arguments) throws {
    rows = try arguments.value(BenchOption.rows) ?? 100_000
    dimensions = try arguments.value(Self.dimensions) ?? 384
    seconds = try arguments.value(BenchOption.seconds) ?? .seconds(3)
    target = try PostgresTarget.optional(arguments, BenchOption.postgresURL)
  }

  func run(on stage: BenchStage) async throws -> BenchReport {
    _ = try stage.begin(Self.word, rows: rows, server: "")
    return try await stage.withServer(target) { server in
      let database = try await server.makeDatabase("search", withSchema: true)
      let bench = try await SearchBench.make(
        data: SearchBenchData(rows: rows, dimensions: dimensions), seconds: seconds, server: server,
        database: database, stage: stage)
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
