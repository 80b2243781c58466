// What a database tells of itself: its numbers, and whether it is well.

import Postgres
import Synchronization

/// What a database has done since it was opened.
public struct DatabaseMetrics: Sendable, Hashable {
  /// How many statements and scripts have ended, those that failed included.
  public var totalQueries = 0
  /// How many of them failed, cancelled ones included.
  public var failedQueries = 0
  /// How many took longer than the limit for slow ones, their wait for a connection included.
  public var slowQueries = 0
  /// How many transactions were committed.
  public var committedTransactions = 0
  /// How many transactions were rolled back.
  public var rolledBackTransactions = 0
  /// How long all queries together took, the wait for a connection included.
  public var totalQueryTime: Duration = .zero
  /// How long the longest took.
  public var longestQueryTime: Duration = .zero
  /// The connections to Postgres; nil for SQLite, which needs none.
  public var pool: DatabasePoolMetrics?

  /// How long a query took on average; zero where there was none.
  public var averageQueryTime: Duration { totalQueries == 0 ? .zero : totalQueryTime / totalQueries }
}

/// The numbers of a pool at one moment.
public struct DatabasePoolMetrics: Sendable, Hashable {
  /// The most connections that there may be.
  public var maximum: Int
  /// Connections that exist, those being opened and closed included.
  public var size: Int
  /// Connections that are in use.
  public var inUse: Int
  /// Connections that nobody uses.
  public var idle: Int
  /// Calls that wait for a connection.
  public var waiting: Int
  /// How many connections were opened so far.
  public var opened: Int
  /// How many attempts to open one failed.
  public var openFailures: Int
  /// How many calls gave up waiting for one.
  public var timeouts: Int
  /// How long all calls together have waited for one.
  public var totalWait: Duration
  /// How long the slowest has waited.
  public var longestWait: Duration

  init(_ metrics: PostgresPoolMetrics) {
    maximum = metrics.maximum
    size = metrics.size
    inUse = metrics.inUse
    idle = metrics.idle + metrics.checking
    waiting = metrics.waiting
    opened = metrics.opened
    openFailures = metrics.openFailures
    timeouts = metrics.timeouts
    totalWait = metrics.totalWait
    longestWait = metrics.longestWait
  }
}

/// Whether a database is well.
public struct DatabaseHealth: Sendable {
  /// Whether it has answered a statement in time.
  public var isHealthy: Bool
  /// How long that took.
  public var latency: Duration
  /// What the server, or SQLite, calls its version; nil where it did not answer.
  public var version: String?
  /// The connections to Postgres; nil for SQLite.
  public var pool: DatabasePoolMetrics?
  /// What is wrong, with advice; nil where it is well.
  public var error: AgentBaseError?
}

/// Counts what a database does.
final class DatabaseCounters: Sendable {
  private let counts = Mutex(DatabaseMetrics())
  private let slowLimit: Duration?

  init(slowLimit: Duration?) { self.slowLimit = slowLimit }

  var metrics: DatabaseMetrics { counts.withLock { $0 } }

  func ended(_ duration: Duration, failed: Bool) {
    counts.withLock { counts in
      counts.totalQueries += 1
      if failed { counts.failedQueries += 1 }
      if let slowLimit, duration >= slowLimit { counts.slowQueries += 1 }
      counts.totalQueryTime += duration
      counts.longestQueryTime = max(counts.longestQueryTime, duration)
    }
  }

  func transactionEnded(committed: Bool) {
    counts.withLock { counts in
      if committed { counts.committedTransactions += 1 } else { counts.rolledBackTransactions += 1 }
    }
  }
}
