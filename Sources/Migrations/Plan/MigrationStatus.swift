// Where a database stands beside its steps.

/// Where a database stands.
public struct MigrationStatus: Sendable, Hashable {
  /// What is known of a step.
  public enum State: String, Sendable, Hashable {
    /// The database has it.
    case applied
    /// The database lacks it.
    case pending
    /// The database has it, and its text has been changed since.
    case edited
    /// The database has it, and it is not known here.
    case unknown
    /// It has no transaction, was begun, and has not ended.
    case unfinished
  }

  /// A step.
  public struct Step: Sendable, Hashable {
    /// Its number.
    public let version: Int
    /// Its name.
    public let name: String
    /// What is known of it.
    public let state: State
    /// What the database remembers of it; nil where it lacks it.
    public let applied: AppliedMigration?
    /// How to go on, where it is half done.
    public let note: String?
  }

  /// The version of the database: the number of its newest step.
  public let version: Int
  /// The newest version that is known here.
  public let newest: Int
  /// All steps, by number.
  public let steps: [Step]

  /// How many steps the database lacks.
  public var pendingCount: Int { steps.count { $0.state == .pending || $0.state == .unfinished } }

  /// Puts the steps beside what the database remembers.
  public init(_ migrations: [Migration], _ history: MigrationHistory) {
    version = history.version
    newest = migrations.count
    let applied = Dictionary(history.applied.map { ($0.version, $0) }, uniquingKeysWith: { $1 })
    let versions = Set(migrations.map(\.version)).union(applied.keys)
    steps = versions.sorted().map { version in
      let known = migrations.first { $0.version == version }
      let here = applied[version]
      let unfinished = history.unfinished.flatMap { $0.version == version ? $0 : nil }
      let state: State =
        if unfinished != nil {
          .unfinished
        } else if let here {
          known.map { MigrationPlan.isSame(here, $0) ? .applied : .edited } ?? .unknown
        } else {
          .pending
        }
      return Step(
        version: version, name: known?.name ?? here?.name ?? "", state: state, applied: here,
        note: unfinished.map(Self.note))
    }
  }

  private static func note(_ step: UnfinishedMigration) -> String {
    let begun = "begun \(step.startedAt)" + (step.failure.map { ", failed: \($0)" } ?? "")
    return switch step.direction {
    case .up:
      "\(begun); schema up runs it again from its first statement, schema down --to \(step.version - 1) takes it back"
    case .down: "\(begun) to be taken back; schema down --to \(step.version - 1) goes on with it"
    }
  }
}
