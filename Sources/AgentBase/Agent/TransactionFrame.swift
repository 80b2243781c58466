// Which transactions the current task is in the body of: a call past the innermost of them would wait for ever.

import Synchronization

/// In the body of which transactions the current task runs.
final class TransactionFrame: Sendable {
  @TaskLocal private static var current: TransactionFrame?

  private let access: AgentAccess
  private let parent: TransactionFrame?
  private let isOver = Atomic<Bool>(false)

  private init(_ access: AgentAccess) {
    self.access = access
    parent = Self.current
  }

  /// Runs the body of a transaction, and lets no more calls in when it has ended.
  ///
  /// - Throws: what the body throws; where it returns although a call in it was refused, why the transaction cannot commit.
  static nonisolated(nonsending) func run<Value>(
    _ access: AgentAccess, _ body: nonisolated(nonsending) () async throws -> Value
  ) async throws -> Value {
    let frame = TransactionFrame(access)
    let ended = AgentBaseError(.closed, "the transaction has ended before this call")
    let value: Value
    do {
      value = try await $current.withValue(frame) { try await body() }
    } catch {
      frame.isOver.store(true, ordering: .releasing)
      _ = access.end(ended)
      throw error
    }
    frame.isOver.store(true, ordering: .releasing)
    if !access.end(ended) {
      try Task.checkCancellation()
      try access.check()
    }
    return value
  }

  /// Checks that a call is not made past the transaction of its database in whose body it is made.
  static func check(_ access: AgentAccess) throws(AgentBaseError) {
    guard current != nil, let frame = innermost(on: access.store), frame.access !== access else { return }
    throw AgentBaseError(
      .outsideTransaction, "the call was made in the body of a transaction, but not on the transaction",
      advice: "Call it on the argument of the innermost body.")
  }

  /// Undoes the transactions of an agent in whose bodies the caller runs; false where it runs in none.
  static func undo(ofAgent id: String, on store: any AgentStore) -> Bool {
    let closed = AgentBaseError(.closed, "the transaction is undone: its agent was closed in its body")
    var isInside = false
    var frame = current
    while let candidate = frame {
      if candidate.isOpen(on: store.database), candidate.access.config.id == id {
        isInside = true
        _ = candidate.access.end(closed)
      }
      frame = candidate.parent
    }
    return isInside
  }

  private static func innermost(on store: any AgentStore) -> TransactionFrame? {
    let database = store.database
    var frame = current
    while let candidate = frame {
      if candidate.isOpen(on: database) { return candidate }
      frame = candidate.parent
    }
    return nil
  }

  private func isOpen(on database: ObjectIdentifier) -> Bool {
    !isOver.load(ordering: .acquiring) && access.store.database == database
  }
}
