// Makes a connection without blocking a thread of Swift concurrency.

import CPostgres
import Synchronization

/// The steps from a configuration to a session.
///
/// `PQconnectStart` and `PQconnectPoll` block while a host name is resolved, so they run on threads of their own; the
/// waits between them are the event loop's.
enum Connector {
  /// Tries each host in turn, as libpq does.
  ///
  /// A host that does not answer in `connectTimeout` is given up for the next one, which libpq's own time limit would
  /// do too, but only where it blocks.
  static func connect(
    _ configuration: PostgresConfiguration, onNotice: @escaping @Sendable (PostgresServerFields) -> Void
  ) async throws(PostgresError) -> (Link, EventLoop) {
    let loop = try EventLoop.shared.get()
    var remaining = configuration
    while true {
      if Task.isCancelled { throw .cancelled() }
      let given = remaining
      guard let link = await BlockingQueue.run({ Link(starting: given, onNotice: onNotice) }) else {
        throw PostgresError(.connectionFailed, "out of memory")
      }
      let current = given.completed(from: link)
      switch try await open(link, loop, current) {
      case .opened: return (link, loop)
      case .timedOut(let hostsTried):
        guard let rest = current.droppingHosts(hostsTried) else {
          throw PostgresError(
            .timedOut, "no session with \(current) within \(current.connectTimeout)", isSafeToRetry: true)
        }
        remaining = rest
      }
    }
  }

  private enum Outcome {
    case opened
    case timedOut(hostsTried: Int)
  }

  private static func open(
    _ link: Link, _ loop: EventLoop, _ configuration: PostgresConfiguration
  ) async throws(PostgresError) -> Outcome {
    let box = CancelBox()
    let result: Result<Outcome, PostgresError> = await withTaskCancellationHandler {
      await steps(link, loop, configuration, box)
    } onCancel: {
      box.cancel(loop)
    }
    return try result.get()
  }

  /// The socket that is waited for, so that a cancellation can end the wait.
  private final class CancelBox: Sendable {
    private let state = Mutex<(isCancelled: Bool, socket: Int32)>((false, -1))

    var isCancelled: Bool { state.withLock { $0.isCancelled } }
    func note(_ socket: Int32) { state.withLock { $0.socket = socket } }
    func cancel(_ loop: EventLoop) {
      let socket = state.withLock { state in
        state.isCancelled = true
        return state.socket
      }
      if socket >= 0 { loop.wake(socket) }
    }
  }

  private static func steps(
    _ link: Link, _ loop: EventLoop, _ configuration: PostgresConfiguration, _ box: CancelBox
  ) async -> Result<Outcome, PostgresError> {
    var host = ""
    var hostsTried = 0
    var deadline = ContinuousClock.now
    var interest = EventLoop.Interest.write  // what libpq asks for before the first poll
    guard !link.isBroken else { return .failure(failure(link, configuration)) }
    while true {
      let current = unsafe "\(String(cString: PQhost(link.pointer))):\(String(cString: PQport(link.pointer)))"
      if current != host {
        host = current
        hostsTried += 1
        deadline = ContinuousClock.now + configuration.connectTimeout
      }
      box.note(link.socket)
      let wake =
        interest == .read && link.holdsDecrypted
        ? .ready
        : await loop.wait(for: interest, on: link.socket, until: deadline, unless: { box.isCancelled })
      switch wake {
      case .ready: break
      case .interrupted: return .failure(.cancelled())
      case .timedOut: return .success(.timedOut(hostsTried: hostsTried))
      case .failed(let code):
        return .failure(PostgresError(.connectionFailed, "the socket cannot be watched: errno \(code)"))
      }
      switch await BlockingQueue.run({ unsafe PQconnectPoll(link.pointer) }) {
      case PGRES_POLLING_READING: interest = .read
      case PGRES_POLLING_WRITING: interest = .write
      case PGRES_POLLING_OK:
        unsafe PQsetErrorVerbosity(link.pointer, PQERRORS_DEFAULT)
        unsafe PQsetnonblocking(link.pointer, 1)
        return .success(.opened)
      default: return .failure(failure(link, configuration))
      }
    }
  }

  private static func failure(_ link: Link, _ configuration: PostgresConfiguration) -> PostgresError {
    let (message, sqlState) = Redaction.connectionFailure(link.errorText)
    // What the server refuses for a lasting reason (a password, a database), or we do, is not mended by another attempt.
    let fields = sqlState.map { PostgresServerFields(sqlState: $0, severity: "FATAL", message: message) }
    var error = PostgresError(
      .connectionFailed, message,
      isSafeToRetry: sqlState?.isTransient ?? !TLSFailure.isCause(of: link.errorText))
    error.server = fields
    return error
  }
}
