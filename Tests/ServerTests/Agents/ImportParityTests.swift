// What an agent sees of its file before the import is what it sees in Postgres after it.

import AgentBase
import DemoFleet
import Foundation
import LegacyImport
import SQLite
import TestSupport
import Testing

@Suite("Agents: before and after the import") struct ImportParityTests {
  @Test("Every memory, tool, metric and execution of the fleet", arguments: TestServer.versions)
  func fleet(_ version: TestServer.Version) async throws {
    let scene = try await ImportScene(version)
    _ = try await scene.importAll()
    var memories = 0
    for file in scene.fleet {
      let agents = Set(file.memories.map(\.agent)).union([file.agent])
      for id in agents {
        let before = try await agent(id, .sqliteFile(file.path))
        let after = try await agent(id, .postgres(url: scene.url))
        for memory in file.memories where memory.agent == id {
          let (key, namespace) = (memory.key, memory.namespace)
          let ours = try await before.memory(key, namespace: namespace)
          let theirs = try await after.memory(key, namespace: namespace)
          #expect((ours == nil) == memory.isExpired, "\(file.relativePath): \(key)")
          expectSame(ours, theirs, "\(file.relativePath): \(key)")
          #expect(
            try await before.retrieveMemory(key, as: JSON.self, namespace: namespace)
              == (try await after.retrieveMemory(key, as: JSON.self, namespace: namespace)))
          memories += 1
        }
        // Rows of nobody are everybody's in a file, and after the import those of the agent of the file's path.
        if id == file.agent { try await expectSameRecords(before, after, file.relativePath) }
        await before.close()
        await after.close()
      }
    }
    #expect(memories > 100)
  }

  @Test(
    "What the library itself has written into a legacy file and beside it", arguments: TestServer.versions)
  func written(_ version: TestServer.Version) async throws {
    let scene = try await ImportScene(version)
    let path = try scene.folder.file("agents/own/memory.db")
    try SQLiteConnection(path: path).executeScript(
      """
      CREATE TABLE memory (key TEXT PRIMARY KEY, value TEXT, timestamp TEXT);
      INSERT INTO memory VALUES ('old', '1', '2024-01-15 10:30:00'), ('both', 'legacy', '2024-01-15 10:30:00');
      CREATE TABLE tools (name TEXT, usage_count INTEGER);
      INSERT INTO tools VALUES ('search', 3);
      CREATE TABLE metrics (metric_name TEXT, value REAL, timestamp TEXT);
      """)
    let before = try await agent("own", .sqliteFile(path))
    try await before.storeMemory("both", ["n": 1.10], metadata: ["m": [1]], embedding: [0.1, 2])
    try await before.storeMemory("plain", "text")
    try await before.storeMemory("space", Int?.none, namespace: "n", expiresIn: .seconds(3600))
    try await before.storeMemory("bytes", Data([0, 255]), namespace: "n")
    try await before.recordToolUse("search")
    try await before.registerTool("parse", description: "d", configuration: ["k": 1.5], metadata: ["a": 1])
    try await before.recordToolUse("parse", count: 2, succeeded: true, duration: .milliseconds(30))
    try await before.recordToolUse("parse", succeeded: false)
    try await before.recordMetric("m", 1.5)
    try await before.recordMetric("m", 2.5, unit: "ms", metadata: ["a": 1])
    try await before.withExecution("task", input: ["i": 1], metadata: ["a": 1]) { ["o": 2] }
    _ = try await before.beginExecution("running")
    await before.close()

    let report = try await scene.importAll()
    #expect(report.verification?.differences.isEmpty == true)
    let reader = try await agent("own", .sqliteFile(path))
    let after = try await agent("own", .postgres(url: scene.url))
    for (key, space) in [("old", ""), ("both", ""), ("plain", ""), ("space", "n"), ("bytes", "n")] {
      let ours = try await reader.memory(key, namespace: space)
      #expect(ours != nil)
      expectSame(ours, try await after.memory(key, namespace: space), key)
    }
    try await expectSameRecords(reader, after, "own")
    // And on it goes, over what was imported.
    try await after.storeMemory("both", 3)
    #expect(try await after.retrieveMemory("both") == 3)
    try await after.recordToolUse("search")
    #expect(try await after.tool("search")?.usageCount == 5)
    try await after.recordToolUse("parse", succeeded: true, duration: .milliseconds(60))
    let parse = try #require(try await after.tool("parse"))
    #expect(parse.usageCount == 4 && parse.successCount == 3 && parse.failureCount == 1)
    #expect(parse.averageDurationMilliseconds == 30)
    try await after.registerTool("parse")
    #expect(try await after.tool("parse")?.successCount == 3)
    await reader.close()
    await after.close()
  }

  // MARK: - Comparing

  private func agent(_ id: String, _ backend: MemoryBackend) async throws -> Agent {
    var config = AgentConfig(name: id, memoryBackend: backend)
    config.eventHandler = nil
    return try await Agent(config)
  }

  private func expectSame(_ ours: Memory?, _ theirs: Memory?, _ place: String) {
    #expect((ours == nil) == (theirs == nil), "\(place)")
    guard let ours, let theirs else { return }
    #expect(ours.value.json == theirs.value.json, "\(place)")
    #expect(ours.value.text == theirs.value.text, "\(place)")
    #expect(ours.metadata == theirs.metadata, "\(place)")
    #expect(ours.embedding?.map(\.bitPattern) == theirs.embedding?.map(\.bitPattern), "\(place)")
    #expect(ours.createdAt == theirs.createdAt && ours.updatedAt == theirs.updatedAt, "\(place)")
    #expect(ours.expiresAt == theirs.expiresAt, "\(place)")
    #expect(theirs.isImported && theirs.version < 0, "\(place)")
    // What the library has not written has the version of its value on both sides.
    if ours.version < 0 { #expect(ours.version == theirs.version, "\(place)") }
  }

  private func expectSameRecords(_ ours: Agent, _ theirs: Agent, _ place: String) async throws {
    let ourKeys = try await ours.listMemories(limit: 10_000).memories.map(\.key)
    #expect(ourKeys == (try await theirs.listMemories(limit: 10_000).memories.map(\.key)), "\(place)")
    let ourTools = try await ours.tools().map(Self.line)
    #expect(ourTools == (try await theirs.tools().map(Self.line)), "\(place)")
    let ourMetrics = try await ours.metrics(limit: 10_000).map(Self.line).sorted()
    #expect(ourMetrics == (try await theirs.metrics(limit: 10_000).map(Self.line).sorted()), "\(place)")
    let names = Set(try await ours.metrics(limit: 10_000).map(\.name))
    for name in names {
      let ourSpans = try await ours.aggregateMetrics(name, every: .minutes(7), percentiles: [0.5, 0.95])
      let theirSpans = try await theirs.aggregateMetrics(name, every: .minutes(7), percentiles: [0.5, 0.95])
      #expect(ourSpans == theirSpans, "\(place): \(name)")
    }
    let ourStatistics = try await ours.executionStatistics(percentiles: [0.5])
    #expect(ourStatistics == (try await theirs.executionStatistics(percentiles: [0.5])), "\(place)")
    let ourRuns = try await ours.executions(limit: 10_000).map(Self.line).sorted()
    #expect(ourRuns == (try await theirs.executions(limit: 10_000).map(Self.line).sorted()), "\(place)")
  }

  private static func line(_ tool: AgentTool) -> String {
    "\(tool.name) \(tool.description ?? "-") \(tool.configuration.jsonbText) \(JSON.object(tool.metadata).jsonbText) "
      + "\(tool.isEnabled) \(tool.usageCount) \(tool.successCount) \(tool.failureCount) \(time(tool.lastUsedAt)) "
      + "\(tool.averageDurationMilliseconds ?? -1) \(time(tool.createdAt)) \(time(tool.updatedAt))"
  }

  private static func line(_ metric: AgentMetric) -> String {
    "\(metric.name) \(metric.value.map { "\($0)" } ?? "-") \(metric.unit ?? "-") "
      + "\(JSON.object(metric.metadata).jsonbText) \(time(metric.timestamp))"
  }

  private static func line(_ run: AgentExecution) -> String {
    "\(run.task) \(run.status) \(run.input?.jsonbText ?? "-") \(run.output?.jsonbText ?? "-") \(run.errorMessage ?? "-") "
      + "\(time(run.startedAt)) \(time(run.completedAt)) \(run.durationMilliseconds.map { "\($0)" } ?? "-") "
      + JSON.object(run.metadata).jsonbText
  }

  private static func time(_ date: Date?) -> String { date.map { "\($0.timeIntervalSince1970)" } ?? "-" }
}
