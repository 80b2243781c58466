// How the phase of a cut-over is changed while the file decides: where the comparison allows it, and in one commit. What Postgres
// decides is beside it.

import Foundation
import Postgres
import SQLite

extension Cutover {
  /// How long writers are held back before the phase changes: longer than any process remembers the phase.
  static let holdBefore = DualStore.phaseLimit + .milliseconds(300)
  /// How long writers are held back at most; then they go on by themselves, whatever has become of this process.
  static let longestHold = Duration.seconds(15)

  /// Changes the phase where that is safe.
  ///
  /// - Parameter force: leaves the comparison out; and takes the database over from another file. What was acknowledged is never
  ///   lost: Postgres alone is reached only when everything has been carried.
  /// - Throws: `AgentBaseError` of the code `cutover` where the step is refused; `CutoverRefusal` where the comparison does.
  @concurrent package func set(
    _ phase: CutoverPhase, readPercent: Int = 10, force: Bool = false
  ) async throws -> CutoverStatus {
    try await carrier.settle(agent)
    let before = try await status()
    switch (before.phase, phase) {
    case (let from, let to) where from == to && to != .dualPostgres && before.epoch > 0: break
    case (.postgresOnly, .postgresPrimary): try await resume(force: force)
    case (.sqliteOnly, .postgresPrimary) where before.epoch == 0: try await resume(force: force)
    case (.postgresOnly, _):
      throw refusal(
        "the agent's rows are in Postgres alone, and the file has nothing of what came since",
        "Set \(CutoverPhase.postgresPrimary.rawValue) first, with this file or one that agentbase rollback has written."
      )
    case (.postgresPrimary, .postgresOnly): try await leaveFile()
    case (.postgresPrimary, .dualSQLite): try await handBack(.dualSQLite, readPercent: 0, force: force)
    case (.postgresPrimary, .dualPostgres):
      try await handBack(.dualPostgres, readPercent: readPercent, force: force)
    case (.postgresPrimary, _):
      throw refusal(
        "the phase is \(before.phase.rawValue)", "Set \(CutoverPhase.dualSQLite.rawValue) first.")
    case (_, .sqliteOnly): try await write(.sqliteOnly)
    case (.dualPostgres, .dualSQLite): try await write(.dualSQLite)
    case (_, .dualSQLite): try await begin(force: force)
    case (.sqliteOnly, _):
      throw refusal("the phase is \(before.phase.rawValue)", "Set \(CutoverPhase.dualSQLite.rawValue) first.")
    case (_, .dualPostgres):
      // Fewer reads from Postgres are always safe.
      if !force, before.phase == .dualSQLite || readPercent > before.readPercent { try await support() }
      try await write(.dualPostgres, readPercent: readPercent)
    case (_, .postgresPrimary), (_, .postgresOnly): try await handOver(phase, force: force)
    }
    return try await status()
  }

  func refusal(_ message: String, _ advice: String) -> AgentBaseError {
    AgentBaseError(.cutover, message, advice: advice, agent: agent)
  }

  private func write(_ phase: CutoverPhase, readPercent: Int = 0, above epoch: Int64 = 0) async throws {
    let agent = agent
    try await file.resource.write { connection, _ in
      try SQLiteOwnSchema.install(on: connection)
      try CutoverTable.set(phase, readPercent: readPercent, above: epoch, of: agent, connection)
    }
  }

  /// Makes the triggers in Postgres that the phases ask for, or takes them away.
  func watch() async throws {
    let pool = try await carrier.postgres(for: config).pool
    do {
      for table in CutoverFence.watchedTables { _ = try await pool.execute(CutoverFence.watch(table)) }
    } catch {
      throw AgentBaseError.of(error)
    }
  }

  /// Checks that nearly everything has been carried, and that both sides are the same.
  func support() async throws {
    guard try await drain(to: 1000) else {
      throw refusal(
        "\(try await status().lag) changes wait to be carried",
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
      let fence = try await pool.queryOne(CutoverFence.find(agent)).map { try CutoverFence($0) }
      let known = try await Replicator.record(of: agent, file.resource)
      if let fence, fence.phase.decider == .postgres, !force {
        throw refusal(
          "Postgres decides for this agent (\(fence.phase.rawValue)), and the file may lack what it has",
          "Set \(CutoverPhase.postgresPrimary.rawValue) first; or, if this file is right, use --force and compare with --repair."
        )
      }
      let fits = fence?.pairID == known?.pairID || (fence == nil && known?.carriedSequence == 0)
      guard fits || force else {
        throw refusal(
          "Postgres follows another SQLite file of this agent, or one of the two was replaced",
          "If this file is the right one, set the phase with --force, and compare with --repair.")
      }
      try await write(.dualSQLite, above: fence?.epoch ?? 0)
      guard let record = try await Replicator.record(of: agent, file.resource) else { return }
      // Forced: what was carried before counts as carried, and the comparison finds what was not.
      let position = fits ? nil : record.carriedSequence
      _ = try await pool.execute(Follower.begin(record, of: agent, appliedUpTo: position))
      try await watch()
    } catch {
      throw AgentBaseError.of(error)
    }
  }

  /// From the file to Postgres: the file follows it then, or is left behind.
  ///
  /// Everything is carried, and compared; then writers are held back until the last change is carried, and the file's row says
  /// that Postgres decides. That one commit is the moment: before it each write goes to the file, after it none does.
  private func handOver(_ phase: CutoverPhase, force: Bool) async throws {
    if !force { try await support() }
    // Before the moment: what changes in Postgres is noted from its first write on.
    try await watch()
    let end = ContinuousClock.now + Self.longestHold
    try await hold(until: Self.longestHold)
    do {
      try await Task.sleep(for: Self.holdBefore)
      guard try await drain(for: end - .now - .seconds(2)), try await flip(phase) else {
        throw refusal(
          "the last changes could not be carried to Postgres in time", "Nothing has changed: try again.")
      }
    } catch {
      // A task that was cancelled has to let the writers go, too.
      try? await Task { try await hold(until: nil) }.value
      throw error
    }
    // Whoever finds that this process has ended here does it, too.
    try await carrier.settle(agent)
    if phase == .postgresOnly { try? await watch() }
  }

  func hold(until time: Duration?) async throws {
    let agent = agent
    let moment = time.map { Timestamp(microseconds: Timestamp.now.microseconds + $0.wholeMicroseconds) }
    try await file.resource.write { connection, _ in
      try CutoverTable.hold(agent, until: moment, connection)
    }
  }

  /// Has Postgres decide, if nothing waits and writers are still held back; answers whether it does.
  private func flip(_ phase: CutoverPhase) async throws -> Bool {
    let agent = agent
    return try await file.resource.write { connection, _ in
      guard let record = try CutoverTable.record(of: agent, connection), record.phase.isDual,
        record.isHeld(at: .now), record.lag == 0
      else { return false }
      try SQLiteOwnSchema.install(on: connection)
      try CutoverTable.set(phase, of: agent, connection)
      return true
    }
  }
}

/// A phase was not changed, since the two sides differ.
package struct CutoverRefusal: Error {
  /// What was found.
  package let comparison: CutoverComparison
}
