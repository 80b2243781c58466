// The one error of this layer: which step, which file, what happened, what to do.

/// What could not be done to a schema.
///
/// `description` is one or two lines and holds neither a password nor a stored value. Whatever the code, nothing is half done:
/// a step is there with its version and its audit line, or is not there; `incomplete` alone names a step that has no transaction.
public struct MigrationError: Error, Sendable {
  /// The kind of an error. Open: more may come.
  public struct Code: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The name of the kind.
    public let rawValue: String
    /// A kind by its name.
    public init(rawValue: String) { self.rawValue = rawValue }
    /// The name of the kind.
    public var description: String { rawValue }

    /// A file or a folder of steps cannot be read, or written.
    public static let unreadable = Code(rawValue: "unreadable")
    /// A file's name is none of a step.
    public static let invalidName = Code(rawValue: "invalidName")
    /// A number of the steps is missing.
    public static let gap = Code(rawValue: "gap")
    /// Two steps have one number.
    public static let duplicate = Code(rawValue: "duplicate")
    /// A step that the database has was made by another text than the step's.
    public static let edited = Code(rawValue: "edited")
    /// The database lacks a step in the middle.
    public static let missing = Code(rawValue: "missing")
    /// The database has steps that are not known here.
    public static let newer = Code(rawValue: "newer")
    /// The wanted version is not one that can be gone to.
    public static let invalidTarget = Code(rawValue: "invalidTarget")
    /// A step has no SQL that takes it back.
    public static let noWayBack = Code(rawValue: "noWayBack")
    /// A check before or after a step does not hold, or the caller's own.
    public static let checkFailed = Code(rawValue: "checkFailed")
    /// The SQL of a step failed.
    public static let stepFailed = Code(rawValue: "stepFailed")
    /// A directive or a statement that a step may not hold.
    public static let invalidScript = Code(rawValue: "invalidScript")
    /// A step without a transaction has begun and not ended.
    public static let incomplete = Code(rawValue: "incomplete")
    /// Another runner is at work, and did not end in time.
    public static let locked = Code(rawValue: "locked")
    /// The connection was lost.
    public static let connectionLost = Code(rawValue: "connectionLost")
    /// The database cannot be reached, opened or read.
    public static let unavailable = Code(rawValue: "unavailable")
    /// The schema that the steps make cannot be made to compare with.
    public static let scratch = Code(rawValue: "scratch")
    /// A backup could not be made or put back, or is damaged.
    public static let backup = Code(rawValue: "backup")
  }

  /// The kind.
  public var code: Code
  /// What failed.
  public var message: String
  /// What to do about it; nil where the message says all.
  public var advice: String?
  /// The step, where one is concerned.
  public var version: Int?
  /// The file or the folder, where one is concerned.
  public var file: String?
  /// The line of the step's SQL, from 1; nil where it is not known.
  public var line: Int?
  /// The driver's error, or the caller's, where there is one.
  public var underlying: (any Error)?

  /// An error.
  public init(
    _ code: Code, _ message: String, advice: String? = nil, version: Int? = nil, file: String? = nil,
    line: Int? = nil, underlying: (any Error)? = nil
  ) {
    self.code = code
    self.message = message
    self.advice = advice
    self.version = version
    self.file = file
    self.line = line
    self.underlying = underlying
  }
}

extension MigrationError: CustomStringConvertible {
  /// What failed, then what to do.
  public var description: String { advice.map { "\(message)\n\($0)" } ?? message }
}
