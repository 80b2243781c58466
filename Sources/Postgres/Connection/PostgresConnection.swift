// A connection to the server: its state, and how it is opened and closed.

import CPostgres
import Synchronization

/// One session with a Postgres server.
///
/// It may be used from several tasks: whole conversations (a statement, a pipeline, a COPY, a transaction with all in
/// it) take their turns in the order of their calls. Calls inside the body of `transaction` belong to it. Cancelling a
/// task cancels its statement on the server, and the connection stays usable.
public actor PostgresConnection {
  /// The open connection; `nil` once it broke or was closed.
  var link: Link?
  let loop: EventLoop
  let canceller: Canceller
  let configuration: PostgresConfiguration
  /// Who is told of slow statements.
  let observer: PostgresObserver?

  var cache: StatementCache
  var parameters = ParameterBuffer()
  /// Whose turn it is; the first is the connection itself, each further one an open transaction or COPY.
  var scopes = [ConversationScope(id: 0)]
  var lastScope = 0
  var lastTicket = 0
  var received: [PostgresNotification] = []
  /// Whether a statement has changed settings, listens, cursors or other things that outlive transactions.
  var isSessionChanged = false
  /// When the server must have answered after a cancel request; a link that stays silent longer is given up.
  var patience: ContinuousClock.Instant?
  /// Whether answers are waited for on the caller's thread first.
  var briefWait = BriefWait()
  /// When the server last said something in a COPY of ours that is not, or not yet, a notice.
  var doubt: ContinuousClock.Instant?

  private let condition = Atomic<Condition>(.fit)

  /// The process of the server that serves this connection (`pg_backend_pid`).
  public nonisolated let backendProcessID: Int32
  /// The server's version, such as `150018` for 15.18.
  public nonisolated let serverVersion: Int

  /// Opens a session.
  ///
  /// Notices of the server go to `onNotice`, which is called on any thread and must not block. An `observer` is told of slow
  /// statements.
  ///
  /// - Throws: `connectionFailed` with what the server or the network said, `timedOut`, or `cancelled`.
  public static func connect(
    _ configuration: PostgresConfiguration,
    onNotice: @escaping @Sendable (PostgresServerFields) -> Void = { _ in },
    observer: PostgresObserver? = nil
  ) async throws(PostgresError) -> PostgresConnection {
    let (link, loop) = try await Connector.connect(configuration, onNotice: onNotice)
    guard let canceller = Canceller(link, loop) else {
      throw PostgresError(
        .connectionFailed, "the connection broke as soon as it was made", isSafeToRetry: true)
    }
    return PostgresConnection(link, loop, canceller, configuration, observer)
  }

  private init(
    _ link: Link, _ loop: EventLoop, _ canceller: Canceller, _ configuration: PostgresConfiguration,
    _ observer: PostgresObserver?
  ) {
    self.link = link
    self.loop = loop
    self.canceller = canceller
    self.configuration = configuration
    self.observer = observer?.slowLimit == nil ? nil : observer
    cache = StatementCache(limit: configuration.statementCacheLimit)
    backendProcessID = unsafe PQbackendPID(link.pointer)
    serverVersion = unsafe Int(PQserverVersion(link.pointer))
  }

  /// Ends the session once what is under way has ended. Calls that wait or come later fail.
  ///
  /// In the body of this connection's own transaction or COPY it ends the session at once, which undoes them.
  public func close() async {
    guard ScopeFrame.scope(of: self) == 0 else {
      link = nil
      return noteCondition()
    }
    await acquire(scope: 0)
    link = nil
    release(scope: 0)
  }

  // MARK: - State

  /// Whether the session is open and, as far as we know, alive.
  public var isUsable: Bool { link.map { !$0.isBroken } ?? false }

  /// Whether the session is open and in no transaction: fit for the next user.
  public var isIdle: Bool { isUsable && link?.transactionStatus == PQTRANS_IDLE }

  /// Whether the connection was open and in no transaction when its last conversation ended; needs no turn and no await.
  public nonisolated var isReusable: Bool { [.fit, .sessionChanged].contains(lastCondition) }

  /// In which condition the last conversation has left the connection; needs no turn and no await.
  nonisolated var lastCondition: Condition { condition.load(ordering: .acquiring) }

  /// Notes in which condition a conversation leaves the connection.
  func noteCondition() {
    let now: Condition =
      !isUsable ? .unusable : !isIdle ? .inTransaction : isSessionChanged ? .sessionChanged : .fit
    condition.store(now, ordering: .releasing)
  }

  /// Whether a transaction is open, failed ones included.
  public var isInTransaction: Bool {
    guard let status = link?.transactionStatus else { return false }
    return status == PQTRANS_INTRANS || status == PQTRANS_INERROR
  }

  /// A setting that the server reports by itself, such as `TimeZone`, `server_version` or `in_hot_standby`.
  public func parameter(_ name: String) -> String? {
    guard let link, let value = unsafe PQparameterStatus(link.pointer, name) else { return nil }
    return unsafe String(cString: value)
  }

  /// Makes the session fit for the next user: rolls an open transaction back, and resets settings, listeners, cursors,
  /// temporary tables and advisory locks where a statement has left any. Prepared statements stay.
  ///
  /// Does not talk to the server where there is nothing to do. What functions change (`set_config`,
  /// `pg_advisory_lock`) is not seen; `everything` resets in any case.
  ///
  /// - Throws: `connectionLost`; the session then is of no more use.
  public func reset(everything: Bool = false) async throws(PostgresError) {
    if isInTransaction { try await executeScript("ROLLBACK") }
    guard everything || isSessionChanged else { return }
    // DISCARD ALL without DEALLOCATE ALL; it cannot be part of a script.
    try await executeScript(
      """
      CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; UNLISTEN *; SELECT pg_advisory_unlock_all(); \
      DISCARD TEMP; DISCARD SEQUENCES
      """)
    isSessionChanged = false
    received = []
    noteCondition()
  }
}
