// How the phase of a cut-over is changed: where the comparison allows it, and in one commit.

import Foundation
import Postgres
import SQLite

extension Cutover {
  /// How long writers are held back before the phase changes: longer than any process remembers the phase.
  private static let holdBefore = DualStore.phaseLimit + .milliseconds(300)
  /// How long writers are held back at most; then they go on by themselves, whatever has become of this process.
  private static let longestHold = Duration.seconds(15)

  /// Changes the phase where that is safe.
  ///
  /// - Parameter force: leaves the comparison out; and takes the database over from another file. What was acknowledged is never
  ///   lost: Postgres alone is reached only when everything has been carried.
  /// - Throws: `AgentBaseError` of the code `cutover` where the step is refused; `CutoverRefusal` where the comparison does.
  @concurrent package func set(
    _ phase: CutoverPhase, readPercent: Int = 10, force: Bool = false
  ) async throws -> CutoverStatus {
    let before = try await status()
    switch (before.phase, phase) {
    case (let from, let to) where from == to && to != .dualPostgres && before.epoch > 0: break
    case (.postgresOnly, _):
      throw refusal(
        "the agent's rows are in Postgres alone, and the file has nothing of what came since",
        "Write a new file with agentbase rollback, and begin anew with it.")
    case (_, .sqliteOnly): try await write(.sqliteOnly)
    case (.dualPostgres, .dualSQLite): try await write(.dualSQLite)
    case (_, .dualSQLite): try await begin(force: force)
    case (.sqliteOnly, _):
      throw refusal("the phase is \(before.phase.rawValue)", "Set \(CutoverPhase.dualSQLite.rawValue) first.")
    case (_, .dualPostgres):
      // Fewer reads from Postgres are always safe.
      if !force, before.phase == .dualSQLite || readPercent > before.readPercent { try await support() }
      try await write(.dualPostgres, readPercent: readPercent)
    case (_, .postgresOnly): try await handOver(force: force)
    }
    return try await status()
  }

  private func refusal(_ message: String, _ advice: String) -> AgentBaseError {
    AgentBaseError(.cutover, message, advice: advice, agent: agent)
  }

  private func write(_ phase: CutoverPhase, readPercent: Int = 0) async throws {
    let agent = agent
    try await file.resource.write { connection, _ in
      try SQLiteOwnSchema.install(on: connection)
      try CutoverTable.set(phase, readPercent: readPercent, of: agent, connection)
    }
  }

  /// Checks that nearly everything has been carried, and that both sides are the same.
  private func support() async throws {
    guard try await drain(to: 1000) else {
      throw refusal(
        "\(try await status().lag) changes wait to be carried to Postgres",
        "Wait until `agentbase cutover status` tells of less.")
    }
    let comparison = try await compare()
    guard comparison.differenceCount == 0 else { throw CutoverRefusal(comparison: comparison) }
  }

  /// From the file alone to both. The file's row comes first: should this process end there, what is carried makes the other.
  private func begin(force: Bool) async throws {
    let pool = try await carrier.postgres(for: config).pool
    do {
      let agent = agent
      let pair = try await pool.query(
        "SELECT pair_id::text, applied_sequence FROM agent_cutover WHERE agent_id = \(agent)"
      ).first.map { try $0.decode(0, as: String.self) }
      let known = try await Replicator.record(of: agent, file.resource)
      let fits = pair == known?.pairID || (pair == nil && known?.carriedSequence == 0)
      guard fits || force else {
        throw refusal(
          "Postgres follows another SQLite file of this agent, or one of the two was replaced",
          "If this file is the right one, set the phase with --force, and compare with --repair.")
      }
      try await write(.dualSQLite)
      guard let record = try await Replicator.record(of: agent, file.resource) else { return }
      // Forced: what was carried before counts as carried, and the comparison finds what was not.
      let position = fits ? nil : record.carriedSequence
      _ = try await pool.execute(Follower.begin(record, of: agent, appliedUpTo: position))
    } catch {
      throw AgentBaseError.of(error)
    }
  }

  /// From both to Postgres alone.
  ///
  /// Everything is carried, and compared; then writers are held back until the last change is carried, and the file's row says
  /// that Postgres decides. That one commit is the moment: before it each write goes to the file, after it none does.
  private func handOver(force: Bool) async throws {
    if !force { try await support() }
    let end = ContinuousClock.now + Self.longestHold
    try await hold(until: Self.longestHold)
    do {
      try await Task.sleep(for: Self.holdBefore)
      guard try await drain(for: end - .now - .seconds(2)), try await flip() else {
        throw refusal(
          "the last changes could not be carried to Postgres in time", "Nothing has changed: try again.")
      }
    } catch {
      // A task that was cancelled has to let the writers go, too.
      try? await Task { try await hold(until: nil) }.value
      throw error
    }
    guard let record = try await Replicator.record(of: agent, file.resource) else { return }
    do {
      let pool = try await carrier.postgres(for: config).pool
      _ = try await pool.execute(Follower.note(record, of: agent, appliedUpTo: record.carriedSequence))
    } catch {
      throw AgentBaseError.of(error)
    }
  }

  private func hold(until time: Duration?) async throws {
    let agent = agent
    let moment = time.map { Timestamp(microseconds: Timestamp.now.microseconds + $0.wholeMicroseconds) }
    try await file.resource.write { connection, _ in
      try CutoverTable.hold(agent, until: moment, connection)
    }
  }

  /// Has Postgres decide, if nothing waits and writers are still held back; answers whether it does.
  private func flip() async throws -> Bool {
    let agent = agent
    return try await file.resource.write { connection, _ in
      guard let record = try CutoverTable.record(of: agent, connection), record.phase.isDual,
        record.isHeld(at: .now), record.lag == 0
      else { return false }
      try CutoverTable.set(.postgresOnly, of: agent, connection)
      return true
    }
  }
}

/// A phase was not changed, since the two sides differ.
package struct CutoverRefusal: Error {
  /// What was found.
  package let comparison: CutoverComparison
}
