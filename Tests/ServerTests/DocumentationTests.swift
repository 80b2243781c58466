// The Swift in Documentation/Databases.md and Records.md compiles, and does what it says.

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

  @Test("Every line of their Swift was run here", arguments: ["Databases", "Records"])
  func lines(_ name: String) throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
    let document = try String(
      contentsOf: root.appending(path: "Documentation/\(name).md"), encoding: .utf8)
    let test = try String(contentsOfFile: #filePath, encoding: .utf8)
    let snippet = try #require(
      document.split(separator: "```swift\n").dropFirst().first?.split(separator: "```").first)
    let lines = snippet.split(separator: "\n")
    #expect(lines.count > 10)
    for line in lines { #expect(test.contains(line.drop { $0 == " " }), "\(line)") }
  }
}
