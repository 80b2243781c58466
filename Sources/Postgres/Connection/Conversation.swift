// One conversation at a time: an actor is re-entrant at every await, the protocol is not.

import CPostgres

/// A place in which conversations take turns: the connection, or a transaction inside it.
struct ConversationScope {
  @safe struct Waiter {
    let ticket: Int
    let continuation: UnsafeContinuation<Bool, Never>
  }

  let id: Int
  /// Why nothing can be run in it, such as while a COPY is under way.
  var refusal: String?
  var isHeld = false
  var waiters: [Waiter] = []

  init(id: Int, refusal: String? = nil) {
    self.id = id
    self.refusal = refusal
  }
}

/// In which scope of which connection the current task runs.
final class ScopeFrame: Sendable {
  @TaskLocal static var current: ScopeFrame?

  let connection: ObjectIdentifier
  let scope: Int
  let parent: ScopeFrame?

  init(_ connection: PostgresConnection, scope: Int) {
    self.connection = ObjectIdentifier(connection)
    self.scope = scope
    parent = Self.current
  }

  /// The innermost scope of that connection; 0 outside of its transactions.
  static func scope(of connection: PostgresConnection) -> Int {
    let identifier = ObjectIdentifier(connection)
    var frame = current
    while let candidate = frame {
      if candidate.connection == identifier { return candidate.scope }
      frame = candidate.parent
    }
    return 0
  }
}

extension PostgresConnection {
  // MARK: - Turns

  /// Runs `body` as one conversation, in its turn and, unless it is shielded, cancellable.
  func converse<R: Sendable>(
    _ sql: String?, shielded: Bool = false, _ body: () async throws(PostgresError) -> R
  ) async throws(PostgresError) -> R {
    let scope = try await enter(shielded: shielded)
    defer { release(scope: scope) }
    return try await supervise(sql, shielded: shielded, body)
  }

  /// Waits for the turn in the current task's scope.
  func enter(shielded: Bool = false) async throws(PostgresError) -> Int {
    let id = ScopeFrame.current == nil ? 0 : ScopeFrame.scope(of: self)
    guard let index = scopes.firstIndex(where: { $0.id == id }) else {
      throw PostgresError(.misuse, "the transaction or COPY in whose body this call was made has ended")
    }
    if let refusal = scopes[index].refusal { throw PostgresError(.misuse, refusal) }
    if !shielded, Task.isCancelled { throw .cancelled() }
    if !scopes[index].isHeld {
      scopes[index].isHeld = true
    } else {
      lastTicket += 1
      let ticket = lastTicket
      let granted = await withTaskCancellationHandler {
        await wait(scope: id, ticket: ticket)
      } onCancel: {
        // The waiter is enqueued before this can run: until then the actor is busy.
        if !shielded { Task { await self.abandon(ticket: ticket) } }
      }
      guard granted else {
        throw Task.isCancelled
          ? .cancelled()
          : PostgresError(.misuse, "the transaction or COPY in whose body this call was made has ended")
      }
    }
    guard link != nil else {
      release(scope: id)
      throw PostgresError(.connectionLost, "the connection is closed; nothing was sent", isSafeToRetry: true)
    }
    return id
  }

  /// Waits for the turn in a scope, whatever happens.
  func acquire(scope id: Int) async {
    guard let index = scopes.firstIndex(where: { $0.id == id }) else { return }
    if scopes[index].isHeld {
      lastTicket += 1
      _ = await wait(scope: id, ticket: lastTicket)
    } else {
      scopes[index].isHeld = true
    }
  }

  /// Hands the turn to the one who has waited longest.
  func release(scope id: Int) {
    noteCondition()
    guard let index = scopes.firstIndex(where: { $0.id == id }) else { return }
    if scopes[index].waiters.isEmpty {
      scopes[index].isHeld = false
    } else {
      unsafe scopes[index].waiters.removeFirst().continuation.resume(returning: true)
    }
  }

  private func wait(scope id: Int, ticket: Int) async -> Bool {
    unsafe await withUnsafeContinuation { continuation in
      guard let index = scopes.firstIndex(where: { $0.id == id }) else {
        return unsafe continuation.resume(returning: false)
      }
      scopes[index].waiters.append(
        unsafe ConversationScope.Waiter(ticket: ticket, continuation: continuation))
    }
  }

  private func abandon(ticket: Int) {
    for index in scopes.indices {
      guard let position = scopes[index].waiters.firstIndex(where: { $0.ticket == ticket }) else { continue }
      unsafe scopes[index].waiters.remove(at: position).continuation.resume(returning: false)
      return
    }
  }

  /// Opens a scope inside the one whose turn the caller has.
  func openScope(refusal: String? = nil) -> Int {
    lastScope += 1
    scopes.append(ConversationScope(id: lastScope, refusal: refusal))
    return lastScope
  }

  /// Ends a scope once what runs in it has ended; who still waits for it is refused.
  func closeScope(_ id: Int) async {
    await acquire(scope: id)
    guard let index = scopes.firstIndex(where: { $0.id == id }) else { return }
    let scope = scopes.remove(at: index)
    for waiter in scope.waiters { unsafe waiter.continuation.resume(returning: false) }
  }

  // MARK: - Cancellation

  /// Runs `body` so that cancelling the task cancels its statement on the server; returns when no request is under way.
  func supervise<R: Sendable>(
    _ sql: String?, shielded: Bool = false, _ body: () async throws(PostgresError) -> R
  ) async throws(PostgresError) -> R {
    let start = observer == nil ? nil : ContinuousClock.now
    defer { if let start, let sql { observer?.ran(sql, since: start) } }
    canceller.arm()
    patience = nil
    let result: Result<R, PostgresError>
    if shielded {
      result = await capture(body)
    } else {
      result = await withTaskCancellationHandler {
        await capture(body)
      } onCancel: { [canceller] in
        canceller.request()
      }
    }
    let wasRequested = await canceller.disarm()
    if wasRequested, case .failure(let error) = result, error.sqlState == .queryCanceled {
      throw PostgresError.cancelled(sql: sql)
    }
    return try result.get()
  }

  private func capture<R: Sendable>(
    _ body: () async throws(PostgresError) -> R
  ) async -> Result<R, PostgresError> {
    do {
      return .success(try await body())
    } catch {
      return .failure(error)
    }
  }
}
