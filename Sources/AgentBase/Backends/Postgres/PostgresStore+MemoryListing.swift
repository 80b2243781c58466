// Lists and searches an agent's memories in Postgres. Of imported rows the library decides what SQL cannot, and goes on until
// the page is full.

import Postgres

extension PostgresStore {
  func list(_ query: MemoryListQuery) async throws -> [Memory] {
    var memories: [Memory] = []
    let limit = query.limit
    var query = query
    while true {
      let rows = try await read(MemorySQL.list(query, agent: agent)) { row throws(PostgresError) in
        (
          memory: try PostgresMemoryRow.memory(row),
          isExpired: try row.decode(PostgresMemoryRow.count, as: Bool.self)
        )
      }
      for row in rows where !row.isExpired {
        if let filter = query.filter, row.memory.isImported, !filter.matches(row.memory) { continue }
        memories.append(row.memory)
        if memories.count == limit { return memories }
      }
      guard rows.count == query.limit, let last = rows.last?.memory else { return memories }
      query.after = MemoryName(namespace: last.namespace, key: last.key)
    }
  }

  func search(_ query: MemorySearchQuery) async throws -> [FoundMemory] {
    var found: [FoundMemory] = []
    let limit = query.limit
    var query = query
    query.limit = max(limit, 100)
    while true {
      let rows = try await read(MemorySQL.search(query, agent: agent)) { row throws(PostgresError) in
        FoundMemory(memory: try PostgresMemoryRow.memory(row), time: try row.microseconds(6))
      }
      for row in rows {
        let memory = row.memory
        if memory.isImported {
          guard
            memory.key.contains(ignoringASCIICase: query.text)
              || memory.value.text.contains(ignoringASCIICase: query.text),
            query.filter?.matches(memory) ?? true
          else { continue }
        }
        found.append(row)
        if found.count == limit { return found }
      }
      guard rows.count == query.limit, let last = rows.last else { return found }
      query.after = last.place
    }
  }
}
