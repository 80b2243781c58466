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

  func store(_ draft: MemoryDraft, expecting: MemoryExpectation) async throws -> MemoryWrite {
    let name = draft.name
    switch expecting {
    case .absent:
      while true {
        let rows = try await write(MemorySQL.storeAbsent(draft, agent: agent))
        if !rows.isEmpty { return .stored(try rows.version()) }
        // Nothing there any more: it was deleted behind this statement, and another one stores.
        if let current = try await memory(name) { return .conflict(current) }
      }
    case .version(let version):
      if version >= 0 {
        let rows = try await write(MemorySQL.store(draft, over: version, agent: agent))
        return rows.isEmpty ? .conflict(try await memory(name)) : .stored(try rows.version())
      }
      let found = try await read(MemorySQL.uncounted(agent: agent, name)) { row throws(PostgresError) in
        MemorySQL.UncountedRow(
          id: try row.decode(PostgresMemoryRow.count), writer: try row.decode(PostgresMemoryRow.count + 1),
          memory: try PostgresMemoryRow.memory(row))
      }
      guard let row = found.first, row.memory.version == version else {
        return .conflict(found.first?.memory)
      }
      let rows = try await write(MemorySQL.store(draft, over: row, agent: agent))
      return rows.isEmpty ? .conflict(try await memory(name)) : .stored(try rows.version())
    }
  }

  func value(_ name: MemoryName, refreshing: Bool) async throws -> MemoryValue? {
    if refreshing {
      return try await read(MemorySQL.refreshedValue(agent: agent, name), PostgresMemoryRow.value).first
    }
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

  func memory(_ name: MemoryName, refreshing: Bool = false) async throws -> Memory? {
    try await read(
      refreshing
        ? MemorySQL.refreshedMemory(agent: agent, name) : MemorySQL.memory(agent: agent, name),
      PostgresMemoryRow.memory
    ).first
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
