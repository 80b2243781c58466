// A SQLite file and Postgres as one backend: the phase of the cut-over, which the file holds, says which of them a call goes to.

import Postgres
import SQLite
import Synchronization

/// An agent's rows in a SQLite file and in Postgres.
final class DualStore: AgentStore {
  /// How long the phase is remembered. Who changes the phase has everybody wait for longer than that.
  static let phaseLimit = Duration.milliseconds(500)

  /// How long the file alone is read after Postgres could not be: a call that waits for a server takes its whole wait limit.
  private static let readPause = Duration.seconds(5)

  private struct State {
    var phase = CutoverPhase.sqliteOnly
    /// How many of a hundred keys are read from Postgres.
    var readPercent = 0
    /// When the phase was read; nil where it has to be read anew.
    var readAt: ContinuousClock.Instant?
    /// Until when nothing is read from Postgres to be compared.
    var readsPausedUntil: ContinuousClock.Instant?
    /// The rows in Postgres, when they are needed.
    var postgres: Task<PostgresStore, any Error>?
    var opened: PostgresStore?
  }

  let sqlite: SQLiteStore
  private let replicator: SharedLease<Replicator>
  private let url: String
  let config: AgentConfig
  private let state = Mutex(State())

  var database: ObjectIdentifier {
    let (phase, opened) = state.withLock { ($0.phase, $0.opened) }
    guard phase.decider == .postgres, let opened else { return sqlite.database }
    return opened.database
  }

  /// Opens the file. Postgres is connected to when it is needed, so that an agent begins while its server is down.
  init(path: String, url: String, config: AgentConfig) async throws {
    let sqlite = try await SQLiteStore(path: path, config: config)
    self.sqlite = sqlite
    self.url = url
    self.config = config
    do {
      _ = try PostgresConfiguration(url)
      replicator = try await Replicator.shared.lease("\(SQLiteAgentFile.key(for: path))\n\(url)") {
        Replicator(file: try await SQLiteAgentFile.lease(path: path, config: config), url: url)
      } close: {
        await $0.stop()
      }
    } catch {
      await sqlite.close()
      throw AgentBaseError.of(error)
    }
    replicator.resource.add(config)
  }

  func close() async {
    await replicator.release()
    await sqlite.close()
    let postgres = state.withLock { $0.postgres }
    try? await postgres?.value.close()
  }

  // MARK: - Which side

  /// The store that decides at this moment.
  private func current() async throws -> any AgentStore {
    try await phase().decider == .postgres ? try await postgres() : sqlite
  }

  /// The store that decides, for a call that may write.
  ///
  /// - Throws: `AgentBaseError` of the code `outboxFull` where too much waits in Postgres. The file looks at what waits there by itself.
  private func writable() async throws -> any AgentStore {
    let store = try await current()
    guard state.withLock({ $0.phase == .postgresPrimary }) else { return store }
    let waiting = replicator.resource.lag(of: config.id)
    guard waiting < Int64(config.outboxLimit) else {
      replicator.resource.wake()
      throw AgentBaseError(
        .outboxFull,
        "\(waiting) changes wait to be carried to the SQLite file, and the limit is \(config.outboxLimit)",
        advice: "Nothing was stored. See that the file can be written, or raise outboxLimit of the config.",
        agent: config.id, isSafeToRetry: true)
    }
    return store
  }

  /// The phase, not older than the limit.
  private func phase() async throws -> CutoverPhase {
    let known = state.withLock { state in
      state.readAt.map { ContinuousClock.now - $0 < Self.phaseLimit } ?? false ? state.phase : nil
    }
    if let known { return known }
    // Before it is read: what is read may be older than the answer.
    let now = ContinuousClock.now
    let record = try await Replicator.record(of: config.id, sqlite.file)
    let phase = record?.phase ?? .sqliteOnly
    state.withLock { state in
      state.phase = phase
      state.readPercent = record?.readPercent ?? 0
      // While the phase is about to change, each call asks anew.
      state.readAt = record?.heldUntil == nil ? now : nil
    }
    return phase
  }

  /// Whether a key is one of those that are read from Postgres, and compared.
  func isCompared(_ name: MemoryName) async throws -> Bool {
    guard try await phase() == .dualPostgres else { return false }
    return state.withLock { state in
      guard state.readsPausedUntil.map({ $0 <= .now }) ?? true else { return false }
      return ReadShare.number(agent: config.id, name) < state.readPercent
    }
  }

  /// Has the file alone be read for a while.
  func pauseComparedReads() {
    state.withLock { $0.readsPausedUntil = ContinuousClock.now + Self.readPause }
  }

  /// The rows in Postgres.
  func postgres() async throws -> PostgresStore {
    let task = state.withLock { state in
      if let task = state.postgres { return task }
      let (url, config) = (url, config)
      let task = Task<PostgresStore, any Error> {
        try await PostgresStore(url: url, config: config, locksPhase: true)
      }
      state.postgres = task
      return task
    }
    do {
      let store = try await task.value
      state.withLock { $0.opened = store }
      return store
    } catch {
      state.withLock { if $0.postgres == task { $0.postgres = nil } }
      throw error
    }
  }

  /// Runs a call that reads.
  func reading<Value>(_ call: (any AgentStore) async throws -> Value) async throws -> Value {
    try await call(try await current())
  }

  /// Runs a call that may write: on the other side, where the agent has moved there since the phase was read.
  func writing<Value>(_ call: (any AgentStore) async throws -> Value) async throws -> Value {
    try await onTheRightSide { try await call(try await writable()) }
  }

  /// Runs a call again where the side that it went to decides no more: nothing has happened then.
  ///
  /// Between the commits of the two sides of a hand-over both refuse. Whoever finds that so completes it.
  private nonisolated(nonsending) func onTheRightSide<Value>(
    _ call: nonisolated(nonsending) () async throws -> Value
  ) async throws -> Value {
    var attempts = 0
    while true {
      do {
        let value = try await call()
        replicator.resource.wake()
        return value
      } catch let error as AgentBaseError where error.code == .moved && error.agent == config.id {
        state.withLock { $0.readAt = nil }
        attempts += 1
        if attempts == 1 { continue }
        guard attempts < 10 else { throw error }
        try await replicator.resource.settle(config.id)
        if attempts > 2 { try await Task.sleep(for: .milliseconds(20 * attempts)) }
      }
    }
  }

  nonisolated(nonsending) func transaction<Value>(
    isRetryable: Bool, _ body: nonisolated(nonsending) (any AgentStore) async throws -> Value
  ) async throws -> Value {
    // Who decides is found before the body begins, and stays so while it runs.
    try await onTheRightSide { try await writable().transaction(isRetryable: isRetryable, body) }
  }

  func cutoverStatus() async throws -> CutoverStatus? {
    guard var status = try await sqlite.cutoverStatus() else { return nil }
    if status.phase.follower != nil { status.failure = replicator.resource.failure(of: config.id) }
    if status.phase == .postgresPrimary {
      let lag = try await replicator.resource.measureLag(of: config.id, limit: config.outboxLimit + 1)
      status.set(lag)
    }
    return status
  }
}
