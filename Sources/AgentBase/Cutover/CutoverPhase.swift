// The phases of a cut-over between a SQLite file and Postgres, and where an agent stands in one.

public import Foundation

/// One of the two databases of a cut-over.
public enum CutoverSide: String, Sendable, Hashable, Codable {
  /// The SQLite file.
  case sqlite
  /// Postgres.
  case postgres
}

/// How far the cut-over of an agent is: which database decides, and which follows it.
public enum CutoverPhase: String, Sendable, Hashable, CaseIterable, Codable {
  /// The SQLite file alone. What changes is not carried.
  case sqliteOnly = "sqlite-only"
  /// The file decides and is read; each change is carried to Postgres.
  case dualSQLite = "dual-sqlite"
  /// The file decides, and each change is carried to Postgres; some of the keys are read from there, and compared with the file.
  case dualPostgres = "dual-postgres"
  /// Postgres decides and is read; each change is carried to the file.
  case postgresPrimary = "postgres-primary"
  /// Postgres alone. Nobody can write to the file any more, and nothing is carried to it.
  case postgresOnly = "postgres-only"

  /// Whether changes of the file are carried to Postgres.
  public var isDual: Bool { self == .dualSQLite || self == .dualPostgres }

  /// Which database takes writes.
  public var decider: CutoverSide {
    switch self {
    case .sqliteOnly, .dualSQLite, .dualPostgres: .sqlite
    case .postgresPrimary, .postgresOnly: .postgres
    }
  }

  /// The database that changes are carried to; nil where none are.
  public var follower: CutoverSide? {
    switch self {
    case .dualSQLite, .dualPostgres: .postgres
    case .postgresPrimary: .sqlite
    case .sqliteOnly, .postgresOnly: nil
    }
  }
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
  /// Changes that the side which follows has not got yet; with Postgres as primary, as many as were counted.
  public var lag: Int64
  /// When the oldest of them was made, or made again; nil where there is none.
  public var waitingSince: Date?
  /// When changes were carried last; nil where none were.
  public var carriedAt: Date?
  /// Why changes are not carried at the moment, as this process knows; nil where nothing is wrong.
  public var failure: String?
  /// How many changes were set aside, since the side that follows has refused them.
  public var setAside = 0

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
  /// The other database decides for the agent: this one takes no writes of it.
  public static let moved = AgentBaseError.Code(rawValue: "moved")
  /// So many changes wait to be carried to Postgres that the limit of the configuration is reached: nothing was stored.
  public static let outboxFull = AgentBaseError.Code(rawValue: "outboxFull")
  /// A change is refused by the side that follows: see the message.
  public static let refused = AgentBaseError.Code(rawValue: "refused")
  /// The file and the database do not belong together, or one of them was replaced: see the message.
  public static let cutover = AgentBaseError.Code(rawValue: "cutover")
}
