// How many rows were done by when: samples that stay few, and lose no row.

import AgentBase
import LegacyImport
import TestSupport
import Testing

@Suite struct RunRatesTests {
  private func began(_ activity: ImportEvent.Activity) -> ImportEvent {
    .began(activity, file: "f", table: "t", target: "agent_memories", rows: 1)
  }

  private func finished(_ activity: ImportEvent.Activity) -> ImportEvent {
    .finished(activity, file: "f", table: "t", rows: 1, rejected: 0)
  }

  @Test func activitiesSideBySideAreToldApart() {
    var rates = RunRates()
    rates.take(began(.importing), at: 0)
    rates.take(began(.verifying), at: 1)
    rates.take(.advanced(.importing, rows: 10), at: 2)
    rates.take(.advanced(.verifying, rows: 5), at: 3)
    rates.take(began(.importing), at: 4)
    rates.take(.advanced(.verifying, rows: 5), at: 5)
    #expect(rates.series.map { $0.samples.map(\.rows) } == [[0, 10], [0, 5, 10]])
  }

  @Test func eachActivityHasItsOwnRows() {
    var rates = RunRates()
    rates.take(.advanced(.importing, rows: 7), at: 0)
    rates.take(began(.importing), at: 1)
    rates.take(.advanced(.importing, rows: 100), at: 2)
    rates.take(.advanced(.importing, rows: 50), at: 3)
    rates.take(finished(.importing), at: 3)
    rates.take(began(.verifying), at: 4)
    rates.take(.advanced(.verifying, rows: 150), at: 5)
    rates.take(finished(.verifying), at: 5)
    rates.take(began(.importing), at: 6)
    rates.take(.advanced(.importing, rows: 10), at: 7)
    #expect(rates.series.map(\.activity) == [.importing, .verifying])
    #expect(rates.series.map(\.rows) == [160, 150])
    // The second file's import begins where the verification of the first one ended: the pause counts for nothing.
    #expect(rates.series[0].samples.map(\.seconds) == [1, 2, 3, 6, 7])
    #expect(rates.series[0].samples.map(\.rows) == [0, 100, 150, 150, 160])
    #expect(
      rates.json
        == [
          [
            "activity": "importing",
            "samples": [
              ["seconds": 1.0, "rows": 0], ["seconds": 2.0, "rows": 100], ["seconds": 3.0, "rows": 150],
              ["seconds": 6.0, "rows": 150], ["seconds": 7.0, "rows": 160],
            ],
          ],
          [
            "activity": "verifying",
            "samples": [["seconds": 4.0, "rows": 0], ["seconds": 5.0, "rows": 150]],
          ],
        ])
  }

  @Test func samplesStayFewAndTheirEndsRight() throws {
    var random = SeededGenerator(seed: SeededGenerator.seed(for: "samplesStayFewAndTheirEndsRight"))
    var rates = RunRates()
    rates.take(began(.importing), at: 0)
    var (time, rows) = (0.0, 0)
    for _ in 0..<50_000 {
      time += Double.random(in: 0...0.5, using: &random)
      let more = Int.random(in: 1...10_000, using: &random)
      rows += more
      rates.take(.advanced(.importing, rows: more), at: time)
      try #require(rates.series[0].samples.count <= RunRates.mostSamples)
    }
    let samples = rates.series[0].samples
    #expect(samples.count > RunRates.mostSamples / 4)
    #expect(samples.first?.rows == 0 && samples.last?.rows == rows && samples.last?.seconds == time)
    #expect(zip(samples, samples.dropFirst()).allSatisfy { $0.seconds <= $1.seconds && $0.rows <= $1.rows })
  }
}
