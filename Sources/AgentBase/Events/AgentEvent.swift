// What the library has to say besides its answers: for logs, metrics and traces.

public import Foundation

/// Something that happened in the library.
///
/// It holds names, times and SQL with placeholders: never a stored value, a key or a password.
public struct AgentEvent: Sendable {
  /// The kind of an event. Open: more may come.
  public struct Kind: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The name of the kind.
    public let rawValue: String
    /// A kind by its name.
    public init(rawValue: String) { self.rawValue = rawValue }
    /// The name of the kind.
    public var description: String { rawValue }

    /// A verb of an agent, or a call on a `Database`, has ended, well or not; `operation`, `duration` and `failure` tell how.
    public static let call = Kind(rawValue: "call")
    /// A statement took longer than the limit of the configuration; `sql` and `duration` tell which.
    public static let slowQuery = Kind(rawValue: "slowQuery")
    /// A call failed in a way that is safe to retry, and will be run again.
    public static let retry = Kind(rawValue: "retry")
    /// A call has waited for a free connection for longer than a moment (10 ms).
    public static let poolWait = Kind(rawValue: "poolWait")
    /// A connection could not be opened; the pool tries again.
    public static let connection = Kind(rawValue: "connection")
    /// What had expired was removed; `count` tells how much.
    public static let sweep = Kind(rawValue: "sweep")
    /// Tables were created or changed.
    public static let schema = Kind(rawValue: "schema")
    /// A search is slower than it could be, since an index is missing.
    public static let missingIndex = Kind(rawValue: "missingIndex")
    /// Changes cannot be carried to the other side of a cut-over, or are again; or many wait, as `count` tells.
    public static let replication = Kind(rawValue: "replication")
    /// A memory that was read from both sides of a cut-over differed; `count` tells how many have.
    public static let difference = Kind(rawValue: "difference")
    /// Something that is used goes away; said once a process.
    public static let deprecation = Kind(rawValue: "deprecation")
  }

  /// How much an event matters, from the least: the levels of swift-log, by the same names.
  public enum Level: String, Sendable, Hashable, CaseIterable, Comparable {
    case trace, debug, info, notice, warning, error, critical

    /// Whether `left` matters less than `right`.
    public static func < (left: Level, right: Level) -> Bool { left.rank < right.rank }
    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
  }

  /// The kind.
  public let kind: Kind
  /// How much it matters.
  public let level: Level
  /// When it happened; of something that took time, when it ended.
  public let time: Date
  /// The agent's id, where one is concerned.
  public var agent: String?
  /// The database's name, where one is concerned.
  public var database: String?
  /// What was called, such as `storeMemory` or `query`: few different words, fit for a metric's label.
  public var operation: String?
  /// How long it took.
  public var duration: Duration?
  /// What a call failed with; nil where it went well. `cancelled` where its task was.
  public var failure: AgentBaseError.Code?
  /// The SQL text, with placeholders for its values.
  public var sql: String?
  /// How many there were.
  public var count: Int?
  /// The words of an event that are not made of its parts.
  private let text: String?

  /// An event that is told in words.
  public init(_ kind: Kind, _ message: String, level: Level? = nil, agent: String? = nil, count: Int? = nil) {
    self.kind = kind
    self.level = level ?? Self.level(of: kind)
    time = Date()
    self.agent = agent
    self.count = count
    text = message
  }

  /// An event that is told by its parts.
  init(_ kind: Kind, level: Level? = nil) {
    self.kind = kind
    self.level = level ?? Self.level(of: kind)
    time = Date()
    text = nil
  }

  private static func level(of kind: Kind) -> Level {
    switch kind {
    case .call: .debug
    case .slowQuery, .retry, .connection, .deprecation: .warning
    case .poolWait, .schema: .notice
    default: .info
    }
  }
}

// MARK: - Words

extension AgentEvent {
  /// One line for people.
  public var message: String {
    if let text { return text }
    let taken = duration.map(Self.shown) ?? "an unknown time"
    if let sql { return "a statement took \(taken): \(Self.oneLine(sql))" }
    let name = operation ?? kind.rawValue
    return failure.map { "\(name) failed after \(taken): \($0)" } ?? "\(name) took \(taken)"
  }

  /// The parts as texts, for a log's metadata: `agent`, `database`, `operation`, `duration_ms`, `failure`, `sql` and `count`,
  /// those that there are.
  public var metadata: [String: String] {
    var all: [String: String] = [:]
    all["agent"] = agent
    all["database"] = database
    all["operation"] = operation
    all["duration_ms"] = duration.map { "\($0.milliseconds)" }
    all["failure"] = failure?.rawValue
    all["sql"] = sql
    all["count"] = count.map(String.init)
    return all
  }

  private static func shown(_ duration: Duration) -> String {
    let milliseconds = duration.milliseconds
    return milliseconds < 1000
      ? String(format: "%.3g ms", milliseconds) : String(format: "%.3g s", milliseconds / 1000)
  }

  private static func oneLine(_ sql: String) -> String {
    let words = sql.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    return words.count > 200 ? words.prefix(199) + "…" : words
  }
}

extension Duration {
  /// The same time in milliseconds.
  var milliseconds: Double {
    let (seconds, attoseconds) = components
    return Double(seconds) * 1e3 + Double(attoseconds) / 1e15
  }
}
