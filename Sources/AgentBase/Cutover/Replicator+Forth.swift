// Carries the outbox of a SQLite file to Postgres, where the file decides.

import Foundation
import Postgres
import SQLite
import Synchronization

extension Replicator {
  /// Carries a batch of an agent's changes from the file to Postgres.
  ///
  /// The agent's lock is taken before the file is read, and kept until the batch has committed: so what is applied is never
  /// older than what has been. What has been read and is changed again meanwhile has a new line behind the batch.
  func carryForth(_ agent: String, limit: Int) async throws -> Outcome {
    let config = config(of: agent)
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
            .batch(after: position, limit: limit)
        }
        guard batch.position > position else { return batch }
        do {
          try await follower.apply(batch, of: record, &connection)
        } catch let error as PostgresError where error.refusesValues {
          throw RefusedBatch(batch, AgentBaseError(error))
        }
        return batch
      }
    } catch {
      throw AgentBaseError.of(error)
    }
    // Another process is at it.
    guard let batch else { return .nothing }
    try await file.write { connection, catalog in
      try Outbox(connection: connection, agent: agent).remove(upTo: batch.position)
      // What was set aside is there after all.
      if catalog.ownVersion >= SetAside.step { try SetAside.forget(batch.changes, of: agent, connection) }
    }
    return batch.lineCount == 0 ? .nothing : batch.isAll ? .all : .part
  }
}
