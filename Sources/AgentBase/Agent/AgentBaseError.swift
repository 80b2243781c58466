// The one error of the library: what failed, for which agent and key, and what to do.

/// What an agent could not do.
///
/// `description` is one or two lines for people: what failed, for which agent, key or variable, and what to do about it. It
/// holds neither a password nor a stored value.
public struct AgentBaseError: Error, Sendable {
  /// The kind of an error. Open: more may come.
  public struct Code: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The name of the kind.
    public let rawValue: String
    /// A kind by its name.
    public init(rawValue: String) { self.rawValue = rawValue }
    /// The name of the kind.
    public var description: String { rawValue }

    /// The configuration, or a variable of the environment, is missing or wrong.
    public static let invalidConfiguration = Code(rawValue: "invalidConfiguration")
    /// The database cannot be reached or opened.
    public static let unavailable = Code(rawValue: "unavailable")
    /// The database's tables are not those of this version of the library.
    public static let schema = Code(rawValue: "schema")
    /// The database's user lacks a right.
    public static let permission = Code(rawValue: "permission")
    /// A key, a namespace or another name cannot be stored.
    public static let invalidName = Code(rawValue: "invalidName")
    /// A value cannot be stored.
    public static let invalidValue = Code(rawValue: "invalidValue")
    /// What is stored is not of the type that was asked for.
    public static let wrongType = Code(rawValue: "wrongType")
    /// There is no such tool.
    public static let unknownTool = Code(rawValue: "unknownTool")
    /// The execution is not running: it was finished before, or never begun.
    public static let notRunning = Code(rawValue: "notRunning")
    /// A vector has another number of dimensions than those that it would be compared with.
    public static let wrongDimensions = Code(rawValue: "wrongDimensions")
    /// The embedder failed, or there is none.
    public static let embedding = Code(rawValue: "embedding")
    /// The server lacks an extension, which the message names.
    public static let missingExtension = Code(rawValue: "missingExtension")
    /// The agent is closed.
    public static let closed = Code(rawValue: "closed")
    /// The call was made in the body of a transaction, but not on that transaction.
    public static let outsideTransaction = Code(rawValue: "outsideTransaction")
    /// The database refused or failed; `underlying` is its error.
    public static let database = Code(rawValue: "database")
  }

  /// The kind.
  public var code: Code
  /// What failed.
  public var message: String
  /// What to do about it; nil where the message says all.
  public var advice: String?
  /// The agent's id, where one is concerned.
  public var agent: String?
  /// The key, where one is concerned.
  public var key: String?
  /// The driver's or Foundation's error, where there is one.
  public var underlying: (any Error)?
  /// Whether the same call may succeed later, with no risk that its effects happen twice.
  public var isSafeToRetry: Bool

  /// An error.
  public init(
    _ code: Code, _ message: String, advice: String? = nil, agent: String? = nil, key: String? = nil,
    underlying: (any Error)? = nil, isSafeToRetry: Bool = false
  ) {
    self.code = code
    self.message = message
    self.advice = advice
    self.agent = agent
    self.key = key
    self.underlying = underlying
    self.isSafeToRetry = isSafeToRetry
  }

  /// The same error, of this agent and key where it names none yet.
  func of(agent: String, key: String? = nil) -> AgentBaseError {
    var error = self
    error.agent = error.agent ?? agent
    error.key = error.key ?? key
    return error
  }
}

extension AgentBaseError: CustomStringConvertible {
  /// One or two lines: whose call failed and why, then what to do.
  public var description: String {
    var line = ""
    if let agent { line += "agent \(Self.shown(agent))" }
    if let key { line += (line.isEmpty ? "" : ", ") + "key \(Self.shown(key))" }
    line += (line.isEmpty ? "" : ": ") + message
    return advice.map { "\(line)\n\($0)" } ?? line
  }

  /// A name on one line, cut where it is long.
  static func shown(_ name: String) -> String {
    let line = String(name.unicodeScalars.map { $0.value < 0x20 ? "\u{FFFD}" : Character($0) })
    return "\"" + (line.count > 80 ? line.prefix(77) + "…" : line) + "\""
  }
}
