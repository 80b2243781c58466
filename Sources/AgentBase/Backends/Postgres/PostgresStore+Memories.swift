// An agent's memories in Postgres.

import Postgres

extension PostgresStore {
  func store(_ draft: MemoryDraft) async throws -> Int64 {
    let call = GatheredStores.Call(agent: agent, draft: draft)
    guard let stores = lease.resource.gatherers?.stores, transaction == nil, call.isGathered else {
      return try await write(MemorySQL.store(draft, agent: agent)).version()
    }
    do {
      return try await registered { try await stores.call(call) }
    } catch {
      throw AgentBaseError.of(error)
    }
  }

  func store(_ drafts: [MemoryDraft]) async throws {
    let agent = agent
    try await write(MemorySQL.store(drafts.map { (agent: agent, draft: $0) }))
  }

  func value(_ name: MemoryName) async throws -> MemoryValue? {
    guard let reads = lease.resource.gatherers?.reads, transaction == nil else {
      return try await read(MemorySQL.value(agent: agent, name), PostgresMemoryRow.value).first
    }
    do {
      return try await reads.call(MemorySQL.Name(agent: agent, name: name)).map(PostgresMemoryRow.value)
    } catch {
      throw AgentBaseError.of(error)
    }
  }

  func values(_ names: [MemoryName]) async throws -> [MemoryValue?] {
    let rows = try await read(MemorySQL.values(ownNames(names))) { row throws(PostgresError) in
      (place: try row.decode(3, as: Int.self), value: try PostgresMemoryRow.value(row))
    }
    var values = [MemoryValue?](repeating: nil, count: names.count)
    for row in rows { values[row.place - 1] = row.value }
    return values
  }

  func memory(_ name: MemoryName) async throws -> Memory? {
    try await read(MemorySQL.memory(agent: agent, name), PostgresMemoryRow.memory).first
  }

  func memories(_ names: [MemoryName]) async throws -> [Memory?] {
    let rows = try await read(MemorySQL.memories(ownNames(names))) { row throws(PostgresError) in
      (
        place: try row.decode(PostgresMemoryRow.count, as: Int.self),
        memory: try PostgresMemoryRow.memory(row)
      )
    }
    var memories = [Memory?](repeating: nil, count: names.count)
    for row in rows { memories[row.place - 1] = row.memory }
    return memories
  }

  func delete(_ names: [MemoryName], keepingHistory: Bool) async throws -> Int {
    let statement = MemorySQL.delete(ownNames(names), keepingHistory: keepingHistory)
    let (found, imported) = try await write(statement).deletedCounts()
    // Who has compared a key's imported row holds it until a stored row stands beside it, which this statement did not see.
    if imported > 0 { try await write(statement) }
    return found
  }

  private func ownNames(_ names: [MemoryName]) -> [MemorySQL.Name] {
    let agent = agent
    return names.map { MemorySQL.Name(agent: agent, name: $0) }
  }

  func list(namespace: String, prefix: String, limit: Int, after: String?) async throws -> MemoryPage {
    var memories: [Memory] = []
    var after = after
    while true {
      let rows = try await read(
        MemorySQL.list(agent: agent, namespace: namespace, prefix: prefix, after: after, limit: limit + 1)
      ) { row throws(PostgresError) in
        (
          memory: try PostgresMemoryRow.memory(row),
          isExpired: try row.decode(PostgresMemoryRow.count, as: Bool.self)
        )
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

extension PostgresRows {
  /// The version that a store answers.
  func version() throws -> Int64 {
    do {
      return try first?.decode(0, as: Int64.self) ?? 0
    } catch {
      throw AgentBaseError.of(error)
    }
  }

  /// What a deletion answers: how many keys were there, and how many rows were imported.
  fileprivate func deletedCounts() throws -> (found: Int, imported: Int) {
    do {
      return (try first?.decode(0, as: Int.self) ?? 0, try first?.decode(1, as: Int.self) ?? 0)
    } catch {
      throw AgentBaseError.of(error)
    }
  }
}
