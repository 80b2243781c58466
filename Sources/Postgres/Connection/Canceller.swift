// Asks the server to stop what a connection is running.

import CPostgres
import Synchronization

/// Sends cancel requests for one connection, and knows whether one is under way.
///
/// A request that arrives late would hit the next statement, so a conversation ends only once its request is settled.
@safe final class Canceller: Sendable {
  private enum Phase {
    /// Nothing runs that could be cancelled.
    case idle
    /// A conversation is under way.
    case armed
    /// A request is on its way.
    case sending
    /// The server has taken a request.
    case sent
  }

  private struct State {
    var phase = Phase.idle
    var waiters: [CheckedContinuation<Void, Never>] = []
  }

  // Never changed after `PQgetCancel`; `PQcancel` is documented to be safe from any thread.
  private nonisolated(unsafe) let handle: OpaquePointer
  private let socket: Int32
  private let loop: EventLoop
  private let state = Mutex(State())

  init?(_ link: Link, _ loop: EventLoop) {
    guard let handle = unsafe PQgetCancel(link.pointer) else { return nil }
    unsafe self.handle = unsafe handle
    socket = link.socket
    self.loop = loop
  }

  deinit { unsafe PQfreeCancel(handle) }

  /// Whether the conversation under way was asked to stop.
  var isRequested: Bool {
    state.withLock { state in
      switch state.phase {
      case .idle, .armed: false
      case .sending, .sent: true
      }
    }
  }

  /// A conversation begins.
  func arm() { state.withLock { $0.phase = .armed } }

  /// Asks the server to stop the statement of this conversation, again if it was asked before: a request that overtakes
  /// its statement is ignored by the server.
  func request() {
    let starts = state.withLock { state in
      guard state.phase == .armed || state.phase == .sent else { return false }
      state.phase = .sending
      return true
    }
    guard starts else { return }
    loop.wake(socket)
    BlockingQueue.start { [self] in
      unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
        _ = unsafe PQcancel(handle, buffer.baseAddress, Int32(buffer.count))
      }
      let waiters = state.withLock { state in
        state.phase = .sent
        defer { state.waiters = [] }
        return state.waiters
      }
      for waiter in waiters { waiter.resume() }
    }
  }

  /// The conversation is over; waits for a request that is on its way. Returns whether there was one.
  func disarm() async -> Bool {
    let settled: Bool? = state.withLock { state in
      guard state.phase != .sending else { return nil }
      defer { state.phase = .idle }
      return state.phase == .sent
    }
    if let settled { return settled }
    await withCheckedContinuation { continuation in
      let isSettled = state.withLock { state in
        guard state.phase == .sending else { return true }
        state.waiters.append(continuation)
        return false
      }
      if isSettled { continuation.resume() }
    }
    state.withLock { $0.phase = .idle }
    return true
  }
}
