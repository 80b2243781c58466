// What agents have recorded in Postgres is what SQLite answers after a rollback, and Postgres again after an import.

import AgentBase
import Foundation
import LegacyImport
import TestSupport
import Testing

@Suite("Agents: records on the way back and forth") struct RecordRollbackTests {
  @Test("Counts, spans and statistics survive both ways", arguments: TestServer.versions)
  func backAndForth(_ version: TestServer.Version) async throws {
    let folder = try TemporaryFolder("records")
    let url = try await TestServer.freshDatabase(version)
    try await Self.withAgent(.postgres(url: url)) { agent in
      try await agent.registerTool("search", configuration: ["k": 1.5])
      try await agent.recordToolUse("search", count: 3, succeeded: true, duration: .milliseconds(60))
      try await agent.recordToolUse("search", succeeded: false)
      for number in 0..<20 {
        try await agent.recordMetric(
          "m", Double(number) / 7, timestamp: Date(timeIntervalSince1970: Double(number * 50)))
      }
      try await agent.withExecution("t") { 1 }
      _ = try await agent.beginExecution("t")
    }
    let first = try await Self.answers(.postgres(url: url))
    _ = try await Rollback(postgresURL: url, destination: .folder(folder.path + "/files")).run()
    let file = folder.path + "/files/a/memory.db"
    let second = try await Self.answers(.sqliteFile(file))
    #expect(second == first)
    let again = try await TestServer.freshDatabase(version)
    let report = try await Importer(
      Discovery(file: file, agent: "a"), options: ImportOptions(postgresURL: again)
    ).run()
    #expect(report.exitCode == 0 && report.verification?.differences.isEmpty == true)
    #expect(try await Self.answers(.postgres(url: again)) == first)
  }

  private static func withAgent<Value>(
    _ backend: MemoryBackend, _ body: (Agent) async throws -> Value
  ) async throws -> Value {
    var config = AgentConfig(name: "a", memoryBackend: backend)
    config.eventHandler = nil
    let agent = try await Agent(config)
    let value = try await body(agent)
    await agent.close()
    return value
  }

  private static func answers(_ backend: MemoryBackend) async throws -> [String] {
    try await withAgent(backend) { agent in
      let tools = try await agent.toolsPage().records.map { tool in
        "\(tool.name) \(tool.configuration.jsonbText) \(tool.usageCount) \(tool.successRate ?? -1) "
          + "\(tool.averageDurationMilliseconds ?? -1) \(tool.lastUsedAt?.timeIntervalSince1970 ?? 0)"
      }
      let spans = try await agent.aggregateMetrics("m", every: .minutes(3), percentiles: [0.9]).map {
        "\($0)"
      }
      var runs: [String] = []
      for try await run in agent.allExecutions() { runs.append("\(run.task) \(run.status)") }
      return tools + spans + runs + ["\(try await agent.executionStatistics().durations?.sum ?? 0)"]
    }
  }
}
