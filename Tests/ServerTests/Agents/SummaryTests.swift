// Spans of measurements and statistics of executions: the same doubles on every backend.

import AgentBase
import Foundation
import TestSupport
import Testing

@Suite("Agents: summaries") struct SummaryTests {
  private var start: Date { Date(timeIntervalSince1970: 1_705_314_600) }  // 10:30:00 UTC

  @Test("Spans are counted from 1970, and hold what was measured in them", arguments: TestBackend.all)
  func spans(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      let times: [(Double, Double)] = [(0, 4), (299, 1), (300, 10), (-1, 7), (100, 3), (900, 2)]
      for (offset, value) in times {
        try await agent.recordMetric("m", value, timestamp: start + offset)
      }
      try await agent.recordMetric("other", 1000, timestamp: start)
      let spans = try await agent.aggregateMetrics("m", every: .minutes(5), percentiles: [0, 0.5, 0.95, 1])
      #expect(spans.map(\.start) == [start - 300, start, start + 300, start + 900])
      #expect(spans.map(\.summary.count) == [1, 3, 1, 1])
      #expect(spans.map(\.last) == [7, 1, 10, 2])
      let span = spans[1].summary
      #expect(span.minimum == 1 && span.maximum == 4 && span.sum == 8 && span.mean == 8.0 / 3)
      #expect(span.percentiles[0] == 1 && span.percentiles[0.5] == 3 && span.percentiles[1] == 4)
      let between: Double = 3 + (0.95 * 2 - 1)
      #expect(span.percentiles[0.95] == between)
      let some = try await agent.aggregateMetrics(
        "m", every: .hours(1), from: start + 100, to: start + 300)
      #expect(some.map(\.start) == [start - 1800] && some.map(\.summary.count) == [2])
      #expect(try await agent.aggregateMetrics("none", every: .days(1)).isEmpty)
      #expect(try await agent.aggregateMetrics("a\0", every: .days(1)).isEmpty)
    }
  }

  @Test("Random measurements come to the same bits, in any order of storing", arguments: TestBackend.all)
  func random(_ backend: TestBackend) async throws {
    let seed = SeededGenerator.seed(for: "Spans")
    let measured = Self.measurements(seed: seed)
    try await backend.withAgent { agent in
      for (second, value) in measured {
        try await agent.recordMetric("m", value, timestamp: Date(timeIntervalSince1970: second))
      }
      let spans = try await agent.aggregateMetrics("m", every: .seconds(300), percentiles: Self.places)
      let expected = Dictionary(grouping: measured) { ($0.0 / 300).rounded(.down) * 300 }
      #expect(spans.map(\.start.timeIntervalSince1970) == expected.keys.sorted(), "seed \(seed)")
      for span in spans {
        let values = expected[span.start.timeIntervalSince1970, default: []].map(\.1)
        #expect(Self.bits(span.summary) == Self.bits(of: values), "seed \(seed)")
      }
    }
  }

  private static let places = [0.5, 0.9, 0.99]

  /// Seconds and values, around 1970, where a remainder changes its sign.
  private static func measurements(seed: UInt64) -> [(Double, Double)] {
    var random = SeededGenerator(seed: seed)
    return (0..<200).map { _ in
      let value = random.chance(0.2) ? 0.1 : Double.random(in: -1e6...1e6, using: &random)
      return (Double(Int.random(in: -2000...2000, using: &random)), value)
    }
  }

  private static func bits(_ summary: NumberSummary) -> [UInt64] {
    let numbers = [Double(summary.count), summary.minimum, summary.maximum, summary.sum]
    return (numbers + places.map { summary.percentiles[$0] ?? .nan }).map(\.bitPattern)
  }

  /// The same by another way than the library's.
  private static func bits(of values: [Double]) -> [UInt64] {
    let sorted = values.sorted()
    let percentiles = places.map { place -> Double in
      let exact = place * Double(sorted.count - 1)
      let low = sorted[Int(exact)]
      let high = sorted[min(Int(exact) + 1, sorted.count - 1)]
      return exact == exact.rounded() ? low : low + (exact - exact.rounded(.down)) * (high - low)
    }
    let numbers = [Double(sorted.count), sorted[0], sorted[sorted.count - 1], sorted.reduce(0, +)]
    return (numbers + percentiles).map(\.bitPattern)
  }

  @Test("What cannot be summed up is refused", arguments: TestBackend.all)
  func refused(_ backend: TestBackend) async throws {
    try await backend.withAgent { (agent) async throws in
      for _ in 0..<2 { try await agent.recordMetric("m", 1.7e308, timestamp: start) }
      let overflow = await #expect(throws: AgentBaseError.self) {
        try await agent.aggregateMetrics("m", every: .hours(1))
      }
      #expect(overflow?.code == .invalidValue)
      for width in [BucketWidth.minutes(0), .seconds(-1), .days(.max), .days(40_000)] {
        let error = await #expect(throws: AgentBaseError.self) {
          try await agent.aggregateMetrics("m", every: width)
        }
        #expect(error?.code == .invalidValue)
      }
      for place in [-0.1, 1.1, .nan] {
        let error = await #expect(throws: AgentBaseError.self) {
          try await agent.aggregateMetrics("m", every: .hours(1), percentiles: [place])
        }
        #expect(error?.code == .invalidValue)
      }
    }
  }

  @Test("Executions are counted by status, their durations summed up", arguments: TestBackend.all)
  func executions(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      let none = try await agent.executionStatistics(percentiles: [0.5])
      #expect(none.total == 0 && none.counts.isEmpty && none.durations == nil)
      for number in 0..<9 {
        let handle = try await agent.beginExecution(number < 6 ? "a" : "b")
        switch number % 3 {
        case 0: try await agent.finishExecution(handle)
        case 1: try await agent.failExecution(handle, message: "x")
        default: break
        }
      }
      let all = try await agent.executionStatistics(percentiles: [0.5])
      #expect(all.total == 9 && all.counts == [.completed: 3, .failed: 3, .running: 3])
      let durations = try await agent.executions().compactMap(\.durationMilliseconds).sorted()
      let summary = try #require(all.durations)
      #expect(summary.count == 6 && summary.minimum == durations.first && summary.maximum == durations.last)
      #expect(summary.sum == durations.reduce(0, +))
      #expect(all.durationsByStatus[.completed]?.count == 3 && all.durationsByStatus[.running] == nil)
      let ofA = try await agent.executionStatistics(task: "a", from: Date(timeIntervalSinceNow: -60))
      #expect(ofA.total == 6 && ofA.counts[.running] == 2)
      #expect(try await agent.executionStatistics(to: Date(timeIntervalSinceNow: -60)).total == 0)
    }
  }
}
