// Listings by time: in pages and as a sequence, the same on every backend.

import AgentBase
import Foundation
import TestSupport
import Testing

@Suite("Agents: listings by time") struct RecordListTests {
  private var start: Date { Date(timeIntervalSince1970: 1_705_314_600) }

  /// All pages of a listing.
  private func pages<Record: Sendable>(
    _ page: @Sendable (RecordCursor?) async throws -> RecordPage<Record>
  ) async throws -> [[Record]] {
    var all: [[Record]] = []
    var cursor: RecordCursor?
    repeat {
      let next = try await page(cursor)
      all.append(next.records)
      // As a client would send it back.
      cursor = next.next.map { RecordCursor(rawValue: $0.rawValue) }
    } while cursor != nil
    return all
  }

  @Test("Pages of metrics are the listing, many of one time included", arguments: TestBackend.all)
  func metrics(_ backend: TestBackend) async throws {
    let seed = SeededGenerator.seed(for: "Pages of metrics")
    var random = SeededGenerator(seed: seed)
    try await backend.withAgent { agent in
      for number in 0..<60 {
        let time = start + Double(Int.random(in: 0..<12, using: &random))
        try await agent.recordMetric(random.one(of: ["a", "b"]), Double(number), timestamp: time)
      }
      for name in [nil, "a", "b"] {
        let all = try await agent.metrics(name, limit: 1000).map(\.value)
        for limit in [1, 7, 60, 61] {
          let paged = try await pages { try await agent.metricsPage(name, limit: limit, after: $0) }
          #expect(paged.flatMap { $0 }.map(\.value) == all, "seed \(seed), limit \(limit)")
          #expect(paged.dropLast().allSatisfy { $0.count == limit })
        }
        var listed: [Double?] = []
        for try await metric in agent.allMetrics(name) { listed.append(metric.value) }
        #expect(listed == all)
      }
      let (from, to) = (start + 3, start + 8)
      let inside = try await agent.metrics(limit: 1000).filter { metric in
        metric.timestamp.map { $0 >= from && $0 < to } ?? false
      }
      let paged = try await pages { try await agent.metricsPage(from: from, to: to, limit: 4, after: $0) }
      #expect(paged.flatMap { $0 }.map(\.value) == inside.map(\.value), "seed \(seed)")
    }
  }

  @Test("A walk stays right while others write", arguments: TestBackend.all)
  func whileWriting(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      for number in 0..<10 {
        try await agent.recordMetric("m", Double(number), timestamp: start + Double(number))
      }
      let first = try await agent.metricsPage("m", limit: 4)
      for number in 0..<10 {
        try await agent.recordMetric("m", 100, timestamp: start + Double(number) + 0.5)
        try await agent.recordMetric("m", 100, timestamp: start + 100)
      }
      let rest = try await pages { try await agent.metricsPage("m", limit: 4, after: $0 ?? first.next) }
      let values = (first.records + rest.flatMap { $0 }).compactMap(\.value).filter { $0 < 100 }
      #expect(values == (0..<10).reversed().map(Double.init))
    }
  }

  @Test("Pages of executions are the listing, by task and status too", arguments: TestBackend.all)
  func executions(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      for number in 0..<12 {
        let handle = try await agent.beginExecution(number % 3 == 0 ? "a" : "b")
        if number % 2 == 0 { try await agent.finishExecution(handle) }
      }
      let all = try await agent.executions()
      let paged = try await pages { try await agent.executionsPage(limit: 5, after: $0) }
      #expect(paged.flatMap { $0 }.map(\.id) == all.map(\.id) && paged.map(\.count) == [5, 5, 2])
      let some = try await pages {
        try await agent.executionsPage(task: "b", status: .completed, limit: 1, after: $0)
      }
      #expect(
        some.flatMap { $0 }.map(\.id)
          == all.filter { $0.task == "b" && $0.status == .completed }.map(\.id))
      var listed: [UUID?] = []
      for try await execution in agent.allExecutions(status: .running) { listed.append(execution.id) }
      #expect(listed == all.filter { $0.status == .running }.map(\.id))
      let past = Date(timeIntervalSinceNow: -60)
      #expect(
        try await agent.executionsPage(from: past, to: Date(timeIntervalSinceNow: 60)).records.count == 12)
      #expect(try await agent.executionsPage(to: past).records.isEmpty)
    }
  }

  @Test("A cursor that is none, or of another listing, is refused", arguments: TestBackend.all)
  func cursors(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      try await agent.recordMetric("m", 1)
      for text in ["", "x", "1/2", "a/b/c", "//", "9999999999999999999//x"] {
        do {
          _ = try await agent.metricsPage(after: RecordCursor(rawValue: text))
          // A SQLite file takes any name for a table's.
          #expect(backend.version == nil && text == "//")
        } catch let error as AgentBaseError {
          #expect(error.code == .invalidValue)
        }
      }
      let limit = await #expect(throws: AgentBaseError.self) { try await agent.metricsPage(limit: 0) }
      #expect(limit?.code == .invalidValue)
    }
  }
}
