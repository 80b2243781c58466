// What an agent reads from either side of a cut-over, compared while agents write.

import Foundation
import Postgres
import SQLite

extension Cutover {
  /// Compares all that the agent reads from either side. What is written meanwhile is looked at again.
  ///
  /// - Parameter repair: has what differs be carried again: memories and tools; where Postgres decides, measurements and executions,
  ///   too, that the file lacks.
  @concurrent package func compare(repair: Bool = false) async throws -> CutoverComparison {
    try await carryPresent()
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
    var suspects: [OutboxChange] = []
    comparison.memories = try await sides.compareMemories { name, _, _ in suspects.append(.memory(name)) }
    let (mine, theirs) = (try await sides.sqlite.tools(), try await sides.postgres.tools())
    comparison.tools = mine.count
    suspects += Set((mine + theirs).map { ExactText($0.name) }).sorted().map { .tool($0.text) }
    let differences = try await settled(suspects, sides)
    for difference in differences { comparison.add(difference.found) }
    let changes = differences.map(\.change)
    let metrics = try await records("metrics", sides, CutoverSides.metrics)
    let executions = try await records("executions", sides, CutoverSides.executions)
    (comparison.metrics, comparison.executions) = (metrics.count, executions.count)
    for difference in [metrics.difference, executions.difference] {
      if let difference { comparison.add(difference) }
    }
    if repair, try await status().phase.decider == .postgres {
      if metrics.difference != nil { try await carryMissing(.metric) }
      if executions.difference != nil { try await carryMissing(.execution) }
      try await carryPresent()
    }
    if repair, !changes.isEmpty {
      try await carryAgain(changes)
      try await carryPresent()
    }
    return comparison
  }

  /// Which of some things differ when nothing of them waits to be carried.
  ///
  /// All of them are looked at again, round by round, as agents go on writing. What is there to be carried in every round is being
  /// written, and no difference: what it has last is carried.
  private func settled(
    _ suspects: [OutboxChange], _ sides: CutoverSides
  ) async throws -> [(change: OutboxChange, found: CutoverDifference)] {
    var open = suspects
    var differences: [(change: OutboxChange, found: CutoverDifference)] = []
    for round in 1...15 where !open.isEmpty {
      if round > 1 {
        try await carryPresent(for: .seconds(1))
        try await Task.sleep(for: .milliseconds(10 * round))
      }
      var unsettled: [OutboxChange] = []
      for change in open {
        // What waits behind the reading was changed after it.
        guard let found = try await difference(in: change, sides) else { continue }
        if round < 3 {
          unsettled.append(change)
        } else if try await isWaiting(change) {
          unsettled.append(change)
        } else if try await difference(in: change, sides) == found {
          differences.append((change, found))
        } else {
          unsettled.append(change)
        }
      }
      open = unsettled
    }
    return differences
  }

  /// What both sides have of one thing at this moment; nil where it is the same.
  private func difference(
    in change: OutboxChange, _ sides: CutoverSides
  ) async throws -> CutoverDifference? {
    let found: (sqlite: String?, postgres: String?)
    if change.kind == .tool {
      found = (
        CutoverSides.digest(try await sides.sqlite.tool(named: change.key)),
        CutoverSides.digest(try await sides.postgres.tool(named: change.key))
      )
    } else {
      let name = MemoryName(namespace: change.namespace, key: change.key)
      found = (
        CutoverSides.digest(try await sides.sqlite.memory(name, refreshing: false)),
        CutoverSides.digest(try await sides.postgres.memory(name, refreshing: false))
      )
    }
    guard found.sqlite != found.postgres else { return nil }
    return CutoverDifference(
      kind: change.kind.rawValue, namespace: change.namespace, key: change.key, sqlite: found.sqlite,
      postgres: found.postgres)
  }

  private func isWaiting(_ change: OutboxChange) async throws -> Bool {
    let agent = agent
    if try await Replicator.record(of: agent, file.resource)?.phase == .postgresPrimary {
      let pool = try await carrier.postgres(for: config).pool
      do {
        return try await pool.query(PostgresOutbox.holds(change, of: agent)).isTrue
      } catch {
        throw AgentBaseError.of(error)
      }
    }
    return try await file.resource.read { connection, catalog in
      guard catalog.ownVersion >= CutoverTable.step else { return false }
      return try Outbox(connection: connection, agent: agent).mayHold(change)
    }
  }

  /// Compares all records of a kind. Where they differ, those are looked at that had been made when this began, by their own
  /// clocks: others may be under way.
  private func records(
    _ kind: String, _ sides: CutoverSides,
    _ read: (any AgentStore, RecordRange) async throws -> RecordDigest
  ) async throws -> (count: Int, difference: CutoverDifference?) {
    var range = RecordRange()
    var attempt = 0
    while true {
      let (mine, theirs) = (try await read(sides.sqlite, range), try await read(sides.postgres, range))
      if mine.digest == theirs.digest { return (mine.count, nil) }
      attempt += 1
      guard attempt < 6 else {
        return (
          mine.count,
          CutoverDifference(
            kind: kind, namespace: "", key: "", sqlite: mine.digest, postgres: theirs.digest)
        )
      }
      if range.to == nil {
        range.to = [mine.newest, theirs.newest].compactMap(\.self).max().map { $0 + 1 }
      }
      try await carryPresent()
      try await Task.sleep(for: .milliseconds(50 * attempt))
    }
  }

  private func carryAgain(_ changes: [OutboxChange]) async throws {
    let (agent, limit) = (agent, config.outboxLimit)
    if try await Replicator.record(of: agent, file.resource)?.phase == .postgresPrimary {
      let pool = try await carrier.postgres(for: config).pool
      do {
        _ = try await pool.execute(PostgresOutbox.add(changes, of: agent))
        return
      } catch {
        throw AgentBaseError.of(error)
      }
    }
    try await file.resource.write { connection, _ in
      try SQLiteOwnSchema.install(on: connection)
      guard let record = try CutoverTable.admit(agent, connection) else { return }
      try Outbox(connection: connection, agent: agent).add(changes, to: record, limit: limit)
    }
  }

  /// Has measurements or executions of Postgres be carried to the file that it does not know, or knows otherwise.
  private func carryMissing(_ kind: OutboxChange.Kind) async throws {
    let (agent, time) = (agent, LegacyTime(naiveZone: config.legacyTimeZone))
    let pool = try await carrier.postgres(for: config).pool
    var last: String?
    do {
      while true {
        let page = try await pool.query(FollowerSQL.stored(kind, after: last, limit: 5000, agent: agent)).map
        {
          (id: try $0.decode(0, as: String.self), state: try $0.decode(1, as: String.self))
        }
        guard let end = page.last else { return }
        last = end.id
        let missing = try await file.resource.read { connection, catalog in
          let outbox = Outbox(connection: connection, agent: agent)
          let executions = SQLiteExecutions(
            connection: connection, catalog: catalog, agent: agent, time: time)
          return try page.filter { row in
            guard try outbox.hasCarried(row.id) else { return true }
            guard kind == .execution else { return false }
            return try executions.execution(row.id)?.status.rawValue != row.state
          }
        }
        if !missing.isEmpty {
          try await carryAgain(missing.map { OutboxChange(kind: kind, key: $0.id) })
        }
      }
    } catch {
      throw AgentBaseError.of(error)
    }
  }

  /// The keys that differed when agents read them from both sides, the first ones.
  @concurrent package func differences(limit: Int = CutoverComparison.mostDifferences) async throws
    -> [CutoverDifference]
  {
    let agent = agent
    return try await file.resource.read { connection, catalog in
      guard catalog.ownVersion >= CutoverTable.step else { return [] }
      return try CutoverTable.differences(of: agent, limit: limit, connection)
    }
  }
}
