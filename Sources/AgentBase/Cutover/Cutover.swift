// The cut-over of an agent, as `agentbase cutover` sees it: where it stands, and carrying what waits. What differs and
// how the phase is changed is beside it.

package import Foundation
import Postgres
import SQLite

/// The cut-over of one agent from its SQLite file to Postgres.
package final class Cutover: Sendable {
  package let agent: String
  let file: SharedLease<SQLiteAgentFile>
  let url: String
  let config: AgentConfig
  let carrier: Replicator

  /// Opens the file, which has to be there. Postgres is connected to when it is needed.
  @concurrent package init(sqlitePath: String, url: String, agent: String, legacyTimeZone: TimeZone = .gmt)
    async throws
  {
    guard FileManager.default.fileExists(atPath: sqlitePath) else {
      throw AgentBaseError(
        .unavailable, "there is no file \(sqlitePath)", advice: "Correct its path (AGENT_SQLITE_PATH).")
    }
    var config = AgentConfig(name: agent, memoryBackend: .sqliteFile(sqlitePath))
    config.legacyTimeZone = legacyTimeZone
    config.eventHandler = nil
    self.agent = agent
    self.url = url
    self.config = config
    file = try await SQLiteAgentFile.lease(path: sqlitePath, config: config)
    carrier = Replicator(
      file: try await SQLiteAgentFile.lease(path: sqlitePath, config: config), url: url, access: config)
  }

  /// Lets both databases go.
  @concurrent package func close() async {
    await carrier.stop()
    await file.release()
  }

  // MARK: - Looking

  /// Where the cut-over stands, as the file says; an agent without one is in the phase `sqliteOnly`.
  @concurrent package func status() async throws -> CutoverStatus {
    let agent = agent
    var status = try await file.resource.read { connection, catalog in
      guard catalog.ownVersion >= CutoverTable.step,
        let record = try CutoverTable.record(of: agent, connection)
      else { return CutoverStatus(agent: agent, phase: .sqliteOnly, epoch: 0, lag: 0) }
      return try CutoverStatus(agent: agent, record, connection, catalog)
    }
    guard status.phase == .postgresPrimary else { return status }
    do {
      status.set(try await carrier.measureLag(of: agent, limit: config.outboxLimit + 1))
    } catch let error as AgentBaseError {
      status.failure = error.message
    }
    return status
  }

  /// Connects to Postgres, and checks that the file and the database belong together.
  ///
  /// - Throws: `AgentBaseError`: `unavailable` where it cannot be reached, `cutover` where they do not.
  @concurrent package func checkPostgres() async throws {
    guard let record = try await Replicator.record(of: agent, file.resource) else { return }
    let pool = try await carrier.postgres(for: config).pool
    let follower = Follower(agent: agent, config: nil)
    do {
      if record.phase.decider == .postgres {
        let fence = try await pool.queryOne(CutoverFence.find(agent)).map { try CutoverFence($0) }
        guard fence?.pairID == record.pairID else {
          throw refusal(
            "Postgres is followed by another SQLite file of this agent",
            "See Documentation/Cutover.md, \"When something was replaced\".")
        }
        return
      }
      _ = try await pool.transaction { try await follower.position(record, &$0) }
    } catch {
      throw AgentBaseError.of(error)
    }
  }

  /// Carries what waits, until no more than `limit` changes do or the time is over.
  ///
  /// - Returns: whether no more wait.
  @concurrent package func drain(to limit: Int64 = 0, for time: Duration = .seconds(30)) async throws -> Bool
  {
    let end = ContinuousClock.now + time
    while true {
      let isMoving = try await carrier.carry(agent) != .nothing
      if try await status().lag <= limit { return true }
      guard ContinuousClock.now < end else { return false }
      // Another process has the lock.
      if !isMoving { try await Task.sleep(for: .milliseconds(50)) }
    }
  }

  /// Carries what waits at this moment; what is written meanwhile may wait.
  ///
  /// - Returns: whether all of it was carried in time.
  @discardableResult
  func carryPresent(for time: Duration = .seconds(30)) async throws -> Bool {
    let end = ContinuousClock.now + time
    let last = try await newestChange()
    while try await oldestChange() <= last {
      guard ContinuousClock.now < end else { return false }
      if try await carrier.carry(agent) == .nothing { try await Task.sleep(for: .milliseconds(20)) }
    }
    return true
  }

  /// The number of the newest change, on the side that decides.
  private func newestChange() async throws -> Int64 {
    let record = try await Replicator.record(of: agent, file.resource)
    guard record?.phase == .postgresPrimary else { return record?.lastSequence ?? 0 }
    return try await number(PostgresOutbox.newest(of: agent)) ?? 0
  }

  /// The number of the oldest change that waits; the greatest number where none does.
  private func oldestChange() async throws -> Int64 {
    let record = try await Replicator.record(of: agent, file.resource)
    switch record?.phase.follower {
    case .sqlite?: return try await number(PostgresOutbox.oldest(of: agent)) ?? .max
    case .postgres?: return record.map { $0.lag > 0 ? $0.carriedSequence + 1 : .max } ?? .max
    case nil: return .max
    }
  }

  private func number(_ statement: PostgresStatement) async throws -> Int64? {
    let pool = try await carrier.postgres(for: config).pool
    do {
      return try await pool.queryOne(statement)?.decode(0, as: Int64?.self)
    } catch {
      throw AgentBaseError.of(error)
    }
  }
}
