// What the verbs of an agent stand on: an agent, or a transaction of one.

import Synchronization

/// What can be done with an agent's rows: verb by verb with an `Agent`, or several verbs that hold together in a
/// transaction of it. A function that takes `some AgentOperations` serves both.
///
/// Only this library's types conform to it.
public protocol AgentOperations: Sendable {
  /// Whose rows they are, and where they are kept.
  var access: AgentAccess { get }
}

/// Whose rows a verb works on, where they are kept, and whether it may still be called.
public final class AgentAccess: Sendable {
  let config: AgentConfig
  let store: any AgentStore
  /// The spaces of vectors that the database knows of.
  let spaces = SpaceCache()
  /// Whether it is a transaction's: a call that the database refuses is the end of it.
  let isTransaction: Bool
  /// Who hears of calls; nil for nobody.
  let listener: CallListener?
  /// What later calls fail with; nil while they are welcome.
  private let refusal = Mutex<AgentBaseError?>(nil)
  /// Whether there is such an error: all calls ask, and seldom find one.
  private let isEnded = Atomic<Bool>(false)

  init(config: AgentConfig, store: any AgentStore, isTransaction: Bool = false) {
    self.config = config
    self.store = store
    self.isTransaction = isTransaction
    listener = CallListener(config.eventHandler, agent: config.id)
  }

  /// Lets no more calls in.
  ///
  /// - Returns: whether this was the first time.
  func end(_ error: AgentBaseError) -> Bool {
    refusal.withLock { refusal in
      guard refusal == nil else { return false }
      refusal = error
      isEnded.store(true, ordering: .releasing)
      return true
    }
  }

  /// Checks that calls are welcome, and that they do not go past a transaction in whose body they are made.
  func check() throws(AgentBaseError) {
    if isEnded.load(ordering: .acquiring), let refusal = refusal.withLock({ $0 }) { throw refusal }
    try TransactionFrame.check(self)
  }
}

extension AgentOperations {
  /// The id that the agent's rows are known by.
  public var id: String { access.config.id }

  /// Calls the store, with errors that name the agent and the key, and an event at the end where somebody listens.
  ///
  /// - Parameter verb: what the event calls it.
  func withStore<Value>(
    key: String? = nil, verb: StaticString = #function, _ body: (any AgentStore) async throws -> Value
  ) async throws -> Value {
    let access = access
    let start = access.listener.map { _ in ContinuousClock.now }
    do {
      try access.check()
      try Task.checkCancellation()
      let value = try await body(access.store)
      if let start { access.listener?.ended(verb, after: ContinuousClock.now - start) }
      return value
    } catch {
      if access.isTransaction { access.endTransaction(after: error) }
      let error = (error as? AgentBaseError)?.of(agent: access.config.id, key: key) ?? error
      if let start { access.listener?.ended(verb, after: ContinuousClock.now - start, error) }
      throw error
    }
  }
}
