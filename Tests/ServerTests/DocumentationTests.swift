// The Swift in Documentation/Databases.md, Memories.md and Records.md compiles, and does what it says.

import AgentBase
import Foundation
import TestSupport
import Testing

@Suite("Documentation") struct DocumentationTests {
  private struct User: Decodable {
    var id: Int
    var name: String
    var active: Bool
  }

  @Test("Databases", arguments: DatabaseScene.backends)
  func databases(_ backend: TestBackend) async throws {
    let folder = try TemporaryFolder("databases")
    let url =
      if let version = backend.version {
        try await TestServer.freshDatabase(version)
      } else {
        "sqlite:///\(try folder.file("main.db"))"
      }
    let environment = [
      "DATABASE_URL": url, "WALMART_DATABASE_URL": "sqlite:///\(try folder.file("walmart.db"))",
    ]
    let tables = try await Databases(environment: environment)
    try await tables.main.executeScript(
      """
      CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, active BOOLEAN);
      INSERT INTO users VALUES (1, 'Ada', true), (2, 'Bob', true), (3, 'Eve', false);
      CREATE TABLE logs (message TEXT);
      CREATE TABLE stats (count INTEGER);
      INSERT INTO stats VALUES (0);
      """)
    try await tables["walmart"].executeScript(
      "CREATE TABLE products (in_stock BOOLEAN); INSERT INTO products VALUES (true)")
    await tables.close()

    let databases = try await Databases(environment: environment)
    let main = try databases.main
    let users = try await main.query("SELECT * FROM users WHERE active = \(true) ORDER BY id", as: User.self)
    let first = try await main.queryOne("SELECT name FROM users WHERE id = \(1)", as: String.self)
    let result = try await main.execute("UPDATE users SET active = \(false) WHERE id IN (\(list: [1, 2]))")
    try await main.transaction { transaction in
      try await transaction.execute("INSERT INTO logs (message) VALUES (\("Start"))")
      try await transaction.execute("UPDATE stats SET count = count + 1")
    }
    let products = try await databases["walmart"].query("SELECT * FROM products WHERE in_stock = \(true)")
    let health = await databases.healthCheck()
    let metrics = databases.metrics
    #expect(users.map(\.name) == ["Ada", "Bob"] && first == "Ada" && result.rowsAffected == 2)
    #expect(products.count == 1 && health["main"]?.isHealthy == true)
    #expect(metrics["main"]?.totalQueries == 5)
    #expect(try await main.queryOne("SELECT count FROM stats", as: Int.self) == 1)
    await databases.close()
  }

  @Test("Records", arguments: TestBackend.all)
  func records(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      try await agent.registerTool("search", description: "Looks it up")
      let answer = try await agent.withTool("search") { 42 }
      try await agent.recordToolUse("search", count: 3, succeeded: true, duration: .milliseconds(60))
      let rate = try await agent.tool("search")?.successRate

      try await agent.recordMetric("latency", 12.5, unit: "ms")
      let hours = try await agent.aggregateMetrics("latency", every: .hours(1), percentiles: [0.5, 0.95])
      let median = hours.first?.summary.percentiles[0.5]
      for try await metric in agent.allMetrics("latency") { print(metric.value ?? 0) }

      let pages = try await agent.withExecution("crawl", input: ["depth": 2]) { 17 }
      let page = try await agent.executionsPage(task: "crawl", status: .completed, limit: 20)
      let next = try await agent.executionsPage(task: "crawl", limit: 20, after: page.next)
      let statistics = try await agent.executionStatistics(task: "crawl", percentiles: [0.95])
      #expect(answer == 42 && rate == 1 && median == 12.5 && pages == 17)
      #expect(page.records.count == 1 && next.records.count == 1 && statistics.total == 1)
    }
  }

  private struct Preferences: Codable { var theme: String }

  @Test("Memories: one key, namespaces, batches, versions, listings", arguments: TestBackend.all)
  func memories(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      var current: String?
      var keys: [String] = []
      try await agent.storeMemory("user:42", Preferences(theme: "dark"))
      let preferences = try await agent.retrieveMemory("user:42", as: Preferences.self)
      try await agent.storeMemory(
        "draft", ["title": "Cats", "pages": 12] as JSON, metadata: ["kind": "note"])
      let draft = try await agent.memory("draft")
      let pages = draft?.value.json["pages"]?.int64Value
      try await agent.deleteMemory("user:42")
      #expect(preferences?.theme == "dark" && pages == 12 && draft?.metadata == ["kind": "note"])

      try await agent.storeMemory("theme", "dark", namespace: "users/1")
      try await agent.storeMemory("theme", "light", namespace: "users/10")
      let theme = try await agent.retrieveMemory("theme", as: String.self, namespace: "users/1")
      let users = try await agent.namespaces(under: "users")
      let parts = try await agent.namespaces(maxDepth: 1)
      #expect(theme == "dark" && users.map(\.name) == ["users/1", "users/10"])
      #expect(parts.map(\.name) == ["", "users"] && parts.map(\.count) == [1, 2])

      try await agent.storeMemories(
        (0..<500).map { MemoryItem("page:\($0)", $0, metadata: ["even": .bool($0 % 2 == 0)]) })
      let values = try await agent.retrieveMemories(
        keys: ["page:1", "page:2", "page:999"], as: Int.self)
      let removed = try await agent.deleteMemories(keys: ["page:1", "page:2"])
      #expect(values == [1, 2, nil] && removed == 2)

      let version = try await agent.storeMemory("plan", "draft")
      try await agent.storeMemory("plan", "final", expecting: .version(version))
      do {
        try await agent.storeMemory("plan", "stale", expecting: .version(version))
      } catch let error as AgentBaseError where error.code == .conflict {
        current = try error.conflict?.current?.decode(as: String.self)
      }
      try await agent.updateMemory("visits", as: Int.self) { ($0 ?? 0) + 1 }
      #expect(current == "final")

      let first = try await agent.listMemories(
        in: .all, prefix: "page:", where: .value() >= 490, limit: 5)
      let second = try await agent.listMemories(
        in: .all, prefix: "page:", where: .value() >= 490, after: first.cursor)
      for try await memory in agent.memories(
        in: .all, where: .metadata("even") == true && .value() < 10)
      {
        keys.append(memory.key)
      }
      let notes = try await agent.listMemories(
        in: .under(""), where: .metadata("kind").isIn(["note", "letter"]))
      let typed = try MemoryFilter(parsing: "metadata.kind = \"note\" and pages >= 10")
      let asked = try await agent.listMemories(in: .all, where: typed)
      #expect(
        first.memories.map(\.key) == (490..<495).map { "page:\($0)" } && second.memories.count == 5)
      #expect(keys == ["page:0", "page:4", "page:6", "page:8"])
      #expect(notes.memories.map(\.key) == ["draft"] && asked.memories.map(\.key) == ["draft"])
    }
  }

  @Test(
    "Memories: searches, lives, history, transactions",
    arguments: TestBackend.all.filter { $0.version != .v15 })
  func moreOfMemories(_ backend: TestBackend) async throws {
    try await backend.withAgent(keepsHistory: true) { agent in
      var scores: [Double] = []
      try await agent.storeMemory(
        "cat", "tame cats and kittens", metadata: ["kind": "note"], embedding: [0.9, 0.1, 0])
      let holding = try await agent.searchMemories("cats", limit: 5)
      let matching = try await agent.searchMemories(
        matching: "\"tame cats\" -dog kitten*", in: .all, limit: 5)
      let near = try await agent.searchMemories(
        near: [1, 0, 0], by: .cosine, where: .metadata("kind") == "note")
      let both = try await agent.searchMemories(hybrid: "cats", near: [1, 0, 0], limit: 5)
      for try await hit in agent.memories(matching: "cats") { scores.append(hit.score) }
      #expect(holding.map(\.key) == ["cat"] && matching.hits.map(\.memory.key) == ["cat"])
      #expect(near.hits.map(\.memory.key) == ["cat"] && scores.count == 1)
      #expect(both.hits.first?.memory.key == "cat")

      try await agent.storeMemory("session", "open", expiresIn: .seconds(1800))
      let session = try await agent.retrieveMemory("session", as: String.self, refreshing: true)
      let expired = try await agent.sweepExpiredMemories()
      #expect(session == "open" && expired == 0)

      try await agent.storeMemory("bio", "first")
      try await agent.storeMemory("bio", "second")
      let earlier = try await agent.history(of: "bio").versions
      if let oldest = earlier.last { try await agent.restoreMemory("bio", version: oldest.version) }
      try await agent.deleteMemory("bio", keepingHistory: true)
      #expect(earlier.map(\.value.text) == ["first"])
      #expect(
        try await agent.history(of: "bio").versions.map(\.value.text) == [
          "first", "second", "first",
        ])

      try await agent.transaction { transaction in
        let stock: Int? = try await transaction.retrieveMemory("stock")
        try await transaction.storeMemory("stock", (stock ?? 10) - 1)
        try await transaction.recordMetric("orders", 1)
      }
      #expect(try await agent.retrieveMemory("stock") == 9)
    }
  }

  @Test("Every line of their Swift was run here", arguments: ["Databases", "Memories", "Records"])
  func lines(_ name: String) throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
    let document = try String(
      contentsOf: root.appending(path: "Documentation/\(name).md"), encoding: .utf8)
    // However the test's lines are broken.
    let test = try Self.words(String(contentsOfFile: #filePath, encoding: .utf8))
    let snippets = document.split(separator: "```swift\n").dropFirst().compactMap {
      $0.split(separator: "```", omittingEmptySubsequences: false).first
    }
    let lines = snippets.flatMap { $0.split(separator: "\n") }
    #expect(lines.count > 10)
    for line in lines { #expect(test.contains(Self.words(line)), "\(line)") }
  }

  /// A text without its white space.
  private static func words(_ text: some StringProtocol) -> String {
    String(text).filter { !$0.isWhitespace }
  }
}
