// An agent's memories in Postgres.

import Postgres

extension PostgresStore {
  func store(_ draft: MemoryDraft) async throws { try await storeGathered(draft) }

  func value(namespace: String, key: String) async throws -> MemoryValue? {
    guard let row = try await readGathered(namespace: namespace, key: key) else { return nil }
    do {
      return try PostgresMemoryRow.value(row)
    } catch {
      throw AgentBaseError.of(error)
    }
  }

  func memory(namespace: String, key: String) async throws -> Memory? {
    try await read(MemorySQL.memory(agent: agent, namespace: namespace, key: key), PostgresMemoryRow.memory)
      .first
  }

  func delete(namespace: String, key: String) async throws -> Bool {
    try await write(MemorySQL.delete(agent: agent, namespace: namespace, key: key)).isTrue
  }

  func list(namespace: String, prefix: String, limit: Int, after: String?) async throws -> MemoryPage {
    var memories: [Memory] = []
    var after = after
    while true {
      let rows = try await read(
        MemorySQL.list(agent: agent, namespace: namespace, prefix: prefix, after: after, limit: limit + 1)
      ) { row throws(PostgresError) in
        (memory: try PostgresMemoryRow.memory(row), isExpired: try row.decode(10, as: Bool.self))
      }
      for (place, row) in rows.prefix(limit).enumerated() {
        after = row.memory.key
        guard !row.isExpired else { continue }
        memories.append(row.memory)
        if memories.count == limit {
          return MemoryPage(memories: memories, next: place + 1 < rows.count ? row.memory.key : nil)
        }
      }
      // Expired keys took places of this page: go on where it ended.
      if rows.count <= limit { return MemoryPage(memories: memories, next: nil) }
    }
  }

  func search(_ text: String, namespace: String?, limit: Int) async throws -> [Memory] {
    var found: [Memory] = []
    var place: MemorySQL.SearchPlace?
    let pageSize = max(limit, 100)
    while true {
      let rows = try await read(
        MemorySQL.search(text, agent: agent, namespace: namespace, after: place, limit: pageSize)
      ) { row throws(PostgresError) in
        (memory: try PostgresMemoryRow.memory(row), time: try row.value(6))
      }
      for row in rows {
        let memory = row.memory
        guard
          !memory.isImported || memory.key.contains(ignoringASCIICase: text)
            || memory.value.text.contains(ignoringASCIICase: text)
        else { continue }
        found.append(memory)
        if found.count == limit { return found }
      }
      guard rows.count == pageSize, let last = rows.last else { return found }
      var time: Int64?
      if case .timestamptz(let microseconds) = last.time { time = microseconds }
      place = MemorySQL.SearchPlace(time: time, namespace: last.memory.namespace, key: last.memory.key)
    }
  }
}
