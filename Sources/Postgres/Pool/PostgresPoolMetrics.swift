// What a pool tells of itself: how many connections it has, who waits, and what it has done so far.

/// A snapshot of a pool's numbers, taken in one instant, so that they add up:
/// `size` is the sum of its five parts, and `opened - closed` is `size - opening`.
public struct PostgresPoolMetrics: Sendable, Hashable {
  /// The most connections that the pool may have at once.
  public var maximum: Int
  /// Connections that are being opened.
  public var opening = 0
  /// Connections that are open and that nobody uses.
  public var idle = 0
  /// Idle connections that are being asked whether they still live.
  public var checking = 0
  /// Connections that are leased to a caller.
  public var inUse = 0
  /// Connections that are being closed. They still take a place on the server.
  public var closing = 0
  /// Callers that wait for a connection.
  public var waiting = 0

  /// How many connections were opened since the pool was made.
  public var opened = 0
  /// How many of the opened connections are closed by now.
  public var closed = 0
  /// How many attempts to open a connection failed.
  public var openFailures = 0
  /// How many leases were handed out.
  public var leases = 0
  /// How many callers gave up because their wait limit passed.
  public var timeouts = 0
  /// How long all leases together were waited for.
  public var totalWait: Duration = .zero
  /// How long the slowest lease was waited for.
  public var longestWait: Duration = .zero

  /// Connections that exist, those being opened and those being closed included. Never above `maximum`.
  public var size: Int { opening + idle + checking + inUse + closing }
}
