// What an agent is made from.

public import Foundation

/// The configuration of an agent.
public struct AgentConfig: Sendable {
  /// The agent's name.
  public var name: String
  /// What its rows are known by. The importer takes it from the file's path: `agents/operational/crawler/memory.db` is of
  /// `operational_crawler`.
  public var id: String
  /// The database.
  public var memoryBackend: MemoryBackend
  /// The agent's version, for the table `agents`.
  public var version: String?
  /// What the agent is for, for the table `agents`.
  public var description: String?
  /// The agent's category, for the table `agents`.
  public var category: String?
  /// Whose the agent is, for the table `agents`.
  public var organizationID: String?
  /// The connections to Postgres; agents of one URL share them, and the first one's settings hold.
  public var connections = ConnectionSettings()
  /// The most connections to Postgres: `connections.maximum`.
  public var maximumConnections: Int {
    get { connections.maximum }
    set { connections.maximum = newValue }
  }
  /// How long a call waits for a free connection to Postgres, or for another process's lock on a SQLite file:
  /// `connections.waitLimit`.
  public var waitLimit: Duration {
    get { connections.waitLimit }
    set { connections.waitLimit = newValue }
  }
  /// Whether calls on Postgres that are under way at once share statements and commits; default true. Of agents that share
  /// connections, the first one's holds.
  public var gathersCalls = true
  /// Whether a call on a SQLite file may keep its caller's thread for a moment, about a millisecond at most: for a read by key,
  /// and to look out for the answer of a quick disk. Without it every call suspends its task, which takes longer than such a
  /// read. Of agents that share a file, the first one's holds.
  public var isEager = true
  /// The time zone of legacy times without an offset, in a SQLite file.
  public var legacyTimeZone: TimeZone = .gmt
  /// The vectors of memories: how many numbers they have, how they are compared and what makes them. Without one, a memory
  /// may have an embedding of any length, and a search compares those with as many numbers as its own vector.
  public var embedding: EmbeddingSpace?
  /// Other spaces for parts of the namespaces: each for a namespace and what nests in it.
  public var embeddingByNamespace: [String: EmbeddingSpace] = [:]
  /// Whether values that are replaced are kept, to be listed and restored.
  public var keepsHistory = false
  /// How many earlier values of a key are kept where `keepsHistory` is set; nil for all.
  public var historyLimit: Int?
  /// How often this process removes expired memories from the database, of all agents in Postgres and of the agents that
  /// are open in a SQLite file; nil for never. The first agent of a database that has one sets it.
  public var sweepInterval: Duration?
  /// The most changes of the agent that may wait in its SQLite file to be carried to Postgres, while a cut-over is under way. At
  /// the limit a store fails with the code `outboxFull`: nothing is ever dropped.
  public var outboxLimit = 1_000_000
  /// How many reads that differ between SQLite and Postgres, in the phase `dual-postgres` of a cut-over, have all keys be read from
  /// SQLite again.
  public var differenceLimit = 10
  /// Who takes the events; nil for nobody. Of agents that share connections, the first one's hears of those.
  public var eventHandler: (any AgentEventHandler)? = DeprecationLog()
  /// How long a statement may take before it makes an event of the kind `slowQuery`; nil for any time.
  public var slowQueryLimit: Duration? = .seconds(1)

  /// What is done with events: a closure in the place of a handler, which takes every kind.
  public var onEvent: @Sendable (AgentEvent) -> Void {
    get { { [eventHandler] in eventHandler?.handle($0) } }
    set { eventHandler = AgentEventClosure(body: newValue) }
  }

  /// A configuration with a backend; the id is the name unless one is given.
  public init(name: String, id: String? = nil, memoryBackend: MemoryBackend) {
    self.name = name
    self.id = id ?? name
    self.memoryBackend = memoryBackend
  }

  /// A configuration with the backend that the environment names.
  ///
  /// - Throws: `AgentBaseError`, as `MemoryBackend.init(environment:)` does.
  public init(
    name: String, id: String? = nil,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(AgentBaseError) {
    self.init(name: name, id: id, memoryBackend: try MemoryBackend(environment: environment))
  }

  /// How many earlier values a stored memory asks to be kept; nil where it asks for none.
  var storedHistoryLimit: Int32? {
    guard keepsHistory, historyLimit.map({ $0 > 0 }) ?? true else { return nil }
    return historyLimit.flatMap(Int32.init(exactly:)) ?? .max
  }
}
