// The calls that the benchmark of a cut-over measures.

internal import AgentBase
internal import Foundation
internal import Glibc

extension CutoverBench {
  /// How many tasks call at once, where many do.
  static let tasks = 1000
  /// How many stores a second the carrier is to keep up with.
  private static let pace = 10_000

  private func store(_ number: Int, _ agent: Agent) async throws {
    try await agent.storeMemory(BenchRow.key(number, of: rows), BenchRow.value(number))
  }

  /// So many callers at once, for the given time.
  func calls(_ agent: Agent, tasks: Int) async throws -> BenchMeasurement {
    try await measured {
      let clock = ContinuousClock()
      let end = clock.now + .seconds(seconds)
      return try await withThrowingTaskGroup(of: Int.self) { group in
        for task in 0..<tasks {
          group.addTask {
            var count = 0
            while clock.now < end {
              try await store(task + count * tasks, agent)
              count += 1
            }
            return count
          }
        }
        return try await group.reduce(0, +)
      }
    }
  }

  /// Stores at a steady pace, in batches. What counts is what comes to the other side meanwhile, once this is under way.
  func keptUp(_ agent: Agent) async throws -> (measurement: BenchMeasurement, lag: Int64) {
    let clock = ContinuousClock()
    let start = clock.now
    var count = 0
    func storeUntil(_ end: ContinuousClock.Instant) async throws {
      while clock.now < end {
        let first = count
        try await agent.storeMemories(
          (first..<first + 200).map { MemoryItem(BenchRow.key($0, of: rows), BenchRow.value($0)) })
        count += 200
        try await clock.sleep(until: start + .seconds(Double(count) / Double(Self.pace)))
      }
    }
    func carried() async throws -> (count: Int, lag: Int64) {
      let lag = try await agent.cutoverStatus()?.lag ?? 0
      return (count - Int(lag), lag)
    }
    let beginning = start + .milliseconds(500)
    try await storeUntil(beginning)
    let before = try await carried()
    var lag: Int64 = 0
    let measurement = try await measured {
      // A batch may take longer than a moment's measurement.
      try await storeUntil(beginning + .seconds(max(seconds, 1)))
      let after = try await carried()
      lag = after.lag
      return max(0, after.count - before.count)
    }
    return (measurement, lag)
  }

  /// Measures what the body has done: how many calls it answers, in which time, and with how much of the processors' time.
  private func measured(_ body: () async throws -> Int) async throws -> BenchMeasurement {
    let clock = ContinuousClock()
    let (start, ownBefore, serverBefore) = (clock.now, Self.cpuSeconds, server.cpuSeconds)
    let count = try await body()
    var measurement = BenchMeasurement(seconds: (clock.now - start) / .seconds(1), calls: count)
    measurement.cpuSeconds = Self.cpuSeconds - ownBefore
    if let serverBefore, let after = server.cpuSeconds {
      measurement.serverCPUSeconds = after - serverBefore
    }
    return measurement
  }

  /// Seconds of processor time of this process so far, user and system together.
  private static var cpuSeconds: Double {
    var usage = rusage()
    guard unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return 0 }
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    return seconds(usage.ru_utime) + seconds(usage.ru_stime)
  }
}
