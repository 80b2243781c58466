// Many calls at once on Postgres: that they share statements, and that nobody gets another's answer or error.

import Foundation
import Postgres
import TestSupport
import Testing

@testable import AgentBase

@Suite("Agents: calls that are gathered") struct GatheredMemoryTests {
  static let backends = TestBackend.all.filter { $0.version != nil }

  /// An agent in a database of its own, where its locks and tables are in nobody's way, and a connection to it.
  private func withAgent(
    _ backend: TestBackend, _ body: (TestBackend.Place, Agent, PostgresConnection) async throws -> Void
  ) async throws {
    let url = try await TestServer.freshDatabase(try #require(backend.version))
    let isPooled = backend == .pgbouncer
    let place = TestBackend.Place(
      backend: .postgres(url: isPooled ? try await Pooler.shared().url(of: url) : url), target: url,
      preparesStatements: !isPooled)
    let agent = try await place.agent()
    let control = try await PostgresConnection.connect(try PostgresConfiguration(url))
    do {
      try await body(place, agent, control)
    } catch {
      await control.close()
      await agent.close()
      throw error
    }
    await control.close()
    await agent.close()
  }

  @Test("A thousand stores and reads of many agents share statements and commits", arguments: backends)
  func shared(_ backend: TestBackend) async throws {
    try await withAgent(backend) { place, agent, control in
      var agents = [agent]
      for number in 1..<5 { agents.append(try await place.agent("\(place.id)-\(number)")) }
      // Each agent's own row is there before.
      for agent in agents { try await agent.storeMemory("first", 0) }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<1000 {
          group.addTask { [agent = agents[number % 5]] in
            try await agent.storeMemory(
              "k\(number)", ["n": number], metadata: number.isMultiple(of: 3) ? ["m": .integer(number)] : [:],
              embedding: number.isMultiple(of: 7)
                ? Array(repeating: Float(number), count: 1 + number % 4) : nil,
              expiresIn: number.isMultiple(of: 11) ? .seconds(3600) : nil)
          }
        }
        try await group.waitForAll()
      }
      let ids = agents.map(\.id)
      let commits = try await control.queryOne(
        "SELECT count(*), count(DISTINCT xmin::text) FROM agent_memories WHERE agent_id = ANY (\(ids)) AND key <> 'first'"
      )
      #expect(try commits?.decode(0, as: Int.self) == 1000)
      #expect(try commits?.decode(1, as: Int.self) ?? 1000 < 300)

      let pool = try #require(agent.access.store as? PostgresStore).pool
      let leases = pool.metrics.leases
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<1000 {
          group.addTask { [agent = agents[number % 5]] in
            let found = try await agent.retrieveMemory("k\(number)", as: [String: Int].self)
            let missing = try await agent.retrieveMemory("none\(number)", as: Int.self)
            #expect(found == ["n": number] && missing == nil)
          }
        }
        try await group.waitForAll()
      }
      // Others may use the same pool; but not one lease a call.
      #expect(pool.metrics.leases - leases < 1200)
      for number in stride(from: 0, to: 1000, by: 77) {
        let memory = try #require(try await agents[number % 5].memory("k\(number)"))
        #expect(memory.embedding == Array(repeating: Float(number), count: 1 + number % 4))
        #expect((memory.expiresAt != nil) == number.isMultiple(of: 11))
        #expect(memory.metadata == (number.isMultiple(of: 3) ? ["m": .integer(number)] : [:]))
      }
      for agent in agents.dropFirst() { await agent.close() }
    }
  }

  @Test("What is stored together reads as what is stored alone", arguments: backends)
  func sameAsAlone(_ backend: TestBackend) async throws {
    try await withAgent(backend) { place, agent, control in
      // Imported rows, some with a stored one beside them, and expired ones.
      try await agent.storeMemory("first", 0)
      try await control.execute(
        """
        INSERT INTO agent_memories (agent_id, namespace, key, content, updated_at, source_id, source_row)
        SELECT \(place.id), 'n', 'k' || number % 60, jsonb_build_object('value', number, 'key', 'k' || number % 60),
          now() - number * interval '1 s', 1, number
        FROM generate_series(1, 120) AS number
        """)
      for number in stride(from: 0, to: 60, by: 5) {
        try await agent.storeMemory("k\(number)", "stored", namespace: "n")
      }
      try await control.execute(
        """
        UPDATE agent_memories SET expires_at = now() - interval '1 s'
        WHERE agent_id = \(place.id) AND source_id IS NULL AND key IN ('k10', 'k15')
        """)
      var alone: [String: JSON?] = [:]
      for number in 0..<70 {
        alone["k\(number)"] = try await agent.retrieveMemory("k\(number)", as: JSON.self, namespace: "n")
      }
      let together = try await withThrowingTaskGroup(of: (String, JSON?).self) { group in
        for number in 0..<280 {
          group.addTask {
            let key = "k\(number % 70)"
            return (key, try await agent.retrieveMemory(key, as: JSON.self, namespace: "n"))
          }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(alone["k10"] == .some(nil) && alone["k5"] == "stored" && alone["k65"] == .some(nil))
      for (key, value) in together { #expect(alone[key] == value, "\(key)") }
    }
  }

  @Test("Large values among small ones come whole", arguments: backends)
  func large(_ backend: TestBackend) async throws {
    try await withAgent(backend) { _, agent, _ in
      // Text that no compression makes small.
      let values = (0..<120).map { number in
        number.isMultiple(of: 4) ? (0..<3000).map { _ in UUID().uuidString }.joined() : "small \(number)"
      }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for (number, value) in values.enumerated() {
          group.addTask { try await agent.storeMemory("k\(number)", value) }
        }
        try await group.waitForAll()
        for (number, value) in values.enumerated() {
          group.addTask {
            let read: String? = try await agent.retrieveMemory("k\(number)")
            #expect(read == value)
          }
        }
        try await group.waitForAll()
      }
    }
  }

  @Test("A key that all store at once gets each value once", arguments: backends)
  func oneKey(_ backend: TestBackend) async throws {
    try await withAgent(backend) { _, agent, _ in
      try await agent.storeMemory("key", -1)
      let before = try #require(try await agent.memory("key")?.version)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<200 { group.addTask { try await agent.storeMemory("key", number) } }
        try await group.waitForAll()
      }
      let memory = try #require(try await agent.memory("key"))
      #expect((0..<200).contains(try memory.decode(as: Int.self)))
      #expect(memory.version == before + 200)
    }
  }

  @Test(
    "Who stores a key that another transaction holds waits for it, and nobody else does", arguments: backends)
  func heldRow(_ backend: TestBackend) async throws {
    try await withAgent(backend) { place, agent, control in
      try await agent.storeMemory("held", 0)
      try await control.executeScript("BEGIN")
      try await control.execute(
        "UPDATE agent_memories SET metadata = metadata WHERE agent_id = \(place.id) AND key = 'held'")
      let waiting = (0..<3).map { number in Task { _ = try await agent.storeMemory("held", number + 1) } }
      let others = try await withThrowingTaskGroup(of: Void.self) { group in
        for round in 0..<3 {
          for number in 0..<60 { group.addTask { try await agent.storeMemory("k\(number)", round) } }
          try await group.waitForAll()
        }
        return true
      }
      #expect(others)
      try await control.executeScript("ROLLBACK")
      for task in waiting { try await task.value }
      let value: Int? = try await agent.retrieveMemory("held")
      #expect((1...3).contains(value ?? 0))
    }
  }

  @Test("A value that the server refuses fails its own call alone", arguments: backends)
  func refused(_ backend: TestBackend) async throws {
    try await withAgent(backend) { place, agent, control in
      try await agent.storeMemory("first", 0)
      let name = "refuse_\(place.id.replacing("-", with: "_"))"
      try await control.execute(
        """
        ALTER TABLE agent_memories ADD CONSTRAINT \(identifier: name) CHECK (agent_id <> \(unsafeSQL: "'\(place.id)'") OR key <> 'bad')
        """)
      let results = await withTaskGroup(of: (Int, (any Error)?).self) { group in
        for number in 0..<100 {
          group.addTask {
            do {
              try await agent.storeMemory(number == 50 ? "bad" : "k\(number)", number)
              return (number, nil)
            } catch {
              return (number, error)
            }
          }
        }
        return await group.reduce(into: [Int: (any Error)?]()) { $0[$1.0] = $1.1 }
      }
      try await control.execute("ALTER TABLE agent_memories DROP CONSTRAINT \(identifier: name)")
      for (number, error) in results {
        #expect((error != nil) == (number == 50), "\(String(describing: error))")
      }
      #expect((results[50] as? AgentBaseError)?.key == "bad")
      #expect(try await agent.listMemories(limit: 1000).memories.count == 100)
    }
  }

  @Test("An agent whose row was removed makes it again, for all who store at once", arguments: backends)
  func removedAgent(_ backend: TestBackend) async throws {
    try await withAgent(backend) { place, agent, control in
      try await agent.storeMemory("first", 0)
      try await agent.deleteMemory("first")
      try await control.execute("DELETE FROM agents WHERE id = \(place.id)")
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<100 { group.addTask { _ = try await agent.storeMemory("k\(number)", number) } }
        try await group.waitForAll()
      }
      #expect(try await agent.listMemories(limit: 1000).memories.count == 100)
    }
  }

  @Test("Cancelled stores are there or not, those beside them always", arguments: backends)
  func cancelled(_ backend: TestBackend) async throws {
    try await withAgent(backend) { _, agent, _ in
      try await agent.storeMemory("first", 0)
      let tasks = (0..<500).map { number in Task { _ = try await agent.storeMemory("k\(number)", number) } }
      for (number, task) in tasks.enumerated() where number.isMultiple(of: 5) { task.cancel() }
      for (number, task) in tasks.enumerated() {
        do {
          try await task.value
          #expect(try await agent.retrieveMemory("k\(number)") == number)
        } catch is CancellationError {
          #expect(number.isMultiple(of: 5))
        }
      }
    }
  }

  @Test("Ten thousand agents share one pool and cost little", .needs(.v18))
  func idleAgents() async throws {
    try await TestBackend.postgres18.withPlace { place in
      let first = try await place.agent()
      try await first.storeMemory("first", 0)
      var agents: [Agent] = []
      let before = try Self.residentBytes()
      for number in 0..<10_000 { agents.append(try await place.agent("\(place.id)-\(number)")) }
      let bytes = (try Self.residentBytes() - before) / agents.count
      // Other tests run beside this one; what they take is shared out to ten thousand.
      #expect(bytes < 50_000, "\(bytes) bytes an agent")
      let pools = Set(
        agents.compactMap { ($0.access.store as? PostgresStore).map { ObjectIdentifier($0.pool) } })
      #expect(pools.count == 1)
      try await agents[9999].storeMemory("k", 1)
      #expect(try await agents[9999].retrieveMemory("k") == 1)
      for agent in agents { await agent.close() }
      await first.close()
    }
  }

  /// The memory of this process that is in use (proc(5)).
  private static func residentBytes() throws -> Int {
    let fields = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
    return (Int(fields[1]) ?? 0) * 4096
  }
}
