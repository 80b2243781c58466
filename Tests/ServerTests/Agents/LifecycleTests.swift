// Opening, closing, cancelling, and many at once.

import AgentBase
import Foundation
import Testing

@Suite("Agents: lifecycle") struct LifecycleTests {
  @Test("What was stored is there after opening again", arguments: TestBackend.all)
  func reopen(_ backend: TestBackend) async throws {
    try await backend.withPlace { place in
      let first = try await place.agent()
      try await first.storeMemory("key", "value", metadata: ["m": 1])
      try await first.registerTool("tool")
      try await first.recordMetric("metric", 1)
      try await first.withExecution("task") {}
      await first.close()
      let second = try await place.agent()
      #expect(try await second.memory("key")?.metadata == ["m": 1])
      #expect(try await second.tools().map(\.name) == ["tool"])
      #expect(try await second.metrics().map(\.name) == ["metric"])
      #expect(try await second.executions().map(\.task) == ["task"])
      await second.close()
    }
  }

  @Test("A closed agent says so", arguments: TestBackend.all)
  func closed(_ backend: TestBackend) async throws {
    try await backend.withPlace { place in
      let agent = try await place.agent()
      let other = try await place.agent(place.id + "-other")
      await agent.close()
      await agent.close()
      let error = await #expect(throws: AgentBaseError.self) { try await agent.storeMemory("key", 1) }
      #expect(error?.code == .closed)
      await #expect(throws: AgentBaseError.self) { try await agent.listMemories() }
      // The agents of one database share its connections; the others go on.
      try await other.storeMemory("key", 1)
      await other.close()
    }
  }

  @Test("A cancelled task stores nothing", arguments: TestBackend.all)
  func cancelled(_ backend: TestBackend) async throws {
    try await backend.withAgent { (agent) async throws in
      let task = Task {
        withUnsafeCurrentTask { $0?.cancel() }
        try await agent.storeMemory("key", 1)
      }
      await #expect(throws: CancellationError.self) { try await task.value }
      #expect(try await agent.memory("key") == nil)
    }
  }

  @Test(
    "Stores that are cancelled under way are there or not, and the agent goes on", arguments: TestBackend.all)
  func cancelledUnderWay(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      let tasks = (0..<60).map { number in Task { try await agent.storeMemory("k\(number)", number) } }
      for task in tasks.shuffled().prefix(30) { task.cancel() }
      for (number, task) in tasks.enumerated() {
        switch await task.result {
        case .success: #expect(try await agent.retrieveMemory("k\(number)") == number)
        case .failure(let error): #expect(error is CancellationError)
        }
      }
      try await agent.storeMemory("after", 1)
      #expect(try await agent.retrieveMemory("after") == 1)
    }
  }

  @Test("A thousand tasks that store at once all store", arguments: TestBackend.all)
  func thousand(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<1000 {
          group.addTask { try await agent.storeMemory("k\(number % 500)", number) }
        }
        try await group.waitForAll()
      }
      let page = try await agent.listMemories(limit: 1000)
      #expect(page.memories.count == 500 && page.next == nil)
      for memory in page.memories {
        let number = try memory.decode(as: Int.self)
        #expect(memory.key == "k\(number % 500)")
      }
    }
  }

  @Test("Readers see one value or the other while it is replaced", arguments: TestBackend.all)
  func readersAndWriters(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      try await agent.storeMemory("key", [0, 0])
      try await withThrowingTaskGroup(of: Void.self) { group in
        for writer in 1...4 {
          group.addTask {
            for round in 0..<10 {
              try await agent.storeMemory("key", [writer * 100 + round, writer * 100 + round])
            }
          }
        }
        for _ in 0..<4 {
          group.addTask {
            for _ in 0..<20 {
              let pair = try #require(try await agent.retrieveMemory("key", as: [Int].self))
              #expect(pair.count == 2 && pair[0] == pair[1])
            }
          }
        }
        try await group.waitForAll()
      }
      #expect(try await agent.listMemories().memories.count == 1)
    }
  }

  @Test("Two agents of one id store the same key", arguments: TestBackend.all)
  func sameAgentTwice(_ backend: TestBackend) async throws {
    try await backend.withPlace { place in
      let one = try await place.agent()
      let two = try await place.agent()
      for round in 0..<10 {
        try await (round % 2 == 0 ? one : two).storeMemory("key", round)
        #expect(try await one.retrieveMemory("key") == round)
        #expect(try await two.retrieveMemory("key") == round)
      }
      await one.close()
      await two.close()
    }
  }

  @Test("An agent without an id, or with one that cannot be stored, is refused", arguments: TestBackend.all)
  func wrongIDs(_ backend: TestBackend) async throws {
    try await backend.withPlace { place in
      for id in ["", "a\0", String(repeating: "i", count: 2601)] {
        let error = await #expect(throws: AgentBaseError.self) {
          _ = try await Agent(AgentConfig(name: "name", id: id, memoryBackend: place.backend))
        }
        #expect(error?.code == .invalidName)
      }
    }
  }
}
