// A check before or after a step, and what it says when it does not hold.

/// A query of a check.
struct MigrationCheck {
  /// When it is asked.
  enum Place: String {
    case before, after
  }

  let step: Migration
  let place: Place
  let line: Int

  /// The error of a check that does not hold, or cannot be asked.
  func failure(_ reason: String?, underlying: (any Error)? = nil) -> MigrationError {
    MigrationError(
      .checkFailed,
      "step \(step.label): the check \(place.rawValue) it (line \(line)) "
        + (reason.map { underlying == nil ? "failed: \($0)" : $0 } ?? "does not hold"),
      advice: place == .before
        ? "nothing was changed: see what the query of \(fileName) finds"
        : "the step is undone: see \(fileName)",
      version: step.version, line: line, underlying: underlying)
  }

  private var fileName: String { "\(step.name).check-\(place.rawValue).sql" }
}

extension PlannedMigration {
  /// The step as it was gone.
  func run(_ milliseconds: Double, batchRows: Int) -> MigrationRun {
    MigrationRun(
      version: migration.version, name: migration.name, direction: direction,
      durationMilliseconds: milliseconds,
      batchRows: batchRows)
  }

  /// How a step without a transaction is ended that has failed half way.
  var goingOn: String {
    switch direction {
    case .up:
      "it is half done: agentbase schema up runs it again from its first statement, agentbase schema down --to \(migration.version - 1) takes it back"
    case .down: "it is half taken back: agentbase schema down --to \(migration.version - 1) goes on"
    }
  }
}

extension Duration {
  /// The duration in milliseconds.
  var milliseconds: Double {
    let (seconds, attoseconds) = components
    return Double(seconds) * 1e3 + Double(attoseconds) / 1e15
  }
}
