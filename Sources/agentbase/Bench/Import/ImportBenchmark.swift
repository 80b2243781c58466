// `agentbase bench import`: what its user may say.

internal import AgentBase

/// The benchmark of imports.
struct ImportBenchmark: Benchmark {
  static let word = "import"
  static let help =
    "imports of a large file beside psql's \\copy, DuckDB and pgloader, where they are installed"
  static let sqlite = Option.path(
    "sqlite", "FILE", help: "import: measure with a copy of this file instead of one that is made")
  static let options = [
    BenchOption.rows.declaration, sqlite.declaration, BenchOption.postgresURL.declaration,
  ]

  /// Rows of each of the three tables of the file that is made.
  private let rows: Int
  private let file: String?
  private let target: PostgresTarget?

  init(_ arguments: Arguments) throws {
    file = try arguments.value(Self.sqlite)
    let rows = try arguments.value(BenchOption.rows)
    if file != nil, rows != nil {
      throw UsageError("--rows and --sqlite contradict each other: give one")
    }
    self.rows = rows ?? 100_000
    target = try PostgresTarget.optional(arguments, BenchOption.postgresURL)
  }

  func run(on stage: BenchStage) async throws -> BenchReport {
    let path = stage.folder + "/source.db"
    let source = try await BlockingWork.run {
      if let file { return try ImportBenchSource.copy(of: file, to: path) }
      return try ImportBenchSource.make(path, rows: rows)
    }
    // Before a server is started.
    _ = try stage.begin(Self.word, rows: source.rows, server: "")
    return try await stage.withServer(target) { server in
      try await ImportBench(source: source, server: server, stage: stage).run()
    }
  }
}
