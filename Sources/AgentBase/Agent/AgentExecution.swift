// A task that an agent runs or has run.

public import Foundation

/// One execution of a task.
public struct AgentExecution: Sendable {
  /// How far an execution is. Open: legacy rows hold other words.
  public struct Status: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The word that is stored.
    public let rawValue: String
    /// A status by its word.
    public init(rawValue: String) { self.rawValue = rawValue }
    /// The word that is stored.
    public var description: String { rawValue }

    /// Begun, and not finished.
    public static let running = Status(rawValue: "running")
    /// Finished.
    public static let completed = Status(rawValue: "completed")
    /// Ended by an error.
    public static let failed = Status(rawValue: "failed")
    /// Ended since its task was cancelled.
    public static let cancelled = Status(rawValue: "cancelled")
  }

  /// Identifies it; the same as its handle's. Of a legacy row, nil before its import.
  public var id: UUID?
  /// What kind of task it is.
  public var task: String
  /// How far it is.
  public var status: Status
  /// What it was given.
  public var input: JSON?
  /// What came out.
  public var output: JSON?
  /// Why it failed.
  public var errorMessage: String?
  /// When it began; nil where a legacy row does not say.
  public var startedAt: Date?
  /// When it ended; nil while it runs.
  public var completedAt: Date?
  /// How long it took, in milliseconds; nil while it runs.
  public var durationMilliseconds: Double?
  /// What else is kept with it.
  public var metadata: JSONObject
  /// Whether it came from a legacy file by an import.
  public var isImported: Bool
}

/// An execution that has begun: give it to `finishExecution` or `failExecution`.
public struct ExecutionHandle: Sendable {
  /// Identifies the execution.
  public let id: UUID
  /// What kind of task it is.
  public let task: String
  /// When it began, by the clock that its duration is measured with.
  let start: ContinuousClock.Instant
}

/// An execution on its way into a store, checked.
struct ExecutionDraft: Sendable {
  var id: UUID
  var task: String
  /// JSON in jsonb's spelling.
  var inputText: String?
  var metadata: JSONObject
}

/// The end of an execution, on its way into a store.
struct ExecutionEnd: Sendable {
  var id: UUID
  var status: AgentExecution.Status
  /// JSON in jsonb's spelling.
  var outputText: String?
  var errorMessage: String?
  var durationMilliseconds: Double
}

/// Which executions are asked for.
struct ExecutionQuery: Sendable {
  var task: String?
  var status: AgentExecution.Status?
  var range = RecordRange()
  /// The place behind which the listing goes on.
  var after: RecordPlace?
  var limit: Int
}
