// Random numbers for tests, the same for one seed, so that a failed test can be run again.

import Foundation

/// Random numbers that a seed brings back (SplitMix64).
public struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64
  /// The numbers of a seed.
  public init(seed: UInt64) { state = seed }

  /// The next number.
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// A seed: the one in the environment variable `AGENTBASE_SEED`, else a new one; it is printed.
  public static func seed(for test: String) -> UInt64 {
    let given = ProcessInfo.processInfo.environment["AGENTBASE_SEED"].flatMap(UInt64.init)
    let seed = given ?? UInt64.random(in: 0...UInt64(UInt32.max))
    print("\(test): AGENTBASE_SEED=\(seed)")
    return seed
  }

  /// Whether something of this chance happens.
  public mutating func chance(_ probability: Double) -> Bool {
    Double.random(in: 0..<1, using: &self) < probability
  }

  /// One of several.
  public mutating func one<Element>(of elements: [Element]) -> Element {
    elements[Int.random(in: 0..<elements.count, using: &self)]
  }
}
