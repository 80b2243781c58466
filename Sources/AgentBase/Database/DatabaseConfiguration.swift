// What an application's database is made from.

/// The configuration of a `Database`.
public struct DatabaseConfiguration: Sendable {
  /// What the database is called in events and errors.
  public var name: String
  /// Where it is.
  public var backend: MemoryBackend
  /// The connections to Postgres; of SQLite, only `waitLimit` counts, for the locks of others.
  public var pool = DatabasePoolSettings()
  /// Whether statements are prepared on Postgres; false for poolers that cannot have that, such as pgbouncer before 1.21 in
  /// transaction mode.
  public var preparesStatements = true
  /// How long a statement may take before it counts as slow and makes an event of the kind `slowQuery`; nil for any time.
  public var slowQueryLimit: Duration? = .seconds(1)
  /// Who takes the events; nil for nobody.
  public var eventHandler: (any AgentEventHandler)? = DeprecationLog()

  /// A configuration.
  public init(name: String = "main", _ backend: MemoryBackend) {
    self.name = name
    self.backend = backend
  }
}

/// The settings of a pool of connections; in brackets what SQLAlchemy calls them.
public struct DatabasePoolSettings: Sendable, Hashable {
  /// The most connections at once (`pool_size` and `max_overflow` together), at least 1.
  public var size = 10
  /// How many stay open when nobody uses them.
  public var minimumSize = 0
  /// How long a call waits for a free connection before it fails (`pool_timeout`).
  public var waitLimit: Duration = .seconds(30)
  /// How old a connection becomes before another takes its place (`pool_recycle`); nil for any age.
  public var recycleAfter: Duration? = .seconds(3600)
  /// How long a connection may have been unused and still be used without being asked whether it lives (`pool_pre_ping`):
  /// `.zero` asks each time, nil never.
  public var prePingAfter: Duration? = .seconds(30)

  /// The defaults.
  public init() {}

  /// The defaults, with another size.
  public init(size: Int) { self.size = size }
}
