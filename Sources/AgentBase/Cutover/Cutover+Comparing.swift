// What an agent reads from either side of a cut-over, compared while agents write.

import Foundation
import SQLite

extension Cutover {
  /// Compares all that the agent reads from either side. What is written meanwhile is looked at again.
  ///
  /// - Parameter repair: has memories and tools that differ be carried again.
  @concurrent package func compare(repair: Bool = false) async throws -> CutoverComparison {
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
