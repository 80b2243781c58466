// What agents on SQLite files cost while they do nothing.

internal import AgentBase
internal import Foundation

/// Measures the memory of idle agents.
struct SQLiteMemoryBench {
  let stage: BenchStage

  func run() async throws -> [BenchResult] {
    [
      try await idle("idle agents of one file", count: 10_000, files: 1),
      try await idle("idle agents of a file each", count: 100, files: 100),
    ]
  }

  private func idle(_ name: String, count: Int, files: Int) async throws -> BenchResult {
    // What the allocator and the first file cost once is nobody's.
    let first = try await Self.agent("first", path: "\(stage.folder)/idle-\(files)-0.db")
    try await first.storeMemory("key", "value")
    let before = Self.residentBytes
    let descriptors = Self.descriptors
    let clock = ContinuousClock()
    let start = clock.now
    var agents: [Agent] = []
    for number in 0..<count {
      let agent = try await Self.agent(
        "agent-\(number)", path: "\(stage.folder)/idle-\(files)-\(number % files).db")
      // Each has stored and read something before it is idle.
      try await agent.storeMemory("key", number)
      _ = try await agent.retrieveMemory("key", as: Int.self)
      agents.append(agent)
    }
    var result = BenchResult(name: name, about: "opened, used once and kept, \(count) of them", isOurs: true)
    result.figures = [
      "bytes an agent": Double(max(0, Self.residentBytes - before) / count),
      "descriptors an agent": Double(Self.descriptors - descriptors) / Double(count),
    ]
    result.measurements = [BenchMeasurement(seconds: (clock.now - start) / .seconds(1), calls: count)]
    for agent in agents { await agent.close() }
    await first.close()
    return result
  }

  /// An agent on a file, whose events nobody wants.
  static func agent(_ name: String, path: String) async throws -> Agent {
    var config = AgentConfig(name: name, memoryBackend: .sqliteFile(path))
    config.eventHandler = nil
    return try await Agent(config)
  }

  /// The memory of this process that is in use, in bytes; 0 where the system does not say.
  private static var residentBytes: Int {
    guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return 0 }
    let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
  }

  private static var descriptors: Int {
    (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0
  }
}
