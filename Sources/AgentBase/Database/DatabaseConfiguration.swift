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
  /// The most connections at once (`pool_size` and `max_overflow` together), at least 1; default 10.
  public var maximum = 10
  /// How many stay open when nobody uses them; default 0.
  public var minimum = 0
  /// How long a call waits for a free connection before it fails (`pool_timeout`); default 30 s.
  public var waitLimit: Duration = .seconds(30)
  /// How long a connection above the minimum may be unused before it is closed; default 10 min; nil: for ever.
  public var idleLimit: Duration? = .seconds(600)
  /// How old a connection may become before another takes its place (`pool_recycle`); default 1 h; nil: as old as it likes.
  public var ageLimit: Duration? = .seconds(3600)
  /// How long a connection may have been unused and still be used without being asked whether it lives (`pool_pre_ping`);
  /// default 30 s; `.zero`: each is asked each time; nil: none is.
  public var prePingAfter: Duration? = .seconds(30)
  /// How long a call that is safe to run again is tried again, from its start; default 10 s; `.zero`: never.
  public var retryLimit: Duration = .seconds(10)

  /// The defaults.
  public init() {}

  /// The defaults, with another maximum.
  public init(maximum: Int) { self.maximum = maximum }
}
