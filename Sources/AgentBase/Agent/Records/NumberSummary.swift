// What many numbers come to: the same doubles on every backend.

/// What some numbers come to.
///
/// The sum is taken from the least to the greatest, so that it does not depend on the order in which they were stored; the
/// percentiles lie between the two nearest numbers in proportion (`percentile_cont` of SQL).
public struct NumberSummary: Sendable, Hashable {
  /// How many they are; at least one.
  public var count: Int
  /// The least.
  public var minimum: Double
  /// The greatest.
  public var maximum: Double
  /// All together.
  public var sum: Double
  /// The sum, divided by the count.
  public var mean: Double { sum / Double(count) }
  /// The percentiles that were asked for, by their place from 0 to 1: `percentiles[0.95]`.
  public var percentiles: [Double: Double]
}

extension NumberSummary {
  /// What Postgres has computed.
  init(
    count: Int, minimum: Double, maximum: Double, sum: Double, places: [Double], percentiles: [Double]
  ) {
    self.init(
      count: count, minimum: minimum.withoutSignOfZero, maximum: maximum.withoutSignOfZero,
      sum: sum.withoutSignOfZero,
      percentiles: Dictionary(
        zip(places, percentiles.map(\.withoutSignOfZero)), uniquingKeysWith: { first, _ in first }))
  }

  /// Computes it as Postgres does; nil of no numbers.
  ///
  /// - Throws: `AgentBaseError` of the code `invalidValue` where the sum of finite numbers is not finite.
  init?(_ numbers: [Double], places: [Double]) throws(AgentBaseError) {
    let sorted = numbers.sorted()
    guard let first = sorted.first, let last = sorted.last else { return nil }
    var sum = first
    for number in sorted.dropFirst() {
      let next = sum + number
      guard !next.isInfinite || sum.isInfinite || number.isInfinite else { throw Self.overflow }
      sum = next
    }
    self.init(
      count: sorted.count, minimum: first, maximum: last, sum: sum, places: places,
      percentiles: places.map { Self.percentile($0, of: sorted) })
  }

  /// The error of a sum that no double holds.
  static var overflow: AgentBaseError {
    AgentBaseError(
      .invalidValue, "the sum of the numbers is greater than a double can be",
      advice: "Ask for shorter spans, or record the numbers in a larger unit.")
  }

  private static func percentile(_ place: Double, of sorted: [Double]) -> Double {
    let exact = place * Double(sorted.count - 1)
    let (low, high) = (Int(exact.rounded(.down)), Int(exact.rounded(.up)))
    guard low != high else { return sorted[low] }
    return sorted[low] + (exact - Double(low)) * (sorted[high] - sorted[low])
  }

  /// Checks the percentiles that are asked for.
  static func check(_ places: [Double]) throws(AgentBaseError) {
    guard let wrong = places.first(where: { !(0...1).contains($0) }) else { return }
    throw AgentBaseError(
      .invalidValue, "the percentile \(wrong) is not from 0 to 1", advice: "The 95th is 0.95.")
  }
}

extension Double {
  /// Zero without its sign: which of two zeros is the least is chance.
  fileprivate var withoutSignOfZero: Double { self == 0 ? 0 : self }
}
