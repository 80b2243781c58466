// Where statements run, who counts them, and whether they still may.

import Postgres
import SQLite
import Synchronization

/// Where statements run, who counts them, and whether they still may.
public final class DatabaseAccess: Sendable {
  let session: any DatabaseSession
  let counters: DatabaseCounters
  let listener: CallListener?
  /// The access to the database itself, which its transactions share; nil where this is it.
  private let outermost: DatabaseAccess?
  /// What later calls fail with; nil while they are welcome.
  private let refusal = Mutex<AgentBaseError?>(nil)

  /// The access to a database.
  init(session: any DatabaseSession, counters: DatabaseCounters, listener: CallListener?) {
    self.session = session
    self.counters = counters
    self.listener = listener
    outermost = nil
  }

  /// The access to a transaction.
  init(session: any DatabaseSession, within outer: DatabaseAccess) {
    self.session = session
    counters = outer.counters
    listener = outer.listener
    outermost = outer.database
  }

  /// What all accesses to one database share.
  var database: DatabaseAccess { outermost ?? self }

  /// Lets no more calls in.
  ///
  /// - Returns: whether this was the first time.
  @discardableResult
  func end(_ error: AgentBaseError) -> Bool {
    refusal.withLock { refusal in
      guard refusal == nil else { return false }
      refusal = error
      return true
    }
  }

  /// Checks that calls are welcome, and that they do not go past a transaction in whose body they are made.
  func check() throws {
    if let refusal = refusal.withLock({ $0 }) { throw refusal }
    try DatabaseFrame.check(self)
    try Task.checkCancellation()
  }

  /// Ends a transaction in which the database has refused a call: Postgres does so by itself.
  func failed(_ error: any Error) {
    guard outermost != nil else { return }
    let failure = error as? AgentBaseError
    let isOfDatabase = failure?.underlying is PostgresError || failure?.underlying is SQLiteError
    guard isOfDatabase || error is CancellationError else { return }
    end(
      AgentBaseError(
        failure?.code ?? .database,
        "the transaction is undone: a call in it had failed" + (failure.map { " (\($0.message))" } ?? ""),
        advice: "Put what may fail into a transaction within it.", underlying: failure?.underlying,
        isSafeToRetry: failure?.isSafeToRetry ?? true))
  }

  /// Runs a statement, and counts it.
  func counted<Value>(
    _ verb: StaticString, _ body: (any DatabaseSession) async throws -> Value
  ) async throws -> Value {
    let start = ContinuousClock.now
    do {
      try check()
      let value = try await body(session)
      let duration = ContinuousClock.now - start
      counters.ended(duration, failed: false)
      listener?.ended(verb, after: duration)
      return value
    } catch {
      let duration = ContinuousClock.now - start
      counters.ended(duration, failed: true)
      listener?.ended(verb, after: duration, error)
      failed(error)
      throw error
    }
  }
}

/// Which transactions of databases the current task is in the body of.
final class DatabaseFrame: Sendable {
  @TaskLocal private static var current: DatabaseFrame?

  private let access: DatabaseAccess
  private let parent: DatabaseFrame?
  private let isOver = Atomic<Bool>(false)

  private init(_ access: DatabaseAccess) {
    self.access = access
    parent = Self.current
  }

  /// Runs the body of a transaction, and lets no more calls in when it has ended.
  ///
  /// - Throws: what the body throws; where it returns although a call in it was refused, why the transaction cannot commit.
  static nonisolated(nonsending) func run<Value>(
    _ access: DatabaseAccess, _ body: nonisolated(nonsending) () async throws -> Value
  ) async throws -> Value {
    let ended = AgentBaseError(.closed, "the transaction has ended before this call")
    let frame = DatabaseFrame(access)
    defer { frame.isOver.store(true, ordering: .releasing) }
    let value: Value
    do {
      value = try await $current.withValue(frame) { try await body() }
    } catch {
      access.end(ended)
      throw error
    }
    // Ended before: it cannot commit.
    if !access.end(ended) { try access.check() }
    return value
  }

  /// Checks that a call is not made past the transaction of its database in whose body it is made.
  static func check(_ access: DatabaseAccess) throws(AgentBaseError) {
    var frame = current
    while let candidate = frame {
      if candidate.access.database === access.database, !candidate.isOver.load(ordering: .acquiring) {
        guard candidate.access !== access else { return }
        throw AgentBaseError(
          .outsideTransaction, "the call was made in the body of a transaction, but not on the transaction",
          advice: "Call it on the argument of the innermost body.")
      }
      frame = candidate.parent
    }
  }
}
