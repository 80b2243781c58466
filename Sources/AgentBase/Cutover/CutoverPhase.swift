// The phases of a cut-over from a SQLite file to Postgres, and where an agent stands in one.

public import Foundation

/// How far the cut-over of an agent is: which database decides, and which follows it.
public enum CutoverPhase: String, Sendable, Hashable, CaseIterable, Codable {
  /// The SQLite file alone. What changes is not carried.
  case sqliteOnly = "sqlite-only"
  /// The file decides and is read; each change is carried to Postgres.
  case dualSQLite = "dual-sqlite"
  /// The file decides, and each change is carried to Postgres; some of the keys are read from there, and compared with the file.
  case dualPostgres = "dual-postgres"
  /// Postgres alone. Nobody can write to the file any more.
  case postgresOnly = "postgres-only"

  /// Whether changes of the file are carried to Postgres.
  public var isDual: Bool { self == .dualSQLite || self == .dualPostgres }
}

/// Where the cut-over of an agent stands.
public struct CutoverStatus: Sendable, Hashable {
  /// The agent's id.
  public var agent: String
  /// The phase, as the file says.
  public var phase: CutoverPhase
  /// How often the phase has changed.
  public var epoch: Int64
  /// How many of a hundred keys are read from Postgres.
  public var readPercent: Int
  /// How many reads from both sides differed since that was set.
  public var differing: Int64
  /// Changes that are not in Postgres yet.
  public var lag: Int64
  /// When the oldest of them was made, or made again; nil where there is none.
  public var waitingSince: Date?
  /// When changes were carried last; nil where none were.
  public var carriedAt: Date?
  /// Why changes are not carried at the moment, as this process knows; nil where nothing is wrong.
  public var failure: String?

  /// Where a cut-over stands.
  public init(
    agent: String, phase: CutoverPhase, epoch: Int64, readPercent: Int = 0, differing: Int64 = 0, lag: Int64,
    waitingSince: Date? = nil, carriedAt: Date? = nil, failure: String? = nil
  ) {
    self.agent = agent
    self.phase = phase
    self.epoch = epoch
    self.readPercent = readPercent
    self.differing = differing
    self.lag = lag
    self.waitingSince = waitingSince
    self.carriedAt = carriedAt
    self.failure = failure
  }
}

extension AgentBaseError.Code {
  /// The agent's rows have moved to Postgres: the SQLite file takes no more of them.
  public static let moved = AgentBaseError.Code(rawValue: "moved")
  /// So many changes wait to be carried to Postgres that the limit of the configuration is reached: nothing was stored.
  public static let outboxFull = AgentBaseError.Code(rawValue: "outboxFull")
  /// The file and the database do not belong together, or one of them was replaced: see the message.
  public static let cutover = AgentBaseError.Code(rawValue: "cutover")
}
