// The numbers that the pool's state machine obeys. The public configuration of a pool is made of these.

struct PoolLimits: Sendable, Hashable {
  /// The most connections at once, those being opened and closed included.
  var maximum = 10
  /// How many connections are kept open although nobody asks for one.
  var minimum = 0
  /// How long a connection above `minimum` may stay idle before it is closed; nil: for ever.
  var idleLimit: Duration? = .seconds(600)
  /// How old a connection may become before it is replaced; nil: as old as it likes.
  var ageLimit: Duration? = .seconds(3600)
  /// How long a connection may have been idle and still be handed out without being asked first;
  /// nil: any time, unless a neighbour was found broken.
  var prePingAfter: Duration? = .seconds(30)
  /// How long a ping may take before the connection counts as broken.
  var pingLimit: Duration = .seconds(5)
  /// How long the first failure to open keeps the pool from trying again; doubles with each failure.
  var firstBackoff: Duration = .milliseconds(50)
  /// The longest pause between two attempts to open.
  var longestBackoff: Duration = .seconds(5)

  /// The pause after so many failures in a row: 50 ms, 100 ms, 200 ms … 5 s with the defaults.
  func backoff(afterFailures failures: Int) -> Duration {
    var pause = firstBackoff
    for _ in 1..<max(failures, 1) where pause < longestBackoff { pause *= 2 }
    return min(pause, longestBackoff)
  }
}
