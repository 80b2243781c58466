// Which steps are to be gone: a pure rule for both databases.

/// Where to go.
public enum MigrationGoal: Sendable, Hashable {
  /// Up to a version, or to the newest. A database that is further already is left as it is.
  case up(to: Int?)
  /// Down to a version; 0 takes every step back.
  case down(to: Int)

  var direction: MigrationDirection {
    switch self {
    case .up: .up
    case .down: .down
    }
  }
}

/// A step to go, and the SQL that goes it.
public struct PlannedMigration: Sendable, Hashable {
  /// The step.
  public let migration: Migration
  /// Which way.
  public let direction: MigrationDirection
  /// What is run.
  public let sql: String
  /// Whether it has begun before, without a transaction, and is run again.
  public let isResumed: Bool
}

/// The rules of what can be done to a schema.
public struct MigrationPlan: Sendable {
  /// The steps that are known, numbered from 1 without a gap.
  public let migrations: [Migration]
  /// Who knows them, as errors name it: `this program`, `the folder migrations`.
  public let origin: String

  /// A plan for steps.
  public init(_ migrations: [Migration], origin: String = "this program") {
    self.migrations = migrations
    self.origin = origin
  }

  /// The steps to go, in order.
  ///
  /// - Throws: `newer`, `missing`, `edited`, `incomplete`, `invalidTarget`, `noWayBack`.
  public func steps(to goal: MigrationGoal, from history: MigrationHistory) throws(MigrationError)
    -> [PlannedMigration]
  {
    switch goal {
    case .up(let target): try up(to: target, from: history)
    case .down(let target): try down(to: target, from: history)
    }
  }

  private func up(to target: Int?, from history: MigrationHistory) throws(MigrationError)
    -> [PlannedMigration]
  {
    try check(history)
    if let target, !(0...migrations.count).contains(target) { throw unknown(target) }
    let unfinished = history.unfinished
    if let unfinished, unfinished.direction == .down {
      throw incomplete(unfinished, advice: "run the way down again, to \(unfinished.version - 1), to end it")
    }
    return migrations.prefix(target ?? migrations.count).dropFirst(history.applied.count).map {
      PlannedMigration(
        migration: $0, direction: .up, sql: $0.up, isResumed: unfinished?.version == $0.version)
    }
  }

  private func down(to target: Int, from history: MigrationHistory) throws(MigrationError)
    -> [PlannedMigration]
  {
    try check(history, allowingNewer: true)
    guard target >= 0, target <= history.version else {
      throw MigrationError(
        .invalidTarget, "version \(target) is not below the database's, which is \(history.version)",
        advice: "down goes to a lower version, 0 for none; up goes to a higher one", version: target)
    }
    var steps: [PlannedMigration] = []
    let unfinished = history.unfinished
    if let unfinished, unfinished.direction == .up {
      // What of it is there is taken back first.
      let known = migrations.first { $0.version == unfinished.version }
      guard let known, let down = known.down else {
        throw incomplete(unfinished, advice: "end it with the way up, or give it a .down.sql")
      }
      steps.append(PlannedMigration(migration: known, direction: .down, sql: down, isResumed: true))
    }
    for applied in history.applied.reversed() where applied.version > target {
      let known = migrations.first { $0.version == applied.version }
      guard let down = known?.down ?? applied.downText else {
        throw MigrationError(
          .noWayBack, "step \(applied.version) (\(applied.name)) has no SQL that takes it back",
          advice: known == nil
            ? "use the program or the folder that made it"
            : "add its .down.sql, or restore the backup that was made before it", version: applied.version)
      }
      let migration =
        known ?? Migration(version: applied.version, name: applied.name, up: applied.text, down: down)
      steps.append(
        PlannedMigration(
          migration: migration, direction: .down, sql: down,
          isResumed: unfinished?.direction == .down && unfinished?.version == applied.version))
    }
    return steps
  }

  // MARK: - What must hold

  /// Whether the database's steps are those that are known here, as far as it has them.
  ///
  /// - Throws: `newer`, `missing`, `edited`.
  public func check(_ history: MigrationHistory, allowingNewer: Bool = false) throws(MigrationError) {
    let known = migrations.count
    if history.version > known, !allowingNewer {
      throw MigrationError(
        .newer, "the database has version \(history.version) of the tables, and \(origin) knows \(known)",
        advice: "Use the newer one, or go back first: agentbase schema down --to \(known)",
        version: history.version)
    }
    for (place, step) in history.applied.enumerated() {
      guard step.version == place + 1 else {
        throw MigrationError(
          .missing, "step \(place + 1) of the tables is missing, though step \(step.version) is there",
          advice: "Restore the database, or see what is there: agentbase schema status", version: place + 1)
      }
      guard place >= known || Self.isSame(step, migrations[place]) else {
        throw MigrationError(
          .edited,
          "step \(step.version) (\(step.name)) of the tables was made by another text than that of \(origin)",
          advice:
            "Undo the edit and write a new step, or use what made it; both are told apart by: agentbase schema status",
          version: step.version)
      }
    }
  }

  /// Whether a step was made by the text that is known, byte for byte.
  static func isSame(_ applied: AppliedMigration, _ known: Migration) -> Bool {
    applied.text.utf8.elementsEqual(known.up.utf8)
  }

  private func unknown(_ target: Int) -> MigrationError {
    MigrationError(
      .invalidTarget, "there is no version \(target): \(origin) knows \(migrations.count)",
      advice: "give a version from 0 to \(migrations.count)", version: target)
  }

  private func incomplete(_ step: UnfinishedMigration, advice: String) -> MigrationError {
    let way = step.direction == .up ? "was begun" : "was begun to be taken back"
    return MigrationError(
      .incomplete,
      "step \(step.version) (\(step.name)) \(way) at \(step.startedAt), and is half done"
        + (step.failure.map { ": \($0)" } ?? ""), advice: advice, version: step.version)
  }
}
