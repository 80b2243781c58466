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
    carrier = Replicator(file: try await SQLiteAgentFile.lease(path: sqlitePath, config: config), url: url)
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
    return try await file.resource.read { connection, catalog in
      guard catalog.ownVersion >= CutoverTable.step,
        let record = try CutoverTable.record(of: agent, connection)
      else { return CutoverStatus(agent: agent, phase: .sqliteOnly, epoch: 0, lag: 0) }
      let since = try Outbox(connection: connection, agent: agent).waitingSince()
      return CutoverStatus(agent: agent, record, waitingSince: since)
    }
  }

  /// Connects to Postgres, and checks that the file and the database belong together.
  ///
  /// - Throws: `AgentBaseError`: `unavailable` where it cannot be reached, `cutover` where they do not.
  @concurrent package func checkPostgres() async throws {
    guard let record = try await Replicator.record(of: agent, file.resource) else { return }
    let pool = try await carrier.postgres(for: config).pool
    let follower = Follower(agent: agent, config: nil)
    do {
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
    _ = try await carrier.postgres(for: config)
    let end = ContinuousClock.now + time
    while true {
      let isMoving = try await carrier.carry(agent)
      if try await status().lag <= limit { return true }
      guard ContinuousClock.now < end else { return false }
      // Another process has the lock.
      if !isMoving { try await Task.sleep(for: .milliseconds(50)) }
    }
  }
}
