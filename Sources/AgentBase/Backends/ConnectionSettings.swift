// How connections to Postgres are shared: how many, how long they are waited for, and how they age.

internal import Postgres

/// The connections to Postgres of the agents of one URL, or of an application's database; in brackets what SQLAlchemy calls the
/// settings. Of agents that share connections, the first one's settings hold while any of them is open.
public struct ConnectionSettings: Sendable, Hashable {
  /// The most connections at once (`pool_size` and `max_overflow` together), at least 1; default 8. A database serves many calls
  /// over few: those of agents that are under way at once share round trips.
  public var maximum = 8

  /// How many are kept open although nobody uses them; default 0.
  public var minimum = 0

  /// How long a call waits for a free connection before it fails (`pool_timeout`), or for another process's lock on a SQLite
  /// file; default 30 s.
  public var waitLimit: Duration = .seconds(30)

  /// How long a connection above the minimum may be unused before it is closed; default 10 min; nil: for ever.
  public var idleLimit: Duration? = .seconds(600)

  /// How old a connection may become before it is replaced (`pool_recycle`); default 1 h; nil: as old as it likes.
  public var ageLimit: Duration? = .seconds(3600)

  /// How long a connection may have been unused and still be used without being asked whether it lives (`pool_pre_ping`);
  /// default 30 s; `.zero`: each is asked each time; nil: none is.
  public var prePingAfter: Duration? = .seconds(30)

  /// How long a call that is safe to run again is tried again, from its start, after a broken connection, a serialization
  /// failure or a deadlock; default 10 s; `.zero`: never.
  public var retryLimit: Duration = .seconds(10)

  /// Whether statements are prepared on the server; default true. Set it to false where a pooler in transaction mode stands
  /// between that knows no prepared statements, such as pgbouncer before 1.21.
  public var preparesStatements = true

  /// The defaults.
  public init() {}

  /// The defaults, with another maximum.
  public init(maximum: Int) { self.maximum = maximum }
}

extension PostgresPoolConfiguration {
  /// A pool with these settings.
  init(_ settings: ConnectionSettings) {
    let maximum = max(1, settings.maximum)
    self.init(maximumSize: maximum, minimumSize: min(max(0, settings.minimum), maximum))
    waitLimit = settings.waitLimit
    idleLimit = settings.idleLimit
    ageLimit = settings.ageLimit
    prePingAfter = settings.prePingAfter
    retryLimit = settings.retryLimit
  }
}
