// The demo's agents: the same keys through both backends, something new, and what Postgres shows of guide 1's record.

internal import AgentBase
internal import DemoFleet
internal import LegacyImport
internal import Postgres

/// What the demo stores through the new backend.
struct DemoPreferences: Codable, Sendable, Equatable {
  var theme: String
  var languages: [String]
}

extension DemoStory {
  /// The agent that the demo speaks of: guide 1's.
  private static var crawler: String { "operational_crawler" }
  private static let newKey = "user:42"
  private static let newValue = DemoPreferences(theme: "dark", languages: ["en", "de"])

  // MARK: - Reading

  func readThroughBoth() async throws -> DemoFinding {
    var differing: [String] = []
    var shown: [String] = []
    var equal = 0
    for file in files {
      let old = try await answers(to: file) { .sqliteFile(file.path, for: $0) }
      let new = try await answers(to: file) { .postgres(url: stage.url, for: $0) }
      for (memory, (old, new)) in zip(file.memories, zip(old, new)) {
        let name = [memory.agent, memory.namespace, memory.key].filter { !$0.isEmpty }.joined(separator: " ")
        // What has expired is answered by neither, and everything else by both.
        if old == new, (old == nil) == memory.isExpired {
          equal += 1
        } else {
          differing.append(row(name, old, new))
        }
        if Self.isShown(memory) { shown.append(row(name, old, new)) }
      }
    }
    let keys = files.reduce(0) { $0 + $1.memories.count }
    return DemoFinding(
      holds: equal == keys && keys > 0,
      claim: "\(equal) of \(keys) keys answer the same on SQLite and Postgres",
      lines: [DemoPage.columns(["agent and key", "SQLite", "Postgres"], Self.widths)] + shown
        + differing.prefix(5),
      facts: [
        "keys": .integer(keys), "equal": .integer(equal),
        "differing": .array(differing.prefix(100).map(JSON.string)),
      ])
  }

  private static let widths = [30, 21]

  /// One memory of each of a few shapes, so that the page has something to look at.
  private static func isShown(_ memory: DemoMemory) -> Bool {
    [
      "operational_crawler  1", "research_analyst  count", "support_chatbot user:2 name",
      "archive_curator  blob",
      "archive_curator  minus infinity",
    ].contains("\(memory.agent) \(memory.namespace) \(memory.key)")
  }

  private func row(_ name: String, _ old: JSON?, _ new: JSON?) -> String {
    DemoPage.columns(
      [name, old?.jsonbText ?? "(none)", DemoPage.cut(new?.jsonbText ?? "(none)", to: 21)], Self.widths)
  }

  /// What the agents of a file answer for its memories, in their order.
  private func answers(to file: DemoFile, _ config: (String) -> AgentConfig) async throws -> [JSON?] {
    var answers: [JSON?] = []
    var current: Agent?
    do {
      for memory in file.memories {
        if current?.id != memory.agent {
          await current?.close()
          current = try await Agent(config(memory.agent))
        }
        answers.append(
          try await current?.retrieveMemory(memory.key, as: JSON.self, namespace: memory.namespace) ?? nil)
      }
    } catch {
      await current?.close()
      throw error
    }
    await current?.close()
    return answers
  }

  // MARK: - Writing

  func storeSomethingNew() async throws -> DemoFinding {
    let agent = try await Agent(.postgres(url: stage.url, for: Self.crawler))
    let read: DemoPreferences?
    do {
      try await agent.storeMemory(Self.newKey, Self.newValue)
      read = try await agent.retrieveMemory(Self.newKey)
    } catch {
      await agent.close()
      throw error
    }
    await agent.close()
    return DemoFinding(
      holds: read == Self.newValue,
      claim: "\(Self.crawler) stores \"\(Self.newKey)\" in Postgres and reads it")
  }

  /// Whether an agent on a SQLite file answers with what was stored on Postgres.
  func newMemoryIsThere(in path: String) async throws -> Bool {
    let agent = try await Agent(.sqliteFile(path, for: Self.crawler))
    let read: DemoPreferences?
    do {
      read = try await agent.retrieveMemory(Self.newKey)
    } catch {
      await agent.close()
      throw error
    }
    await agent.close()
    return read == Self.newValue
  }
}

extension AgentConfig {
  /// An agent on a legacy file; the page says often enough that SQLite is deprecated.
  fileprivate static func sqliteFile(_ path: String, for agent: String) -> AgentConfig {
    var config = AgentConfig(name: agent, memoryBackend: .sqliteFile(path))
    config.eventHandler = nil
    return config
  }

  fileprivate static func postgres(url: String, for agent: String) -> AgentConfig {
    AgentConfig(name: agent, memoryBackend: .postgres(url: url))
  }
}
