// This run against an earlier one, as a pure function: what has become slower, and by how much.

internal import AgentBase

/// Two runs of one benchmark, of which the later one must not be slower.
struct BenchComparison: Sendable {
  /// A result that both runs have.
  struct Change: Sendable, Equatable {
    let name: String
    /// How many times slower it is now; less than 1 where it is faster.
    let factor: Double
  }

  /// Ours, in the order of the present run.
  let changes: [Change]
  /// Whether ratios to references were compared, and not seconds.
  let comparesRatios: Bool
  /// Ours that only the earlier run has.
  let missing: [String]

  /// Compares the medians of what is ours.
  ///
  /// Where both runs have measured what a result is set against, what counts is how it stands to that in its own run, which leaves
  /// out of account that the machine is faster at one time than at another; else the seconds.
  ///
  /// - Throws: where the runs did not measure the same thing.
  init(_ now: BenchReport, before: BenchReport) throws(Failure) {
    guard now.bench == before.bench, now.rows == before.rows else {
      throw Failure(
        "the baseline measured bench \(before.bench) with \(before.rows.counted("row")), this run bench \(now.bench) with \(now.rows.counted("row"))",
        advice: "measure both with the same operand and --rows or --sqlite")
    }
    var changes: [Change] = []
    var comparesRatios = false
    for result in now.results where result.isOurs {
      guard let cost = result.median?.cost, let former = before[result.name],
        let formerCost = former.median?.cost
      else { continue }
      var machine = 1.0
      if let referenceNow = now.reference(of: result)?.cost,
        let referenceBefore = before.reference(of: former)?.cost,
        referenceNow > 0, referenceBefore > 0
      {
        machine = referenceNow / referenceBefore
        comparesRatios = true
      }
      changes.append(Change(name: result.name, factor: cost / formerCost / machine))
    }
    self.changes = changes
    self.comparesRatios = comparesRatios
    missing = before.results.filter { $0.isOurs && $0.median != nil }.map(\.name).filter {
      now[$0]?.median == nil
    }
  }

  /// What is slower by more than so many percent.
  func regressions(threshold percent: Double) -> [Change] {
    changes.filter { $0.factor > 1 + percent / 100 }
  }

  /// One line a change.
  func lines(threshold percent: Double) -> [String] {
    let what = comparesRatios ? "in its ratio to the reference" : "in seconds"
    let changes = changes.map { change in
      let difference = Int(((change.factor - 1) * 100).rounded())
      let words = difference == 0 ? "as fast" : "\(abs(difference)) % \(difference > 0 ? "slower" : "faster")"
      return "  \(change.name): \(words)\(change.factor > 1 + percent / 100 ? ", past the threshold" : "")"
    }
    return ["against the baseline, \(what):"] + changes + missing.map { "  \($0): not measured now" }
  }
}
