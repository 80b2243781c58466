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

  /// Every line of Swift that the test above runs stands in the README, and the other way round.
  @Test func theReadmeHasTheseLines() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
    let readme = try String(contentsOf: root.appending(path: "README.md"), encoding: .utf8)
    let test = try String(contentsOfFile: #filePath, encoding: .utf8)
    let snippet = try #require(
      readme.split(separator: "```swift\n").dropFirst().first?.split(separator: "```").first)
    let lines = snippet.split(separator: "\n").filter { !$0.hasPrefix("let url") }
    #expect(lines.count == 9)
    for line in lines { #expect(test.contains(line), "\(line)") }
  }
}
