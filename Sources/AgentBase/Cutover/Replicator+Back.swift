// Carries Postgres' outbox to the SQLite file, where Postgres decides; and has the two sides agree on who does.

import Foundation
import Postgres
import SQLite

extension Replicator {
  /// Carries a batch of an agent's changes from Postgres to the file.
  func carryBack(_ agent: String, limit: Int) async throws -> Outcome {
    let pool = try await postgres(for: config(of: agent)).pool
    let follower = Follower(agent: agent, config: nil)
    do {
      return try await pool.transaction { connection in
        guard try await follower.lock(&connection) else { return .nothing }
        return try await carryBack(agent, limit: min(limit, OutboxReader.mostChanges), &connection)
      }
    } catch is FollowerOutrun {
      return .nothing
    } catch let error as RefusedBatch {
      throw error
    } catch {
      throw AgentBaseError.of(error)
    }
  }

  /// Carries a batch, within a transaction that holds the agent's lock.
  ///
  /// The lines are read first, then what they name: what is changed again meanwhile has a new line. The file commits before
  /// Postgres removes the lines: should this process end between the two, they are carried once more, which changes nothing.
  nonisolated(nonsending) func carryBack(
    _ agent: String, limit: Int = OutboxReader.mostChanges, _ connection: inout PostgresLease
  ) async throws -> Outcome {
    guard let record = try await Self.record(of: agent, file.resource), record.phase == .postgresPrimary,
      let row = try await connection.queryOne(CutoverFence.find(agent))
    else { return .nothing }
    let fence = try CutoverFence(row)
    guard fence.pairID == record.pairID else {
      throw mismatch("Postgres is followed by another SQLite file of this agent", agent)
    }
    guard fence.phase == .postgresPrimary, fence.epoch == record.epoch else { return .nothing }
    let taken = try await file.resource.read { connection, catalog in
      try CutoverTable.followedBatch(of: agent, connection, catalog)
    }
    if taken < fence.batch {
      throw mismatch(
        "the SQLite file has lost changes that were carried to it, as after a restore from a backup", agent)
    }
    let (batch, sequences) = try await PostgresOutboxReader(agent: agent).batch(&connection, limit: limit)
    guard !sequences.isEmpty else { return .nothing }
    let follower = FileFollower(
      agent: agent, time: LegacyTime(naiveZone: config(of: agent)?.legacyTimeZone ?? .gmt))
    let next: Int64
    do {
      next = try await file.resource.write { connection, catalog in
        try follower.apply(batch, epoch: record.epoch, expected: taken, connection, catalog)
      }
    } catch let error as AgentBaseError where (error.underlying as? SQLiteError)?.refusesValues ?? false {
      throw RefusedBatch(batch, error)
    }
    let answers = try await connection.pipeline(
      PostgresOutbox.remove(sequences, of: agent, batch: next)
        + [SetAside.forget(batch.changes, of: agent)])
    for answer in answers { _ = try answer.get() }
    return sequences.count < limit ? .all : .part
  }

  /// How much waits to be carried from Postgres to the file, counted up to a limit.
  @discardableResult
  func measureLag(of agent: String, limit: Int) async throws -> OutboxLag? {
    let pool = try await postgres(for: config(of: agent)).pool
    do {
      let lag = try await pool.queryOne(PostgresOutbox.lag(of: agent, limit: limit)).map {
        row throws(PostgresError) in try OutboxLag(row)
      }
      update(agent) { $0.postgresLag = lag?.count ?? 0 }
      return lag
    } catch {
      throw AgentBaseError.of(error)
    }
  }

  // MARK: - Who decides

  /// Has the side that does not decide take over what the other has decided, where a process ended between the two.
  ///
  /// A phase changes in one commit of the database that decides until then, and its number, the epoch, grows. So the greater
  /// epoch is right, wherever a change was handed over as a whole: all that the other side needs is there.
  func settle(_ agent: String) async throws {
    let file = file.resource
    guard let record = try await Self.record(of: agent, file), record.phase.decider == .postgres else {
      return
    }
    let pool = try await postgres(for: config(of: agent)).pool
    do {
      guard let row = try await pool.queryOne(CutoverFence.find(agent)) else { return }
      let fence = try CutoverFence(row)
      guard fence.pairID == record.pairID else { return }
      if fence.epoch > record.epoch {
        try await file.write { connection, _ in try Self.adopt(fence, of: agent, connection) }
      } else if fence.epoch < record.epoch {
        let batch = try await file.read { connection, catalog in
          try CutoverTable.followedBatch(of: agent, connection, catalog)
        }
        _ = try await pool.execute(CutoverFence.open(record, of: agent, batch: batch))
      }
    } catch {
      throw AgentBaseError.of(error)
    }
  }

  /// Has the file take over a phase that Postgres has decided; where it is to decide itself, only if it has everything.
  static func adopt(
    _ fence: CutoverFence, readPercent: Int = 0, of agent: String, _ connection: SQLiteConnection
  ) throws {
    guard let record = try CutoverTable.record(of: agent, connection), record.pairID == fence.pairID,
      record.epoch < fence.epoch, record.phase.decider == .postgres
    else { return }
    if fence.phase.decider == .sqlite, record.lastSequence != fence.appliedSequence { return }
    try CutoverTable.adopt(fence, readPercent: readPercent, of: agent, connection)
  }

  private func mismatch(_ message: String, _ agent: String) -> AgentBaseError {
    AgentBaseError(
      .cutover, message, advice: "See Documentation/Cutover.md, \"When something was replaced\".",
      agent: agent)
  }
}
