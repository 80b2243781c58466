// Transactions of a caller's own: together or not at all, apart from others, and what is refused.

import AgentBase
import Foundation
import Testing

@Suite("Agents: transactions") struct AgentTransactionTests {
  private struct Stop: Error {}

  // MARK: - Together or not at all

  @Test("Stores, a metric, a tool and an execution commit together", arguments: TestBackend.all)
  func commits(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      try await agent.storeMemory("b", "before")
      let count = try await agent.transaction { transaction in
        try await transaction.storeMemory("a", 1)
        try await transaction.storeMemory("b", "after", metadata: ["m": 1])
        try await transaction.recordMetric("stores", 2)
        try await transaction.registerTool("tool")
        try await transaction.recordToolUse("tool")
        return try await transaction.withExecution("task") {
          // It sees what it has written itself.
          #expect(try await transaction.retrieveMemory("a") == 1)
          #expect(try await transaction.retrieveMemory("b") == "after")
          #expect(try await transaction.metrics().map(\.value) == [2])
          #expect(try await transaction.tool("tool")?.usageCount == 1)
          return try await transaction.listMemories().memories.count
        }
      }
      #expect(count == 2)
      #expect(try await agent.retrieveMemory("a") == 1)
      #expect(try await agent.memory("b")?.metadata == ["m": 1])
      #expect(try await agent.metrics().map(\.name) == ["stores"])
      #expect(try await agent.tool("tool")?.usageCount == 1)
      #expect(try await agent.executions().map(\.status) == [.completed])
    }
  }

  @Test("A throw undoes all of it", arguments: TestBackend.all)
  func throwing(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      try await agent.storeMemory("kept", "before")
      try await agent.storeMemory("deleted", 1)
      await #expect(throws: Stop.self) {
        try await agent.transaction { transaction in
          try await transaction.storeMemory("kept", "after")
          try await transaction.storeMemory("new", 1)
          try await transaction.deleteMemory("deleted")
          try await transaction.recordMetric("metric", 1)
          try await transaction.registerTool("tool")
          _ = try await transaction.beginExecution("task")
          throw Stop()
        }
      }
      #expect(try await agent.listMemories().memories.map(\.key) == ["deleted", "kept"])
      #expect(try await agent.retrieveMemory("kept") == "before")
      #expect(try await agent.metrics().isEmpty)
      #expect(try await agent.tools().isEmpty)
      #expect(try await agent.executions().isEmpty)
      try await agent.storeMemory("after", 1)
      #expect(try await agent.retrieveMemory("after") == 1)
    }
  }

  @Test("A cancellation undoes all of it, even where the body does not mind it", arguments: TestBackend.all)
  func cancelled(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      let task = Task {
        try await agent.transaction { transaction in
          try await transaction.storeMemory("key", 1)
          withUnsafeCurrentTask { $0?.cancel() }
        }
      }
      await #expect(throws: CancellationError.self) { try await task.value }
      let impatient = Task {
        try await agent.transaction { transaction in
          try await transaction.storeMemory("key", 1)
          withUnsafeCurrentTask { $0?.cancel() }
          _ = try? await transaction.storeMemory("key", 2)
        }
      }
      await #expect(throws: CancellationError.self) { try await impatient.value }
      #expect(try await agent.memory("key") == nil)
      try await agent.transaction { try await $0.storeMemory("key", 3) }
      #expect(try await agent.retrieveMemory("key") == 3)
    }
  }

  @Test("Transactions that are cancelled at any moment happen or do not", arguments: TestBackend.all)
  func cancelledAnywhere(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      for number in 0..<25 {
        let task = Task {
          try await agent.transaction { transaction in
            try await transaction.storeMemory("a\(number)", number)
            try await transaction.storeMemory("b\(number)", number)
          }
        }
        try await Task.sleep(for: .microseconds(number * 60))
        task.cancel()
        let result = await task.result
        let a: Int? = try await agent.retrieveMemory("a\(number)")
        let b: Int? = try await agent.retrieveMemory("b\(number)")
        #expect(a == b)
        if case .success = result { #expect(a == number) } else { #expect(a == nil) }
      }
    }
  }

  @Test("A process that is killed in a transaction leaves nothing of it", arguments: TestBackend.all)
  func killed(_ backend: TestBackend) async throws {
    try await backend.withPlace { place in
      try await place.agent().storeMemory("key", "before")
      await #expect(processExitsWith: .signal(SIGKILL)) {
        [id = place.id as String, target = place.target as String] in
        let backend: MemoryBackend =
          target.hasPrefix("postgres") ? .postgres(url: target) : TestBackend.file(target)
        let agent = try await Agent(AgentConfig(name: id, memoryBackend: backend))
        try await agent.transaction { transaction in
          try await transaction.storeMemory("key", "after")
          try await transaction.storeMemory("new", 1)
          kill(getpid(), SIGKILL)
          try await Task.sleep(for: .seconds(60))
        }
      }
      let agent = try await place.agent()
      #expect(try await agent.listMemories().memories.map(\.key) == ["key"])
      #expect(try await agent.retrieveMemory("key") == "before")
      try await agent.storeMemory("key", "later")
      await agent.close()
    }
  }

  // MARK: - Apart from others

  @Test("Others see nothing of it before its end", arguments: TestBackend.all)
  func isolated(_ backend: TestBackend) async throws {
    try await backend.withPlace { place in
      let agent = try await place.agent()
      let other = try await place.agent()
      try await agent.storeMemory("key", "before")
      try await agent.transaction { transaction in
        try await transaction.storeMemory("key", "after")
        try await transaction.storeMemory("new", 1)
        // Not in this body's own tasks: there it is refused.
        let seen = try await Task.detached { try await other.listMemories().memories.map(\.key) }.value
        #expect(seen == ["key"])
        #expect(try await Task.detached { try await agent.retrieveMemory("key") }.value == "before")
      }
      #expect(try await other.retrieveMemory("key") == "after")
      await agent.close()
      await other.close()
    }
  }

  @Test("Transactions that read and then write lose no update", arguments: TestBackend.all)
  func counters(_ backend: TestBackend) async throws {
    try await backend.withPlace { place in
      var config = try await place.config()
      config.waitLimit = .seconds(300)
      config.connections.preparesStatements = place.preparesStatements
      let agent = try await Agent(config)
      try await agent.storeMemory("count", 0)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<12 {
          group.addTask {
            try await agent.transaction { transaction in
              let count: Int = try await transaction.retrieveMemory("count") ?? 0
              try await transaction.storeMemory("count", count + 1)
            }
          }
        }
        try await group.waitForAll()
      }
      #expect(try await agent.retrieveMemory("count") == 12)
      await agent.close()
    }
  }

  @Test("Calls of a body that are under way at once all belong to it", arguments: TestBackend.all)
  func parallel(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      try await agent.transaction { transaction in
        try await withThrowingTaskGroup(of: Void.self) { group in
          for number in 0..<40 {
            group.addTask { _ = try await transaction.storeMemory("k\(number)", number) }
          }
          group.addTask {
            _ = try await transaction.transaction { _ = try await $0.storeMemory("nested", 1) }
          }
          try await group.waitForAll()
        }
        try await Task.detached { _ = try await transaction.storeMemory("detached", 1) }.value
        #expect(try await transaction.listMemories().memories.count == 42)
      }
      #expect(try await agent.listMemories().memories.count == 42)
    }
  }

  // MARK: - Nested

  @Test("A nested one is undone alone, and commits with its outer one", arguments: TestBackend.all)
  func nested(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      try await agent.transaction { transaction in
        try await transaction.storeMemory("outer", 1)
        await #expect(throws: Stop.self) {
          try await transaction.transaction { inner in
            try await inner.storeMemory("outer", 2)
            try await inner.storeMemory("undone", 1)
            try await inner.transaction { try await $0.storeMemory("innermost", 1) }
            throw Stop()
          }
        }
        #expect(try await transaction.retrieveMemory("outer") == 1)
        let answer = try await transaction.transaction { inner in
          try await inner.storeMemory("inner", 1)
          return try await inner.listMemories().memories.count
        }
        #expect(answer == 2)
      }
      #expect(try await agent.listMemories().memories.map(\.key) == ["inner", "outer"])
      await #expect(throws: Stop.self) {
        try await agent.transaction { transaction in
          try await transaction.transaction { try await $0.storeMemory("lost", 1) }
          throw Stop()
        }
      }
      #expect(try await agent.memory("lost") == nil)
    }
  }

  // MARK: - What is refused

  @Test("Calls that would wait for the transaction are refused in its body", arguments: TestBackend.all)
  func outside(_ backend: TestBackend) async throws {
    try await backend.withPlace { place in
      let agent = try await place.agent()
      let other = try await place.agent(place.id + "-other")
      func expectRefusal(_ call: () async throws -> Void) async {
        let error = await #expect(throws: AgentBaseError.self) { try await call() }
        #expect(error?.code == .outsideTransaction)
      }
      try await agent.transaction { transaction in
        try await transaction.storeMemory("key", 1)
        await expectRefusal { try await agent.storeMemory("key", 2) }
        await expectRefusal { _ = try await agent.memory("key") }
        await expectRefusal { try await agent.transaction { _ in } }
        await expectRefusal { try await other.storeMemory("key", 2) }
        async let child = agent.storeMemory("key", 2)
        do {
          _ = try await child
          Issue.record("a child task's call was not refused")
        } catch let error as AgentBaseError {
          #expect(error.code == .outsideTransaction)
        }
        try await transaction.transaction { inner in
          await expectRefusal { try await transaction.storeMemory("key", 2) }
          try await inner.storeMemory("inner", 1)
        }
      }
      #expect(try await agent.listMemories().memories.map(\.key) == ["inner", "key"])
      #expect(try await agent.retrieveMemory("key") == 1)
      await agent.close()
      await other.close()
    }
  }

  @Test("After its end it takes no more calls", arguments: TestBackend.all)
  func ended(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      let (kept, task) = try await agent.transaction { transaction in
        try await transaction.storeMemory("key", 1)
        let task = Task {
          try await Task.sleep(for: .milliseconds(50))
          // The transaction has ended: the agent itself is free again for this task too.
          try await agent.storeMemory("task", 1)
        }
        return (transaction, task)
      }
      for _ in 0..<2 {
        let error = await #expect(throws: AgentBaseError.self) { try await kept.storeMemory("key", 2) }
        #expect(error?.code == .closed)
      }
      await #expect(throws: AgentBaseError.self) { try await kept.transaction { _ in } }
      try await task.value
      #expect(try await agent.retrieveMemory("key") == 1)
      #expect(try await agent.retrieveMemory("task") == 1)
    }
  }

  @Test("What the library refuses before the database leaves it sound", arguments: TestBackend.all)
  func refused(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      try await agent.transaction { transaction in
        try await transaction.storeMemory("key", 1)
        await #expect(throws: AgentBaseError.self) { try await transaction.recordToolUse("none") }
        await #expect(throws: AgentBaseError.self) { try await transaction.storeMemory("", 1) }
        await #expect(throws: AgentBaseError.self) {
          _ = try await transaction.retrieveMemory("key", as: [String].self)
        }
      }
      #expect(try await agent.retrieveMemory("key") == 1)
    }
  }

  @Test("Closing waits for a transaction; in its own body it undoes it", arguments: TestBackend.all)
  func closing(_ backend: TestBackend) async throws {
    try await backend.withPlace { place in
      let agent = try await place.agent()
      let (begun, signal) = AsyncStream<Void>.makeStream()
      let task = Task {
        try await agent.transaction { transaction in
          try await transaction.storeMemory("first", 1)
          signal.finish()
          try await Task.sleep(for: .milliseconds(100))
          try await transaction.storeMemory("second", 2)
        }
      }
      for await _ in begun {}
      await agent.close()
      try await task.value

      let second = try await place.agent()
      #expect(try await second.listMemories().memories.map(\.key) == ["first", "second"])
      let error = await #expect(throws: AgentBaseError.self) {
        try await second.transaction { transaction in
          try await transaction.storeMemory("third", 3)
          await second.close()
        }
      }
      #expect(error?.code == .closed)
      let third = try await place.agent()
      #expect(try await third.memory("third") == nil)
      await third.close()
    }
  }

  @Test("A body keeps to its caller's actor", arguments: TestBackend.all)
  func actors(_ backend: TestBackend) async throws {
    try await backend.withPlace { place in try await countOnMainActor(place) }
  }

  @MainActor private func countOnMainActor(_ place: TestBackend.Place) async throws {
    let agent = try await place.agent()
    let counter = Counter()
    try await agent.transaction { transaction in
      MainActor.assertIsolated()
      try await transaction.storeMemory("key", 1)
      MainActor.assertIsolated()
      counter.count += 1
      try await transaction.transaction { _ in MainActor.assertIsolated() }
    }
    #expect(counter.count == 1)
    await agent.close()
  }

  private final class Counter { var count = 0 }
}
