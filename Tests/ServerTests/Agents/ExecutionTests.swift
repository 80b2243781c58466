// Executions: from their beginning to their end.

import AgentBase
import Foundation
import Testing

@Suite("Agents: executions") struct ExecutionTests {
  private struct Failure: Error, CustomStringConvertible { let description = "it broke" }

  @Test("An execution runs, then is completed", arguments: TestBackend.all)
  func complete(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      let input: JSON = ["url": "https://example.org", "n": 1.50]
      let handle = try await agent.beginExecution("crawl", input: input, metadata: ["try": 1])
      let running = try #require(try await agent.executions().first)
      #expect(running.id == handle.id && running.task == "crawl" && running.status == .running)
      #expect(running.input == input && running.output == nil && running.metadata == ["try": 1])
      #expect(running.startedAt != nil && running.completedAt == nil && running.durationMilliseconds == nil)
      try await agent.finishExecution(handle, output: ["pages": 3])
      let done = try #require(try await agent.executions().first)
      #expect(done.status == .completed && done.output == ["pages": 3] && done.input == input)
      #expect(done.errorMessage == nil && !done.isImported)
      #expect(try #require(done.completedAt) >= #require(done.startedAt))
      #expect(try #require(done.durationMilliseconds) >= 0)
      #expect(try await agent.executions().count == 1)
    }
  }

  @Test("A failed execution has its message", arguments: TestBackend.all)
  func fail(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      let handle = try await agent.beginExecution("crawl")
      try await agent.failExecution(handle, message: "no\0route “é”")
      let failed = try #require(try await agent.executions().first)
      #expect(failed.status == .failed && failed.errorMessage == "no\u{FFFD}route “é”")
      #expect(failed.input == nil && failed.output == nil)
    }
  }

  @Test("An execution ends once", arguments: TestBackend.all)
  func endsOnce(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      let handle = try await agent.beginExecution("task")
      try await agent.finishExecution(handle)
      let again = await #expect(throws: AgentBaseError.self) { try await agent.finishExecution(handle) }
      #expect(again?.code == .notRunning)
      await #expect(throws: AgentBaseError.self) { try await agent.failExecution(handle, message: "x") }
      #expect(try await agent.executions().first?.status == .completed)
    }
  }

  @Test("A body is an execution", arguments: TestBackend.all)
  func body(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      let answer = try await agent.withExecution("sum", input: [1, 2]) { 3 }
      #expect(answer == 3)
      try await agent.withExecution("nothing") {}
      await #expect(throws: Failure.self) {
        try await agent.withExecution("fails") { throw Failure() }
      }
      func execution(_ task: String) async throws -> AgentExecution {
        try #require(try await agent.executions(task: task).first)
      }
      let sum = try await execution("sum")
      #expect(sum.status == .completed && sum.output == 3 && sum.input == [1, 2])
      #expect(try await execution("nothing").status == .completed)
      let failed = try await execution("fails")
      #expect(failed.status == .failed && failed.errorMessage == "it broke")
    }
  }

  @Test("A body that is cancelled is a cancelled execution", arguments: TestBackend.all)
  func cancelled(_ backend: TestBackend) async throws {
    try await backend.withAgent { (agent) async throws in
      let (started, continuation) = AsyncStream.makeStream(of: Void.self)
      let task = Task {
        try await agent.withExecution("long") {
          continuation.yield()
          try await Task.sleep(for: .seconds(600))
        }
      }
      for await _ in started { break }
      task.cancel()
      await #expect(throws: CancellationError.self) { try await task.value }
      #expect(try await agent.executions(task: "long").first?.status == .cancelled)
    }
  }

  @Test("Executions are found by task, status and time, the newest first", arguments: TestBackend.all)
  func filters(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      let before = Date(timeIntervalSinceNow: -2)
      var handles: [ExecutionHandle] = []
      for number in 0..<6 {
        handles.append(try await agent.beginExecution(number % 2 == 0 ? "even" : "odd"))
      }
      try await agent.finishExecution(handles[0])
      try await agent.failExecution(handles[1], message: "x")
      let ids = handles.map(\.id)
      #expect(try await agent.executions().map(\.id) == ids.reversed())
      #expect(try await agent.executions(limit: 2).map(\.id) == [ids[5], ids[4]])
      #expect(try await agent.executions(task: "odd").map(\.id) == [ids[5], ids[3], ids[1]])
      #expect(try await agent.executions(task: "even", status: .running).map(\.id) == [ids[4], ids[2]])
      #expect(try await agent.executions(status: .failed).map(\.id) == [ids[1]])
      #expect(try await agent.executions(since: before).count == 6)
      #expect(try await agent.executions(since: Date(timeIntervalSinceNow: 60)).isEmpty)
      #expect(try await agent.executions(task: "none").isEmpty)
    }
  }

  @Test("What cannot be stored is refused", arguments: TestBackend.all)
  func refused(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      for task in ["", "a\0", String(repeating: "n", count: 2601)] {
        let error = await #expect(throws: AgentBaseError.self) { try await agent.beginExecution(task) }
        #expect(error?.code == .invalidName)
      }
      await #expect(throws: AgentBaseError.self) { try await agent.beginExecution("t", input: "\0") }
      let handle = try await agent.beginExecution("t")
      await #expect(throws: AgentBaseError.self) { try await agent.finishExecution(handle, output: "\0") }
      try await agent.finishExecution(handle, output: "fine")
      #expect(try await agent.executions().map(\.output) == ["fine"])
    }
  }
}
