// What `agentbase bench` can measure: one type a word.

internal import AgentBase

/// Something that `agentbase bench WORD` measures.
///
/// A new one is a type of its own and a line in `Benchmarks.all`.
protocol Benchmark: Sendable {
  /// The word by which a user asks for it; also in its report and in baselines.
  static var word: String { get }
  /// What it measures, in one line of help.
  static var help: String { get }
  /// The options that it knows beside those of all benchmarks; see `BenchOption`.
  static var options: [OptionDeclaration] { get }

  /// Reads its options, before anything is made or measured.
  init(_ arguments: Arguments) throws

  /// Measures. Before anything that takes long it tells the stage how much it has to do (`BenchStage.begin`), so that a
  /// baseline that cannot be compared is told at once.
  func run(on stage: BenchStage) async throws -> BenchReport
}

/// The benchmarks that there are.
enum Benchmarks {
  /// All, in the order of help.
  static let all: [any Benchmark.Type] = [
    ImportBenchmark.self, MemoryBenchmark.self, SQLiteBenchmark.self, SearchBenchmark.self,
    CutoverBenchmark.self,
  ]

  static var words: String { all.map { $0.word }.joined(separator: ", ") }

  /// The options of all, each once.
  static var options: [OptionDeclaration] {
    var seen: Set<String> = []
    return (all.flatMap { $0.options } + BenchOption.common).filter { seen.insert($0.name).inserted }
  }

  /// The benchmark that the operands name, with its options read.
  static func read(_ arguments: Arguments) throws -> any Benchmark {
    guard let word = arguments.operands.first else { throw UsageError("bench needs a word: \(words)") }
    guard let benchmark = all.first(where: { $0.word == word }) else {
      throw UsageError("bench knows no \(Arguments.named(word)): what it measures is \(words)")
    }
    if arguments.operands.count > 1 {
      throw UsageError("bench \(word) takes no \(Arguments.named(arguments.operands[1]))")
    }
    let known = Set((benchmark.options + BenchOption.common).map(\.name))
    if let other = options.first(where: { arguments.has($0) && !known.contains($0.name) }) {
      throw UsageError("bench \(word) knows no \(other.flag)")
    }
    return try benchmark.init(arguments)
  }
}

/// The options that benchmarks share. A benchmark lists those that it takes.
enum BenchOption {
  static let rows = Option(
    "rows", "N", help: "how many rows to measure with; each benchmark has its own default",
    read: OptionValues.integer(in: 1...100_000_000))
  static let seconds = Option(
    "seconds", "S", help: "how long each is measured; 3 unless given", read: OptionValues.seconds)
  static let rounds = Option(
    "rounds", "R", help: "how often each is measured, the median is told; 1 unless given",
    read: OptionValues.integer(in: 1...99))
  static let postgresURL = Option(
    "postgres-url", "URL", help: "a server for scratch databases; a private one unless given")
  static let baseline = Option.path(
    "baseline", "FILE", help: "compare with the document that an earlier run printed with --json")
  static let threshold = Option(
    "threshold", "PERCENT", help: "how much slower than the baseline is too slow; 20 unless given"
  ) { text throws(InvalidValue) in
    guard let number = Double(text), number > 0, number <= 10_000 else {
      throw InvalidValue(expected: "a percentage greater than 0")
    }
    return number
  }

  /// What every benchmark knows.
  static let common = [
    rounds.declaration, baseline.declaration, threshold.declaration, Flag.json.declaration,
    Flag.quiet.declaration,
  ]
}
