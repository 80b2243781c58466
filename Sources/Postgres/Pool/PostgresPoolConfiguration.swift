// How large a pool is, how long its callers wait, and how its connections age.

/// The settings of a pool, beside those of its connections. The defaults suit one agent process.
public struct PostgresPoolConfiguration: Sendable, Hashable {
  /// The most connections at once, those being opened and closed included; at least 1. Default 10.
  public var maximumSize = 10

  /// How many connections are opened at the start and kept open although nobody uses them; default 0.
  public var minimumSize = 0

  /// How long a call waits for a connection before it fails with `poolExhausted`; default 30 s.
  ///
  /// While the server cannot be reached, the pool goes on trying to open connections, and calls wait up to this limit
  /// too. What trying again does not mend (a wrong password, a missing database) is told at once.
  public var waitLimit: Duration = .seconds(30)

  /// How long a connection above `minimumSize` may be unused before it is closed; default 10 min; nil: for ever.
  public var idleLimit: Duration? = .seconds(600)

  /// How old a connection may become before it is replaced; default 1 h; nil: as old as it likes.
  ///
  /// Spreads connections over servers behind a balancer again after a failover, and ends what leaks in long sessions. A
  /// connection in use is replaced when it comes back.
  public var ageLimit: Duration? = .seconds(3600)

  /// How long a connection may have been unused and still be handed out without a round trip that asks whether it
  /// lives; default 30 s; `.zero`: each is asked each time; nil: none is.
  ///
  /// Whatever this is, the others are asked after one connection has turned out to be broken.
  public var prePingAfter: Duration? = .seconds(30)

  /// How long a call that is safe to retry is retried, counted from its start; default 10 s; `.zero`: never.
  public var retryLimit: Duration = .seconds(10)

  /// The defaults.
  public init() {}

  /// The defaults, with another size.
  public init(maximumSize: Int, minimumSize: Int = 0) {
    self.maximumSize = maximumSize
    self.minimumSize = minimumSize
  }

  var limits: PoolLimits {
    PoolLimits(
      maximum: maximumSize, minimum: minimumSize, idleLimit: idleLimit, ageLimit: ageLimit,
      prePingAfter: prePingAfter)
  }
}
