// Waits for sockets on one thread, so that no thread of Swift concurrency ever does.
//
// Why a thread of its own that only signals readiness, measured on 2 cores with one caller that runs a prepared
// SELECT over a Unix socket (µs a query, the best and the worst of four runs; blocking libpq needs 53 to 58, pgbench
// reports 22 to 57 on the same noisy machine):
//
//   DispatchSource, connection on a DispatchQueue executor       46 … 96
//   this thread as the executor of the connection actor          46 … 94  (two thread changes a query)
//   this thread resumes the caller's own thread (chosen)         18 … 27  (one thread change a query)
//   60 µs of polling in the caller before it suspends            20 … 27  (no gain on 2 cores)

import CPostgres
import Glibc
import Synchronization

/// One thread with epoll that resumes those who wait for a socket.
///
/// A socket has one waiter at most: the holder of its connection's conversation.
final class EventLoop: Sendable {
  /// What a waiter waits for. Who writes reads too: the server may be stuck until its answers are taken.
  enum Interest {
    case read
    case readAndWrite
    case write

    fileprivate var events: UInt32 {
      switch self {
      case .read: EPOLLIN.rawValue
      case .readAndWrite: EPOLLIN.rawValue | EPOLLOUT.rawValue
      case .write: EPOLLOUT.rawValue
      }
    }
  }

  /// Why a waiter was resumed.
  enum Wake {
    case ready
    case timedOut
    /// By `wake`, or because the interruption was there before the wait.
    case interrupted
    /// The kernel refused to watch the socket, with its errno.
    case failed(Int32)
  }

  @safe private struct Waiter {
    let continuation: UnsafeContinuation<Wake, Never>
    let deadline: ContinuousClock.Instant?
  }

  private struct State {
    var waiters: [Int32: Waiter] = [:]
    var deadlines = 0

    mutating func remove(_ socket: Int32) -> UnsafeContinuation<Wake, Never>? {
      guard let waiter = waiters.removeValue(forKey: socket) else { return nil }
      if waiter.deadline != nil { deadlines -= 1 }
      return unsafe waiter.continuation
    }
  }

  /// The loop of the process; its thread starts with the first connection and lives as long as the process.
  static let shared: Result<EventLoop, PostgresError> = start()

  private let poll: Int32
  private let bell: Int32
  private let state = Mutex(State())

  private init(poll: Int32, bell: Int32) {
    self.poll = poll
    self.bell = bell
  }

  private static func start() -> Result<EventLoop, PostgresError> {
    let poll = epoll_create1(Int32(EPOLL_CLOEXEC))
    let bell = eventfd(0, Int32(EFD_NONBLOCK) | Int32(EFD_CLOEXEC))
    guard poll >= 0, bell >= 0 else {
      let reason = unsafe String(cString: strerror(errno))
      return .failure(
        PostgresError(.connectionFailed, "no descriptor is left to wait for sockets: \(reason)"))
    }
    let loop = EventLoop(poll: poll, bell: bell)
    var event = unsafe epoll_event()
    unsafe event.events = EPOLLIN.rawValue
    unsafe event.data.fd = bell
    unsafe epoll_ctl(poll, EPOLL_CTL_ADD, bell, &event)
    var thread = pthread_t()
    let failure = unsafe pthread_create(
      &thread, nil,
      { context in
        if let context = unsafe context {
          unsafe Unmanaged<EventLoop>.fromOpaque(context).takeRetainedValue().run()
        }
        return nil
      }, Unmanaged.passRetained(loop).toOpaque())
    guard failure == 0 else {
      let reason = unsafe String(cString: strerror(failure))
      return .failure(
        PostgresError(.connectionFailed, "no thread could be started to wait for sockets: \(reason)"))
    }
    pthread_detach(thread)
    return .success(loop)
  }

  // MARK: - Waiting

  /// Suspends until the socket is ready, the deadline has passed, or `wake` is called for it.
  ///
  /// `interrupted` is asked under the lock that `wake` takes too, so that what happens just before the wait is not lost.
  func wait(
    for interest: Interest, on socket: Int32, until deadline: ContinuousClock.Instant? = nil,
    unless interrupted: () -> Bool = { false }
  ) async -> Wake {
    unsafe await withUnsafeContinuation { continuation in
      let early: Wake? = state.withLock { state in
        if interrupted() { return .interrupted }
        precondition(state.waiters[socket] == nil, "two waiters for one socket")
        state.waiters[socket] = unsafe Waiter(continuation: continuation, deadline: deadline)
        if deadline != nil { state.deadlines += 1 }
        guard let failure = arm(socket, interest) else { return nil }
        _ = unsafe state.remove(socket)
        return .failed(failure)
      }
      if let early {
        unsafe continuation.resume(returning: early)
      } else if deadline != nil {
        ring()
      }
    }
  }

  /// Resumes the waiter of a socket, if there is one.
  func wake(_ socket: Int32) {
    if let continuation = unsafe state.withLock({ unsafe $0.remove(socket) }) {
      unsafe continuation.resume(returning: .interrupted)
    }
  }

  /// Watches the socket for one event; a descriptor that was closed and given out again is added anew.
  private func arm(_ socket: Int32, _ interest: Interest) -> Int32? {
    var event = unsafe epoll_event()
    unsafe event.events = interest.events | EPOLLONESHOT.rawValue
    unsafe event.data.fd = socket
    if unsafe epoll_ctl(poll, EPOLL_CTL_MOD, socket, &event) == 0 { return nil }
    if errno == ENOENT, unsafe epoll_ctl(poll, EPOLL_CTL_ADD, socket, &event) == 0 { return nil }
    return errno
  }

  private func ring() {
    var one: UInt64 = 1
    _ = unsafe write(bell, &one, 8)
  }

  // MARK: - The thread

  private func run() {
    var events = unsafe [epoll_event](repeating: epoll_event(), count: 64)
    while true {
      let count = unsafe epoll_wait(poll, &events, Int32(events.count), timeout())
      for index in 0..<max(0, Int(count)) {
        let socket = unsafe events[index].data.fd
        if socket == bell {
          var rung: UInt64 = 0
          _ = unsafe read(bell, &rung, 8)
        } else if let continuation = unsafe state.withLock({ unsafe $0.remove(socket) }) {
          unsafe continuation.resume(returning: .ready)
        }
      }
      expire()
    }
  }

  /// Milliseconds until the next deadline, rounded up; -1 without one.
  private func timeout() -> Int32 {
    let next = state.withLock { state in
      state.deadlines == 0 ? nil : state.waiters.values.compactMap { $0.deadline }.min()
    }
    guard let next else { return -1 }
    let left = ContinuousClock.now.duration(to: next)
    guard left > .zero else { return 0 }
    let milliseconds =
      left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000 + 1
    return Int32(clamping: milliseconds)
  }

  private func expire() {
    let expired = unsafe state.withLock { state in
      guard state.deadlines > 0 else { return unsafe [UnsafeContinuation<Wake, Never>]() }
      let now = ContinuousClock.now
      let sockets = state.waiters.filter { $0.value.deadline.map { $0 <= now } ?? false }.keys
      return unsafe sockets.compactMap { unsafe state.remove($0) }
    }
    for index in unsafe expired.indices { unsafe expired[index].resume(returning: .timedOut) }
  }
}
