// What can go wrong with an import as a whole, said in one or two lines.

/// A failure of the importer: what failed, for which file or table, and what to do.
public struct ImportError: Error, Sendable, CustomStringConvertible {
  /// Where the failure lies.
  public struct Code: RawRepresentable, Sendable, Hashable {
    /// The code's name, as the JSON report prints it.
    public let rawValue: String
    /// A code of this name.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// The legacy file: missing, unreadable, corrupt, encrypted, changed while it was read.
    public static let source = Code(rawValue: "source")
    /// The Postgres server or its schema.
    public static let target = Code(rawValue: "target")
    /// Rows are there already, and the user asked to fail then.
    public static let conflict = Code(rawValue: "conflict")
    /// The time that the user allowed is over.
    public static let timeout = Code(rawValue: "timeout")
  }

  /// Where the failure lies.
  public let code: Code
  /// What failed, for which file or table.
  public let message: String
  /// What to do; nil where there is nothing to say.
  public let advice: String?

  /// A failure.
  public init(_ code: Code, _ message: String, advice: String? = nil) {
    self.code = code
    self.message = message
    self.advice = advice
  }

  /// The message, and on a second line the advice.
  public var description: String { advice.map { "\(message)\n\($0)" } ?? message }
}
