// Carries what has changed from the side that decides to the other. Any number of processes may do so at once: one at a time gets
// an agent's lock.

import Foundation
import Postgres
import SQLite
import Synchronization

/// What carries the changes of a file to a database, or those of the database to the file, shared by the agents of both in this
/// process.
final class Replicator: Sendable {
  /// The replicators of this process, by file and URL.
  static let shared = SharedResources<Replicator>()

  /// What is known of an agent.
  struct AgentState {
    /// What it was added with; nil for one of another process, whose lines are in the file.
    var config: AgentConfig?
    /// Why its changes are not carried; nil where nothing is wrong.
    var failure: String?
    /// How long it was waited behind the last failure.
    var pause: Duration?
    /// How much waits in Postgres, as it was counted last.
    var postgresLag: Int64 = 0
    /// When it was looked at last how much waits.
    var lagLookedAt: ContinuousClock.Instant?
    /// The next number of waiting changes that is told of; nil for the first.
    var nextTold: Int64?
    /// How many lines a batch may have where a larger one was refused: so the change is found that is.
    var lineLimit: Int?
    /// Whether so much waits that who carries does not rest.
    var isBehind = false
  }

  struct State {
    var agents: [String: AgentState] = [:]
    var task: Task<Void, Never>?
    var postgres: SharedLease<PostgresAgentDatabase>?
  }

  /// How often the outbox is looked at where nobody in this process has written.
  static let pollInterval = Duration.milliseconds(500)
  /// How many batches of an agent are carried before another one's.
  private static let mostBatches = 50
  /// The longest pause after a failure.
  static let longestPause = Duration.seconds(5)

  let file: SharedLease<SQLiteAgentFile>
  private let url: String
  let state = Mutex(State())
  private let wakes: AsyncStream<Void>
  private let waker: AsyncStream<Void>.Continuation

  /// How to reach Postgres where no agent was added.
  private let access: AgentConfig?

  /// A replicator, which begins when its first agent is added.
  ///
  /// - Parameter access: how to reach Postgres, for one that carries when it is told to.
  init(file: SharedLease<SQLiteAgentFile>, url: String, access: AgentConfig? = nil) {
    self.file = file
    self.url = url
    self.access = access
    (wakes, waker) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  // MARK: - Agents

  /// Carries the changes of an agent from now on, with those of the others whose lines are in the file.
  func add(_ config: AgentConfig) {
    state.withLock { state in
      state.agents[config.id, default: AgentState()].config = config
      guard state.task == nil else { return }
      // Behind the agents' own calls.
      state.task = Task(priority: .utility) { [weak self, wakes] in
        let clock = Task { [weak self] in
          while (try? await Task.sleep(for: Self.pollInterval)) != nil { self?.wake() }
        }
        defer { clock.cancel() }
        var pace = CarryingPace()
        for await _ in wakes {
          guard let self else { return }
          // What is written about now comes along: a batch costs little more than a change.
          guard (try? await Task.sleep(until: pace.nextStart(after: .now), clock: .continuous)) != nil else {
            return
          }
          let start = ContinuousClock.now
          await self.carryAll()
          pace.note(from: start, to: .now, isBehind: self.isBehind)
        }
      }
    }
    wake()
  }

  /// Has the outbox be looked at now.
  func wake() { waker.yield() }

  /// What an agent was added with.
  func config(of agent: String) -> AgentConfig? { state.withLock { $0.agents[agent]?.config } }

  /// How much of an agent waits in Postgres, as it was counted last.
  func lag(of agent: String) -> Int64 { state.withLock { $0.agents[agent]?.postgresLag ?? 0 } }

  /// Changes what is known of an agent.
  func update(_ agent: String, _ change: (inout AgentState) -> Void) {
    state.withLock { change(&$0.agents[agent, default: AgentState()]) }
  }

  /// Why an agent's changes are not carried; nil where nothing is wrong.
  func failure(of agent: String) -> String? { state.withLock { $0.agents[agent]?.failure } }

  /// Whether some agent's changes have become too many for a rest.
  private var isBehind: Bool { state.withLock { $0.agents.values.contains(where: \.isBehind) } }

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
      let waiting = try await waitingAgents()
      for (agent, follower) in waiting {
        do {
          var batches = 0
          var outcome = try await carry(agent)
          while outcome == .part {
            batches += 1
            _ = await tellLag(of: agent, follower, notBefore: Self.pollInterval)
            // The others have their turn, too.
            guard batches < Self.mostBatches else {
              wake()
              break
            }
            outcome = try await carry(agent)
          }
          let isDue = await tellLag(of: agent, follower, notBefore: Self.pollInterval)
          if follower == .sqlite, isDue, outcome == .nothing { try await settle(agent) }
          tell(agent, failure: nil)
        } catch is CancellationError {
          return
        } catch {
          _ = await tellLag(of: agent, follower)
          tell(agent, failure: error)
          pause = max(pause, nextPause(agent))
        }
      }
      // What did not go well here may have been done by another process.
      for agent in state.withLock({ state in
        state.agents.filter { $0.value.failure != nil || $0.value.nextTold != nil }.keys
      })
      where !waiting.contains(where: { $0.agent == agent }) {
        _ = await tellLag(of: agent, .postgres)
        tell(agent, failure: nil)
      }
    } catch {
      // The file cannot be read at the moment: the agents' own calls tell why.
      pause = .seconds(1)
    }
    if pause > .zero { try? await Task.sleep(for: pause) }
  }

  /// One more than the limit of what may wait: so much is counted.
  func limit(of agent: String) -> Int { (config(of: agent)?.outboxLimit ?? 1_000_000) + 1 }

  /// The agents whose lines wait in the file, or are in Postgres and not removed, and those whose lines may wait in Postgres; and
  /// who follows.
  private func waitingAgents() async throws -> [(agent: String, follower: CutoverSide)] {
    try await file.resource.read { connection, catalog in
      guard catalog.ownVersion >= CutoverTable.step else { return [] }
      return try connection.query(
        """
        SELECT agent_id, phase FROM main.agentbase_cutover
        WHERE phase LIKE 'dual-%' AND carried_sequence < \(CutoverTable.lastSequenceSQL) OR phase = 'postgres-primary' ORDER BY agent_id
        """
      ).compactMap { row in
        row[0].string.map { ($0, row[1].string.flatMap(CutoverPhase.init)?.follower ?? .postgres) }
      }
    }
  }

  /// What has become of the changes that waited.
  enum Outcome {
    /// Nothing was carried: nothing waits, or another process is at it.
    case nothing
    /// All that waited was carried.
    case all
    /// Some were carried, and others wait.
    case part
  }

  /// Carries a batch of an agent's changes, to the side that follows.
  ///
  /// Where a batch is refused, smaller ones follow, so that all is carried before the change that is, and this is named.
  ///
  /// - Throws: `AgentBaseError` of the code `refused` for a change that the other side does not take.
  func carry(_ agent: String) async throws -> Outcome {
    let limit = state.withLock { $0.agents[agent]?.lineLimit } ?? OutboxReader.mostLines
    do {
      let outcome: Outcome =
        switch try await Self.record(of: agent, file.resource)?.phase.follower {
        case .postgres?: try await carryForth(agent, limit: limit)
        case .sqlite?: try await carryBack(agent, limit: limit)
        case nil: .nothing
        }
      update(agent) { $0.lineLimit = limit < OutboxReader.mostLines ? limit * 2 : nil }
      return outcome
    } catch let error as RefusedBatch {
      guard let change = error.only else {
        update(agent) { $0.lineLimit = max(1, error.lineCount / 2) }
        return .part
      }
      throw AgentBaseError(
        .refused, "\(change.named) is refused by the other side: \(error.reason.message)",
        advice: "Correct what refuses it, or have it set aside: agentbase cutover set-aside.", agent: agent,
        underlying: error)
    }
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
    let (open, other) = state.withLock { state in
      (state.postgres, state.agents.values.lazy.compactMap(\.config).first)
    }
    if let open { return open.resource }
    guard let config = config ?? other ?? access else { throw CancellationError() }
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
}
