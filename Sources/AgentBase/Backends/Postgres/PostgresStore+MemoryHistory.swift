// An agent's earlier values, namespaces and expired memories in Postgres.

import Foundation
import Postgres

extension PostgresStore {
  func history(_ query: MemoryHistoryQuery) async throws -> [FoundVersion] {
    var found: [FoundVersion] = []
    var last: (id: PostgresUUID, storedAt: Int64?)?
    switch query.after {
    case .legacy(let fields, let storedAt):
      guard let id = fields.first.flatMap({ PostgresUUID($0) }) else { throw MemoryCursor.isForeign }
      last = (id, storedAt)
    case .kept(let version): found = try await kept(query, before: version)
    case nil: found = try await kept(query, before: nil)
    }
    let missing = query.limit - found.count
    guard missing > 0 else { return found }
    let rows = try await read(
      MemorySQL.imported(query, behind: last?.id, limit: missing, agent: agent), PostgresVersionRow.version)
    // A legacy row was replaced when the one after it was stored.
    var replacedAt = last?.storedAt
    if last == nil {
      replacedAt =
        if let newer = found.last {
          newer.version.storedAt.flatMap(Timestamp.init)?.microseconds
        } else {
          try await memory(query.name)?.updatedAt.flatMap(Timestamp.init)?.microseconds
        }
    }
    for row in rows {
      var version = row.found
      version.replacedAt = version.replacedAt ?? replacedAt.map { Timestamp(microseconds: $0).date }
      replacedAt = version.storedAt.flatMap(Timestamp.init)?.microseconds
      found.append(
        FoundVersion(version: version, place: .legacy([row.id.description], storedAt: replacedAt)))
    }
    return found
  }

  private func kept(_ query: MemoryHistoryQuery, before version: Int64?) async throws -> [FoundVersion] {
    try await read(
      MemorySQL.kept(query, before: version, agent: agent), PostgresVersionRow.version
    ).map { FoundVersion(version: $0.found, place: .kept($0.found.version)) }
  }

  func namespaces(_ query: MemoryNamespaceQuery) async throws -> [MemoryNamespace] {
    try await read(MemorySQL.namespaces(query, agent: agent)) { row throws(PostgresError) in
      MemoryNamespace(name: try row.decode(0), count: try row.decode(1))
    }
  }

  func sweep(batchSize: Int) async throws -> Int {
    try await write(MemorySQL.sweep(agent: agent, batchSize: batchSize)).count()
  }
}

extension PostgresAgentDatabase {
  /// Removes the expired memories of all agents.
  func sweep(batchSize: Int = 500) async throws -> Int {
    do {
      var count = 0
      while true {
        let swept = try await pool.query(MemorySQL.sweep(agent: nil, batchSize: batchSize)).count()
        guard swept > 0 else { return count }
        count += swept
        try Task.checkCancellation()
      }
    } catch {
      throw AgentBaseError.of(error)
    }
  }
}

extension PostgresRows {
  /// The number that is the answer.
  fileprivate func count() throws -> Int {
    do {
      return try first?.decode(0, as: Int.self) ?? 0
    } catch {
      throw AgentBaseError.of(error)
    }
  }
}
