// What `agentbase bench search` stores and looks for: the same in every run.

internal import AgentBase

/// Memories with words and vectors from a fixed seed.
///
/// Vectors lie around a thousand centres, as those of texts do around their subjects, and those looked for are others around the
/// same centres. Words are common and rare, as in a language.
struct SearchBenchData: Sendable {
  let rows: Int
  let dimensions: Int
  /// What is looked for, in turn.
  static let queries = 20
  /// One of so many memories fulfils the filter.
  static let parts = 100
  private static let centres = 1000
  private static let vocabulary = 5000

  /// A memory by its number from 0.
  func item(_ number: Int) -> MemoryItem {
    var random = FixedRandom(seed: UInt64(number) &* 2 &+ 1)
    var words = ["memory"]
    for _ in 0..<12 { words.append(Self.word(&random)) }
    return MemoryItem(
      String(number), words.joined(separator: " "), metadata: ["part": .integer(number % Self.parts)],
      embedding: vector(&random))
  }

  /// The vector of a query.
  func query(_ number: Int) -> [Float] {
    var random = FixedRandom(seed: UInt64(number) &* 2 &+ 2_000_000_000)
    return vector(&random)
  }

  /// The words of a query: two that a hundredth of the memories or more hold.
  func words(_ number: Int) -> String { "w\(number % 5) w\(5 + number % 7)" }

  private func vector(_ random: inout FixedRandom) -> [Float] {
    var centre = FixedRandom(seed: UInt64(random.number(below: Self.centres)) &+ 4_000_000_000)
    return (0..<dimensions).map { _ in centre.real() + 0.7 * random.real() }
  }

  /// The word of rank n about n times as rare as the first.
  private static func word(_ random: inout FixedRandom) -> String {
    let share = Double(random.number(below: 1 << 20) + 1) / Double(1 << 20)
    var rank = 0
    var most = 1.0
    while most > share, rank < vocabulary - 1 {
      rank = rank * 2 + 1
      most *= 0.85
    }
    return "w\(min(rank + random.number(below: rank + 1), vocabulary - 1))"
  }
}

/// Random numbers from a seed (SplitMix64).
private struct FixedRandom {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  private mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  mutating func number(below limit: Int) -> Int { Int(next() % UInt64(limit)) }

  /// From -1 to 1.
  mutating func real() -> Float { Float(Int64(next() >> 40)) / Float(1 << 23) - 1 }
}
