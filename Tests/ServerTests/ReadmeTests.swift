// The ten lines of Swift in the README compile, and do what they say.

import AgentBase
import Foundation
import TestSupport
import Testing

@Suite struct ReadmeTests {
  @Test(arguments: TestServer.versions)
  func theTenLinesWork(version: TestServer.Version) async throws {
    struct Preferences: Codable { var theme: String }

    let url = try await TestServer.freshDatabase(version)
    let agent = try await Agent(AgentConfig(name: "crawler", memoryBackend: .postgres(url: url)))
    try await agent.storeMemory("user:42", Preferences(theme: "dark"))
    let preferences = try await agent.retrieveMemory("user:42", as: Preferences.self)
    let found = try await agent.searchMemories("dark", limit: 5)
    let pages = try await agent.withExecution("crawl") { 17 }
    try await agent.recordMetric("pages", Double(pages))

    #expect(preferences?.theme == "dark")
    #expect(found.map(\.key) == ["user:42"])
    #expect(try await agent.executions().map(\.status) == [.completed])
    #expect(try await agent.metrics("pages").map(\.value) == [17])
    await agent.close()
  }

  @Test(arguments: TestBackend.all)
  func theLinesAboutMemoriesWork(backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      var keys: [String] = []
      let version = try await agent.storeMemory("plan", "draft", namespace: "users/1")
      try await agent.storeMemory("plan", "final", namespace: "users/1", expecting: .version(version))
      try await agent.updateMemory("visits", as: Int.self) { ($0 ?? 0) + 1 }
      try await agent.storeMemories((0..<500).map { MemoryItem("page:\($0)", $0, expiresIn: .seconds(3600)) })
      for try await memory in agent.memories(in: .all, where: .value() > 490) { keys.append(memory.key) }
      let spaces = try await agent.namespaces(under: "users", maxDepth: 1)

      #expect(keys == (491..<500).map { "page:\($0)" })
      #expect(spaces.map(\.name) == ["users/1"] && spaces.map(\.count) == [1])
    }
    let readme = try Self.readme()
    let snippet = try #require(
      readme.split(separator: "```swift\n").dropFirst(2).first?.split(separator: "```").first)
    let test = try String(contentsOfFile: #filePath, encoding: .utf8)
    for line in snippet.split(separator: "\n") { #expect(test.contains(line), "\(line)") }
  }

  private static func readme() throws -> String {
    let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
    return try String(contentsOf: root.appending(path: "README.md"), encoding: .utf8)
  }

  /// Every line of Swift that the first test runs stands in the README, and the other way round.
  @Test func theReadmeHasTheseLines() throws {
    let readme = try Self.readme()
    let test = try String(contentsOfFile: #filePath, encoding: .utf8)
    let snippet = try #require(
      readme.split(separator: "```swift\n").dropFirst().first?.split(separator: "```").first)
    let lines = snippet.split(separator: "\n").filter { !$0.hasPrefix("let url") }
    #expect(lines.count == 9)
    for line in lines { #expect(test.contains(line), "\(line)") }
  }
}
