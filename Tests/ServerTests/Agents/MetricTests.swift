// Metrics: recorded, and listed by time.

import AgentBase
import Foundation
import Testing

@Suite("Agents: metrics") struct MetricTests {
  private var start: Date { Date(timeIntervalSince1970: 1_705_314_600) }

  @Test("A measurement comes back", arguments: TestBackend.all)
  func record(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      #expect(try await agent.metrics().isEmpty)
      let before = Date(timeIntervalSinceNow: -2)
      try await agent.recordMetric("latency", 12.5, unit: "ms", metadata: ["url": "x"])
      try await agent.recordMetric("plain", 1)
      let metric = try #require(try await agent.metrics("latency").first)
      #expect(metric.value == 12.5 && metric.unit == "ms" && metric.metadata == ["url": "x"])
      #expect(try #require(metric.timestamp) >= before)
      #expect(!metric.isImported)
      let plain = try #require(try await agent.metrics("plain").first)
      #expect(plain.value == 1 && plain.unit == nil && plain.metadata == [:])
    }
  }

  @Test("Numbers come back bit for bit", arguments: TestBackend.all)
  func numbers(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      let values = [0.1, 0, Double.leastNonzeroMagnitude, 1.7976931348623157e308, 1e15, 42, -3]
      for (number, value) in values.enumerated() {
        try await agent.recordMetric("n", value, timestamp: start + Double(number))
      }
      #expect(
        try await agent.metrics("n").reversed().map { $0.value?.bitPattern } == values.map(\.bitPattern))
    }
  }

  @Test("The newest come first, as many as asked for", arguments: TestBackend.all)
  func order(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      for number in [3, 1, 4, 0, 2] {
        try await agent.recordMetric("m", Double(number), timestamp: start + Double(number))
      }
      #expect(try await agent.metrics("m").map(\.value) == [4, 3, 2, 1, 0])
      #expect(try await agent.metrics("m", limit: 2).map(\.value) == [4, 3])
    }
  }

  @Test("Measurements are found by name and time", arguments: TestBackend.all)
  func filters(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      for number in 0..<6 {
        try await agent.recordMetric(
          number % 2 == 0 ? "even" : "odd", Double(number), timestamp: start + Double(number))
      }
      #expect(try await agent.metrics("odd").map(\.value) == [5, 3, 1])
      #expect(try await agent.metrics(since: start + 4).map(\.value) == [5, 4])
      #expect(try await agent.metrics("even", since: start + 1).map(\.value) == [4, 2])
      #expect(try await agent.metrics("Odd").isEmpty)
      #expect(try await agent.metrics("a\0").isEmpty)
      #expect(try await agent.metrics("even", since: start + 100).isEmpty)
    }
  }

  @Test("Times come back to the microsecond", arguments: TestBackend.all)
  func times(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      let times = [-62_135_596_800, -1.000001, 0, 0.000001, 86_400, 1_705_314_600.123456, 253_402_300_799]
      for time in times {
        try await agent.recordMetric("t", time, timestamp: Date(timeIntervalSince1970: time))
      }
      for metric in try await agent.metrics("t") {
        let time = try #require(metric.timestamp).timeIntervalSince1970
        #expect(abs(time - (metric.value ?? .nan)) < 1e-6)
      }
      #expect(try await agent.metrics("t").count == times.count)
      for time in [-62_135_596_801.0, 253_402_300_800, .infinity, .nan] {
        let error = await #expect(throws: AgentBaseError.self) {
          try await agent.recordMetric("t", 1, timestamp: Date(timeIntervalSince1970: time))
        }
        #expect(error?.code == .invalidValue)
      }
    }
  }

  @Test("What is no measurement is refused", arguments: TestBackend.all)
  func refused(_ backend: TestBackend) async throws {
    try await backend.withAgent { (agent) async throws in
      for value in [Double.nan, .infinity, -.infinity] {
        let error = await #expect(throws: AgentBaseError.self) { try await agent.recordMetric("m", value) }
        #expect(error?.code == .invalidValue)
      }
      for name in ["", "a\0", String(repeating: "n", count: 2601)] {
        let error = await #expect(throws: AgentBaseError.self) { try await agent.recordMetric(name, 1) }
        #expect(error?.code == .invalidName)
      }
      await #expect(throws: AgentBaseError.self) { try await agent.recordMetric("m", 1, unit: "\0") }
      #expect(try await agent.metrics().isEmpty)
    }
  }

  @Test("A hundred at once are all recorded", arguments: TestBackend.all)
  func concurrent(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<100 { group.addTask { try await agent.recordMetric("m", Double(number)) } }
        try await group.waitForAll()
      }
      #expect(Set(try await agent.metrics("m", limit: 1000).compactMap(\.value)).count == 100)
    }
  }
}
