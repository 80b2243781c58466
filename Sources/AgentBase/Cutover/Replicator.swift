// Carries the outboxes of a SQLite file to Postgres. Any number of processes may do so at once: one at a time gets an agent's lock.

import Foundation
import Postgres
import SQLite
import Synchronization

/// What carries the changes of a file to a database, shared by the agents of both in this process.
final class Replicator: Sendable {
  /// The replicators of this process, by file and URL.
  static let shared = SharedResources<Replicator>()

  private struct State {
    var configs: [String: AgentConfig] = [:]
    var failures: [String: String] = [:]
    var task: Task<Void, Never>?
    var postgres: SharedLease<PostgresAgentDatabase>?
  }

  /// How often the outbox is looked at where nobody in this process has written.
  private static let pollInterval = Duration.milliseconds(500)
  /// The longest pause after a failure.
  private static let longestPause = Duration.seconds(5)

  let file: SharedLease<SQLiteAgentFile>
  private let url: String
  private let state = Mutex(State())
  private let wakes: AsyncStream<Void>
  private let waker: AsyncStream<Void>.Continuation

  /// A replicator, which begins when its first agent is added.
  init(file: SharedLease<SQLiteAgentFile>, url: String) {
    self.file = file
    self.url = url
    (wakes, waker) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  // MARK: - Agents

  /// Carries the changes of an agent from now on, with those of the others whose lines are in the file.
  func add(_ config: AgentConfig) {
    state.withLock { state in
      state.configs[config.id] = config
      guard state.task == nil else { return }
      state.task = Task { [weak self, wakes] in
        let clock = Task { [weak self] in
          while (try? await Task.sleep(for: Self.pollInterval)) != nil { self?.wake() }
        }
        defer { clock.cancel() }
        for await _ in wakes {
          guard let self else { return }
          await self.carryAll()
        }
      }
    }
    wake()
  }

  /// Has the outbox be looked at now.
  func wake() { waker.yield() }

  /// Why an agent's changes are not carried; nil where nothing is wrong.
  func failure(of agent: String) -> String? { state.withLock { $0.failures[agent] } }

  /// Ends, when what is under way has ended.
  func stop() async {
    let task = state.withLock { $0.task }
    task?.cancel()
    waker.finish()
    await task?.value
    let postgres = state.withLock { state in
      defer { state.postgres = nil }
      return state.postgres
    }
    await postgres?.release()
    await file.release()
  }

  // MARK: - Carrying

  private func carryAll() async {
    var pause = Duration.zero
    do {
      for agent in try await waitingAgents() {
        do {
          while try await carry(agent) {}
          tell(agent, failure: nil)
        } catch is CancellationError {
          return
        } catch {
          tell(agent, failure: error)
          pause = max(pause, nextPause(agent))
        }
      }
    } catch {
      // The file cannot be read at the moment: the agents' own calls tell why.
      pause = .seconds(1)
    }
    if pause > .zero { try? await Task.sleep(for: pause) }
  }

  /// The agents whose lines wait, or whose lines are in Postgres and not removed.
  private func waitingAgents() async throws -> [String] {
    try await file.resource.read { connection, catalog in
      guard catalog.ownVersion >= CutoverTable.step else { return [] }
      return try connection.query(
        """
        SELECT agent_id FROM main.agentbase_cutover
        WHERE phase LIKE 'dual-%' AND carried_sequence < last_sequence ORDER BY agent_id
        """
      ).compactMap { $0[0].string }
    }
  }

  /// Carries a batch of an agent's changes.
  ///
  /// The agent's lock is taken before the file is read, and kept until the batch has committed: so what is applied is never
  /// older than what has been. What has been read and is changed again meanwhile has a new line behind the batch.
  ///
  /// - Returns: whether there may be more.
  func carry(_ agent: String) async throws -> Bool {
    let config = state.withLock { $0.configs[agent] }
    let follower = Follower(agent: agent, config: config)
    let time = LegacyTime(naiveZone: config?.legacyTimeZone ?? .gmt)
    let pool = try await postgres(for: config).pool
    let file = file.resource
    let batch: OutboxBatch?
    do {
      batch = try await pool.transaction { connection -> OutboxBatch? in
        guard try await follower.lock(&connection),
          let record = try await Self.record(of: agent, file), record.phase.isDual
        else { return nil }
        let position = try await follower.position(record, &connection)
        let batch = try await file.read { connection, catalog in
          try OutboxReader(connection: connection, catalog: catalog, agent: agent, time: time)
            .batch(after: position)
        }
        if batch.lineCount > 0 { try await follower.apply(batch, of: record, &connection) }
        return batch
      }
    } catch {
      throw AgentBaseError.of(error)
    }
    // Another process is at it.
    guard let batch else { return false }
    try await file.write { connection, _ in
      try Outbox(connection: connection, agent: agent).remove(upTo: batch.position)
    }
    return batch.lineCount > 0
  }

  /// The state of an agent's cut-over; nil where it has none.
  static func record(of agent: String, _ file: SQLiteAgentFile) async throws -> CutoverRecord? {
    try await file.read { connection, catalog in
      guard catalog.ownVersion >= CutoverTable.step else { return nil }
      return try CutoverTable.record(of: agent, connection)
    }
  }

  /// The database, which is opened when it is first needed: an agent may begin while the server is down.
  @discardableResult
  func postgres(for config: AgentConfig?) async throws -> PostgresAgentDatabase {
    let (open, other) = state.withLock { ($0.postgres, $0.configs.values.first) }
    if let open { return open.resource }
    guard let config = config ?? other else { throw CancellationError() }
    let lease = try await PostgresAgentDatabase.lease(url: url, config: config)
    let isTaken = state.withLock { state in
      guard state.postgres == nil else { return false }
      state.postgres = lease
      return true
    }
    guard isTaken else {
      await lease.release()
      return try await postgres(for: config)
    }
    return lease.resource
  }

  // MARK: - Telling

  /// Notes how it went, and tells where that has changed.
  private func tell(_ agent: String, failure: (any Error)?) {
    let text = failure.map { error in
      (error as? AgentBaseError)?.message ?? "\(error)"
    }
    let (before, config) = state.withLock { state in
      defer { state.failures[agent] = text }
      return (state.failures[agent], state.configs[agent])
    }
    if text == nil { pauses.withLock { $0[agent] = nil } }
    guard (before == nil) != (text == nil), let handler = config?.eventHandler, handler.wants(.replication)
    else { return }
    if let text {
      handler.handle(
        AgentEvent(
          .replication, "changes cannot be carried to Postgres, and wait in the SQLite file: \(text)",
          level: .warning, agent: agent))
    } else {
      handler.handle(AgentEvent(.replication, "changes are carried to Postgres again", agent: agent))
    }
  }

  private let pauses = Mutex<[String: Duration]>([:])

  /// Twice the pause before, up to the longest.
  private func nextPause(_ agent: String) -> Duration {
    pauses.withLock { pauses in
      let pause = min(Self.longestPause, (pauses[agent] ?? .milliseconds(125)) * 2)
      pauses[agent] = pause
      return pause
    }
  }
}
