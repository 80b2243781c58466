// What the library has to say besides its answers: one small hook for logs and metrics.

import Foundation
import Synchronization

/// Something worth a line in a log.
public struct AgentEvent: Sendable {
  /// The kind of an event. Open: more may come.
  public struct Kind: RawRepresentable, Hashable, Sendable {
    /// The name of the kind.
    public let rawValue: String
    /// A kind by its name.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// Something that is used goes away; said once a process.
    public static let deprecation = Kind(rawValue: "deprecation")
    /// Tables were created or changed.
    public static let schema = Kind(rawValue: "schema")
    /// Expired memories were removed in the background, or could not be.
    public static let sweep = Kind(rawValue: "sweep")
  }

  /// The kind.
  public let kind: Kind
  /// One line for people, without secrets and values.
  public let message: String
  /// The agent's id, where one is concerned.
  public let agent: String?

  /// An event.
  public init(_ kind: Kind, _ message: String, agent: String? = nil) {
    self.kind = kind
    self.message = message
    self.agent = agent
  }
}

extension AgentEvent {
  /// Writes deprecations to standard error, and nothing else: what an agent does with events unless it is told.
  @Sendable public static func logDeprecations(_ event: AgentEvent) {
    guard event.kind == .deprecation else { return }
    FileHandle.standardError.write(Data("AgentBase: \(event.message)\n".utf8))
  }
}

/// What is said once a process.
enum OnceAProcess {
  private static let saidSQLite = Mutex(false)

  /// Says that SQLite is deprecated, the first time that it is called in this process.
  static func sayThatSQLiteIsDeprecated(_ handler: @Sendable (AgentEvent) -> Void) {
    let isFirst = saidSQLite.withLock { said in
      defer { said = true }
      return !said
    }
    guard isFirst else { return }
    handler(
      AgentEvent(
        .deprecation,
        "the SQLite backend is deprecated: move the agents' files to Postgres with `agentbase import`, "
          + "then use .postgres(url:) or AGENT_MEMORY_BACKEND=postgres"))
  }
}
