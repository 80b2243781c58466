// The cut-over of an agent, as `agentbase cutover` sees it: where it stands, what differs, and how its phase is changed.

package import Foundation
import Postgres
import SQLite

/// The cut-over of one agent from its SQLite file to Postgres.
package final class Cutover: Sendable {
  /// How long writers are held back before the phase changes: longer than any process remembers the phase.
  private static let holdBefore = DualStore.phaseLimit + .milliseconds(300)
  /// How long writers are held back at most; then they go on by themselves, whatever has become of this process.
  private static let longestHold = Duration.seconds(15)

  package let agent: String
  private let file: SharedLease<SQLiteAgentFile>
  private let url: String
  private let config: AgentConfig
  private let carrier: Replicator

  /// Opens the file, which has to be there. Postgres is connected to when it is needed.
  package init(sqlitePath: String, url: String, agent: String, legacyTimeZone: TimeZone = .gmt) async throws {
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
  package func close() async {
    await carrier.stop()
    await file.release()
  }

  // MARK: - Looking

  /// Where the cut-over stands, as the file says; an agent without one is in the phase `sqliteOnly`.
  package func status() async throws -> CutoverStatus {
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
  package func checkPostgres() async throws {
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
  package func drain(to limit: Int64 = 0, for time: Duration = .seconds(30)) async throws -> Bool {
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

  // MARK: - Comparing

  /// Compares all that the agent reads from either side. What is written meanwhile is looked at again.
  ///
  /// - Parameter repair: has memories and tools that differ be carried again.
  package func compare(repair: Bool = false) async throws -> CutoverComparison {
    _ = try await drain()
    let sqlite = try await SQLiteStore(path: path, config: config)
    do {
      let postgres = try await PostgresStore(url: url, config: config)
      do {
        let comparison = try await compare(CutoverSides(sqlite: sqlite, postgres: postgres), repair: repair)
        await postgres.close()
        await sqlite.close()
        return comparison
      } catch {
        await postgres.close()
        throw error
      }
    } catch {
      await sqlite.close()
      throw error
    }
  }

  private var path: String { file.resource.database.path }

  private func compare(_ sides: CutoverSides, repair: Bool) async throws -> CutoverComparison {
    var comparison = CutoverComparison()
    var suspects: [MemoryName] = []
    comparison.memories = try await sides.compareMemories { name, _, _ in suspects.append(name) }
    var changes: [OutboxChange] = []
    for name in suspects {
      let difference = try await settled(.memory(name)) {
        (
          CutoverSides.digest(try await sides.sqlite.memory(name, refreshing: false)),
          CutoverSides.digest(try await sides.postgres.memory(name, refreshing: false))
        )
      }
      guard let difference else { continue }
      comparison.add(difference)
      changes.append(.memory(name))
    }
    let (mine, theirs) = (try await sides.sqlite.tools(), try await sides.postgres.tools())
    comparison.tools = mine.count
    for name in Set((mine + theirs).map { ExactText($0.name) }).sorted() {
      let difference = try await settled(.tool(name.text)) {
        (
          CutoverSides.digest(try await sides.sqlite.tool(named: name.text)),
          CutoverSides.digest(try await sides.postgres.tool(named: name.text))
        )
      }
      guard let difference else { continue }
      comparison.add(difference)
      changes.append(.tool(name.text))
    }
    let metrics = try await records("metrics", sides, CutoverSides.metrics)
    let executions = try await records("executions", sides, CutoverSides.executions)
    (comparison.metrics, comparison.executions) = (metrics.count, executions.count)
    for difference in [metrics.difference, executions.difference] {
      if let difference { comparison.add(difference) }
    }
    if repair, !changes.isEmpty {
      try await carryAgain(changes)
      _ = try await drain()
    }
    return comparison
  }

  /// What both sides have of one thing when nothing of it waits to be carried; nil where it is the same.
  private func settled(
    _ change: OutboxChange, _ read: () async throws -> (sqlite: String?, postgres: String?)
  ) async throws -> CutoverDifference? {
    var found = try await read()
    for attempt in 1...20 where found.sqlite != found.postgres {
      if attempt > 3, try await !isWaiting(change) { break }
      _ = try await carrier.carry(agent)
      try await Task.sleep(for: .milliseconds(10 * attempt))
      found = try await read()
    }
    guard found.sqlite != found.postgres else { return nil }
    return CutoverDifference(
      kind: change.kind.rawValue, namespace: change.namespace, key: change.key, sqlite: found.sqlite,
      postgres: found.postgres)
  }

  private func isWaiting(_ change: OutboxChange) async throws -> Bool {
    let agent = agent
    return try await file.resource.read { connection, catalog in
      guard catalog.ownVersion >= CutoverTable.step else { return false }
      return try Outbox(connection: connection, agent: agent).holds(change)
    }
  }

  /// Compares all records of a kind. Where they differ, those are looked at that had been made when this began: others may be
  /// under way.
  private func records(
    _ kind: String, _ sides: CutoverSides,
    _ read: (any AgentStore, RecordRange) async throws -> (count: Int, digest: String)
  ) async throws -> (count: Int, difference: CutoverDifference?) {
    var range = RecordRange()
    var attempt = 0
    while true {
      let (mine, theirs) = (try await read(sides.sqlite, range), try await read(sides.postgres, range))
      if mine.digest == theirs.digest { return (mine.count, nil) }
      attempt += 1
      guard attempt < 4 else {
        return (
          mine.count,
          CutoverDifference(
            kind: kind, namespace: "", key: "", sqlite: mine.digest, postgres: theirs.digest)
        )
      }
      range.to = Timestamp.now.microseconds
      _ = try await drain()
    }
  }

  private func carryAgain(_ changes: [OutboxChange]) async throws {
    let (agent, limit) = (agent, config.outboxLimit)
    try await file.resource.write { connection, _ in
      guard let record = try CutoverTable.admit(agent, connection) else { return }
      try Outbox(connection: connection, agent: agent).add(changes, to: record, limit: limit)
    }
  }

  // MARK: - Changing the phase

  /// Changes the phase where that is safe.
  ///
  /// - Parameter force: leaves the comparison out; and takes the database over from another file. What was acknowledged is never
  ///   lost: Postgres alone is reached only when everything has been carried.
  /// - Throws: `AgentBaseError` of the code `cutover` where the step is refused; `CutoverRefusal` where the comparison does.
  package func set(
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

  /// The keys that differed when agents read them from both sides, the first ones.
  package func differences(limit: Int = CutoverComparison.mostDifferences) async throws -> [CutoverDifference]
  {
    let agent = agent
    return try await file.resource.read { connection, catalog in
      guard catalog.ownVersion >= CutoverTable.step else { return [] }
      return try CutoverTable.differences(of: agent, limit: limit, connection)
    }
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
