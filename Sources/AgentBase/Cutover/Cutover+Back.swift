// How the phase is changed where Postgres decides: the file follows it, is left behind, or decides again.

import Foundation
import Postgres
import SQLite

extension Cutover {
  /// From Postgres alone to Postgres with a file that follows it: the one from before, or one that a rollback has written.
  ///
  /// What changes is noted from the first commit on; then the file is made what Postgres is, by what a comparison finds.
  ///
  /// - Parameter force: also where nothing says that Postgres decides for the agent, and where the file has what Postgres has not,
  ///   though nobody says that it has followed it: that is removed from the file.
  func resume(force: Bool) async throws {
    let agent = agent
    let pool = try await carrier.postgres(for: config).pool
    do {
      let known = try await Replicator.record(of: agent, file.resource)
      if known == nil, !force { try await checkNewFile(pool) }
      try await file.resource.write { connection, _ in try SQLiteOwnSchema.install(on: connection) }
      let batch = try await file.resource.read { connection, catalog in
        try CutoverTable.followedBatch(of: agent, connection, catalog)
      }
      let pair = known?.pairID ?? UUID().uuidString.lowercased()
      let row = try await pool.transaction { connection in
        try await connection.queryOne(
          CutoverFence.takeOver(
            agent, pairID: pair, epoch: known?.epoch ?? 0, appliedSequence: known?.lastSequence ?? 0,
            batch: batch))
      }
      guard let row else { return }
      let fence = try CutoverFence(row)
      try await file.resource.write { connection, _ in
        try CutoverTable.adopt(fence, readPercent: 0, of: agent, connection)
        // What a rollback has written is in Postgres: as if it had been carried.
        try connection.execute(
          "INSERT OR IGNORE INTO main.agentbase_carried (id, source, row_id) SELECT id, source, row_id FROM main.agentbase_restored WHERE source IN ('agentbase_metrics', 'agentbase_executions')"
        )
        try connection.execute(
          "DELETE FROM main.agentbase_restored WHERE source IN ('agentbase_metrics', 'agentbase_executions')")
      }
      try await watch()
    } catch {
      throw AgentBaseError.of(error)
    }
    _ = try await compare(repair: true)
    let left = try await compare()
    guard left.differenceCount == 0 else {
      throw refusal(
        "the phase is \(CutoverPhase.postgresPrimary.rawValue), but the file differs from Postgres in \(left.differenceCount) places",
        "`agentbase cutover compare` names them.")
    }
  }

  /// A file that knows of no cut-over may be the agent's only one: it is made to follow Postgres only where that decides, and where
  /// nothing is lost by it.
  private func checkNewFile(_ pool: PostgresPool) async throws {
    let fence = try await pool.queryOne(CutoverFence.find(agent)).map { try CutoverFence($0) }
    guard fence?.phase.decider == .postgres else {
      throw refusal(
        "nothing says that Postgres decides for this agent",
        "If it does, and the file has to follow it, use --force: what Postgres lacks is removed from the file."
      )
    }
    let comparison = try await compare()
    let only = comparison.differences.filter { $0.postgres == nil }
    guard let first = only.first else { return }
    throw refusal(
      "the file has \(only.count) memories or tools that Postgres lacks, such as \(first.kind) \(first.key.prefix(80))",
      "If they were deleted in Postgres, use --force: they are removed from the file.")
  }

  /// From Postgres with a file that follows it to the file with Postgres that follows it.
  ///
  /// Everything is carried, and compared; then Postgres' row is locked against writers, the last changes are carried, and the row
  /// says that the file decides. That one commit is the moment. The file takes the phase over behind it; until then nobody writes
  /// anywhere, and whoever finds it so does it, should this process end. Writers wait as long as the last changes take.
  func handBack(_ phase: CutoverPhase, readPercent: Int, force: Bool) async throws {
    let agent = agent
    if !force { try await support() }
    // So that each call asks anew where to go.
    try await hold(until: Self.longestHold)
    do {
      try await Task.sleep(for: Self.holdBefore)
      let fence = try await decide { connection, record in
        // Nobody can write: what is left is all there is.
        while try await carrier.carryBack(agent, &connection) != .nothing {}
        return CutoverFence.decide(phase, of: agent, appliedSequence: record.lastSequence)
      }
      try await file.resource.write { connection, _ in
        try Replicator.adopt(fence, readPercent: readPercent, of: agent, connection)
      }
    } catch {
      try? await Task { try await hold(until: nil) }.value
      throw error
    }
  }

  /// From Postgres with a file that follows it to Postgres alone.
  func leaveFile() async throws {
    let agent = agent
    let fence = try await decide { _, record in
      CutoverFence.decide(.postgresOnly, of: agent, appliedSequence: record.lastSequence)
    }
    try await file.resource.write { connection, _ in
      try Replicator.adopt(fence, of: agent, connection)
    }
    // Others pay for the triggers as long as they are there; they do no harm.
    try? await watch()
  }

  /// Changes the phase in Postgres, with its row locked against writers and carriers.
  private nonisolated(nonsending) func decide(
    _ statement:
      nonisolated(nonsending) (inout PostgresLease, CutoverRecord) async throws -> PostgresStatement
  ) async throws -> CutoverFence {
    let (agent, file) = (agent, file.resource)
    let pool = try await carrier.postgres(for: config).pool
    do {
      return try await pool.transaction { connection in
        let answers = try await connection.pipeline([
          "SELECT set_config('lock_timeout', '10s', true)",
          "SELECT pg_advisory_xact_lock(agentbase_cutover_key(\(agent)))",
          CutoverFence.find(agent, forUpdate: true),
        ])
        let locked = try answers.map { try $0.get() }
        guard let row = locked.last?.first, let record = try await Replicator.record(of: agent, file),
          case let fence = try CutoverFence(row), fence.phase == .postgresPrimary, fence.epoch == record.epoch
        else { throw refusal("the phase has changed meanwhile", "Nothing has changed: try again.") }
        let decision = try await statement(&connection, record)
        guard let decided = try await connection.queryOne(decision) else {
          throw refusal("the phase has changed meanwhile", "Nothing has changed: try again.")
        }
        return try CutoverFence(decided)
      }
    } catch let error as PostgresError where error.sqlState == "55P03" {
      throw refusal(
        "transactions of the agent in Postgres last longer than 10 seconds", "Nothing has changed: try again."
      )
    } catch {
      throw AgentBaseError.of(error)
    }
  }
}
