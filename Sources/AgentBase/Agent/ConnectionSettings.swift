// How agents share connections to Postgres: how many, how long they are waited for, and how they age.

/// The connections to Postgres of the agents of one URL. The first agent's settings hold while any of them is open.
public struct ConnectionSettings: Sendable, Hashable {
  /// The most connections at once; default 8. A database serves many calls over few: those under way at once share round trips.
  public var maximum = 8

  /// How many are kept open although nobody uses them; default 0.
  public var minimum = 0

  /// How long a connection above the minimum may be unused before it is closed; default 10 min; nil: for ever.
  public var idleLimit: Duration? = .seconds(600)

  /// How old a connection may become before it is replaced (others call it recycling); default 1 h; nil: as old as it likes.
  public var ageLimit: Duration? = .seconds(3600)

  /// How long a connection may have been unused and still be used without being asked whether it lives (others call it
  /// pre-ping); default 30 s; `.zero`: each is asked each time; nil: none is.
  public var prePingAfter: Duration? = .seconds(30)

  /// How long a call that is safe to run again is tried again, from its start, after a broken connection, a serialization
  /// failure or a deadlock; default 10 s; `.zero`: never.
  public var retryLimit: Duration = .seconds(10)

  /// Whether statements are prepared on the server; default true. Set it to false where a pooler in transaction mode stands
  /// between that knows no prepared statements, such as pgbouncer before 1.21.
  public var preparesStatements = true

  /// Whether calls that are under way at once share statements and commits; default true.
  public var gathersCalls = true

  /// The defaults.
  public init() {}
}
