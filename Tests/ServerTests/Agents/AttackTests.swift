// Agents under attack: other processes, lost connections, locks.

import AgentBase
import Foundation
import Postgres
import SQLite
import TestSupport
import Testing

@Suite("Agents: attacks") struct AttackTests {
  /// An agent with few connections: the shared server has not many for all tests at once.
  private func open(_ url: String) async throws -> Agent {
    var config = AgentConfig(name: "a", memoryBackend: .postgres(url: url))
    config.maximumConnections = 4
    return try await Agent(config)
  }

  @Test(
    "Another process writes the same file at the same time",
    arguments: [TestBackend.sqliteNew, .sqliteLegacy])
  func twoProcesses(_ backend: TestBackend) async throws {
    try await TemporaryFolder.with { folder in
      let path = try folder.file("memory.db")
      let legacy = backend == .sqliteLegacy
      try SQLiteConnection(path: path).executeScript(
        """
        \(legacy ? "" : "PRAGMA journal_mode = WAL;")
        CREATE TABLE \(legacy ? "memory" : "notes") (key TEXT PRIMARY KEY, value TEXT, timestamp TEXT)
        """)
      let agent = try await Agent(AgentConfig(name: "a", memoryBackend: .sqliteFile(path)))
      let command = Process()
      command.executableURL = URL(filePath: "/usr/bin/sqlite3")
      command.arguments = ["-cmd", ".timeout 20000", path]
      let input = Pipe()
      command.standardInput = input
      let output = Pipe()
      command.standardOutput = output
      command.standardError = output
      try command.run()
      async let theirs: Void = Task.detached {
        for number in 0..<150 {
          let sql =
            "INSERT OR REPLACE INTO \(legacy ? "memory" : "notes") VALUES ('their\(number)', '\(number)', datetime('now'));\n"
          try input.fileHandleForWriting.write(contentsOf: Data(sql.utf8))
        }
        try input.fileHandleForWriting.close()
      }.value
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<150 {
          group.addTask {
            try await agent.storeMemory("our\(number)", number)
            #expect(try await agent.retrieveMemory("our\(number)") == number)
          }
        }
        try await group.waitForAll()
      }
      try await theirs
      let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
      command.waitUntilExit()
      #expect(text.isEmpty && command.terminationStatus == 0, "\(text)")
      #expect(try await agent.listMemories(limit: 1000).memories.count == (legacy ? 300 : 150))
      await agent.close()
    }
  }

  @Test("What was acknowledged is there after backends were terminated", arguments: TestServer.versions)
  func terminated(_ version: TestServer.Version) async throws {
    let url = try await TestServer.freshDatabase(version)
    let agent = try await open(url)
    try await agent.storeMemory("first", 0)
    let admin = try await PostgresConnection.connect(try PostgresConfiguration(url))
    let stored = try await withThrowingTaskGroup(of: Int?.self) { group in
      for number in 0..<200 {
        group.addTask {
          do {
            try await agent.storeMemory("k\(number)", number)
            return number
          } catch let error as AgentBaseError {
            // The outcome of a store that was cut off is unknown, and says so.
            #expect(error.code == .unavailable, "\(error)")
            return nil
          }
        }
      }
      for _ in 0..<8 {
        try await admin.execute(
          """
          SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND pid <> pg_backend_pid()
          """)
        try await Task.sleep(for: .milliseconds(10))
      }
      var stored: [Int] = []
      for try await number in group { if let number { stored.append(number) } }
      return stored
    }
    await admin.close()
    for number in stored { #expect(try await agent.retrieveMemory("k\(number)") == number) }
    try await agent.storeMemory("after", 1)
    #expect(try await agent.retrieveMemory("after") == 1)
    await agent.close()
  }

  @Test("A store that waits for a lock is cancelled at once, and nothing is stored")
  func cancelledOnLockSQLite() async throws {
    try await TemporaryFolder.with { folder in
      let path = try folder.file("memory.db")
      let agent = try await Agent(AgentConfig(name: "a", memoryBackend: .sqliteFile(path)))
      try await agent.storeMemory("key", 1)
      let other = try SQLiteConnection(path: path)
      try other.executeScript("BEGIN IMMEDIATE")
      let task = Task { try await agent.storeMemory("key", 2) }
      try await Task.sleep(for: .milliseconds(50))
      task.cancel()
      await #expect(throws: CancellationError.self) { try await task.value }
      #expect(try await agent.retrieveMemory("key") == 1)
      try other.executeScript("COMMIT")
      try await agent.storeMemory("key", 3)
      #expect(try await agent.retrieveMemory("key") == 3)
      await agent.close()
    }
  }

  @Test("A store that waits for a lock is cancelled on the server", arguments: TestServer.versions)
  func cancelledOnLockPostgres(_ version: TestServer.Version) async throws {
    let url = try await TestServer.freshDatabase(version)
    let agent = try await open(url)
    try await agent.storeMemory("key", 1)
    let other = try await PostgresConnection.connect(try PostgresConfiguration(url))
    try await other.transaction { other in
      try await other.execute("LOCK TABLE agent_memories IN EXCLUSIVE MODE")
      let task = Task { try await agent.storeMemory("key", 2) }
      let waits = """
        SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
        """
      while try await other.queryOne(PostgresStatement(sql: waits))?.decode(0, as: Int.self) == 0 {
        try await Task.sleep(for: .milliseconds(5))
      }
      task.cancel()
      await #expect(throws: CancellationError.self) { try await task.value }
      #expect(try await other.queryOne(PostgresStatement(sql: waits))?.decode(0, as: Int.self) == 0)
    }
    #expect(try await agent.retrieveMemory("key") == 1)
    try await agent.storeMemory("key", 3)
    #expect(try await agent.retrieveMemory("key") == 3)
    await other.close()
    await agent.close()
  }

  @Test("The agent's own row may be removed behind its back", arguments: TestServer.versions)
  func agentRowRemoved(_ version: TestServer.Version) async throws {
    let url = try await TestServer.freshDatabase(version)
    let agent = try await open(url)
    try await agent.storeMemory("key", 1)
    let admin = try await PostgresConnection.connect(try PostgresConfiguration(url))
    try await admin.executeScript("DELETE FROM agent_memories; DELETE FROM agents")
    try await agent.storeMemory("key", 2)
    try await agent.recordMetric("m", 1)
    #expect(try await agent.retrieveMemory("key") == 2)
    await admin.close()
    await agent.close()
  }

  @Test("A thousand agents of one URL share one pool")
  func manyAgents() async throws {
    let url = try await TestServer.freshDatabase()
    let agents = try await withThrowingTaskGroup(of: Agent.self) { group in
      for number in 0..<1000 {
        group.addTask {
          var config = AgentConfig(name: "agent\(number)", memoryBackend: .postgres(url: url))
          config.maximumConnections = 4
          return try await Agent(config)
        }
      }
      var agents: [Agent] = []
      for try await agent in group { agents.append(agent) }
      return agents
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for agent in agents.prefix(200) { group.addTask { try await agent.storeMemory("key", agent.id) } }
      try await group.waitForAll()
    }
    for agent in agents.prefix(200) { #expect(try await agent.retrieveMemory("key") == agent.id) }
    let admin = try await PostgresConnection.connect(try PostgresConfiguration(url))
    let sessions = """
      SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
      """
    let count = try await admin.queryOne(PostgresStatement(sql: sessions))?.decode(0, as: Int.self)
    #expect(try #require(count) <= 4)
    for agent in agents { await agent.close() }
    // The last one has closed them.
    while try await admin.queryOne(PostgresStatement(sql: sessions))?.decode(0, as: Int.self) != 0 {
      try await Task.sleep(for: .milliseconds(10))
    }
    await admin.close()
  }

  @Test("Agents that nobody closes give their connections back")
  func forgotten() async throws {
    let url = try await TestServer.freshDatabase()
    func useAndForget() async throws {
      let agent = try await open(url)
      try await agent.storeMemory("key", 1)
    }
    try await useAndForget()
    let admin = try await PostgresConnection.connect(try PostgresConfiguration(url))
    let sessions = """
      SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
      """
    while try await admin.queryOne(PostgresStatement(sql: sessions))?.decode(0, as: Int.self) != 0 {
      try await Task.sleep(for: .milliseconds(10))
    }
    await admin.close()
  }
}
