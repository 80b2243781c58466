// A SQLite file with an agent in it, and a database that follows it.

import AgentBase
import Foundation
import Postgres
import SQLite
import TestSupport
import Testing

/// A file and a database of the test's own.
struct CutoverScene: Sendable {
  /// A memory table, as small agents have it, and tables of the other kinds.
  static let legacySQL = """
    CREATE TABLE memory (key TEXT PRIMARY KEY, value TEXT NOT NULL, timestamp TEXT DEFAULT CURRENT_TIMESTAMP);
    CREATE TABLE tools (id INTEGER PRIMARY KEY, name TEXT, description TEXT);
    CREATE TABLE metrics (id INTEGER PRIMARY KEY, metric_name TEXT, value REAL, timestamp TEXT);
    CREATE TABLE execution_log (id INTEGER PRIMARY KEY, task TEXT, status TEXT, timestamp TEXT);
    INSERT INTO tools (name, description) VALUES ('old tool', 'd');
    INSERT INTO metrics (metric_name, value, timestamp) VALUES ('old', 1.5, '2024-01-15 10:30:00');
    INSERT INTO execution_log (task, status, timestamp) VALUES ('old', 'completed', '2024-01-15 10:30:00');
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
      INSERT INTO memory SELECT 'old ' || i, '"legacy ' || i || '"', '2024-01-15 10:30:00' FROM n;
    """

  let folder: TemporaryFolder
  let path: String
  let url: String
  let id = "crawler"

  init(_ sql: String = "PRAGMA journal_mode = WAL", url: String? = nil) async throws {
    folder = try TemporaryFolder("cutover")
    path = try folder.file("agents/crawler/memory.db")
    try SQLiteConnection(path: path).executeScript(sql)
    if let url {
      self.url = url
    } else {
      self.url = try await TestServer.freshDatabase(TestServer.versions.last ?? .v15)
    }
  }

  /// The same agent and database with another file.
  init(_ other: CutoverScene, path: String) {
    folder = other.folder
    self.path = path
    url = other.url
  }

  /// An agent on both.
  func agent(_ change: (inout AgentConfig) -> Void = { _ in }) async throws -> Agent {
    try await agent(.dual(sqlitePath: path, url: url), change)
  }

  /// An agent of the same id on another backend.
  func agent(_ backend: MemoryBackend, _ change: (inout AgentConfig) -> Void = { _ in }) async throws -> Agent
  {
    var config = AgentConfig(name: id, memoryBackend: backend)
    config.eventHandler = nil
    change(&config)
    return try await Agent(config)
  }

  /// Runs the body with the cut-over of the agent.
  func cutover<Value>(_ body: (Cutover) async throws -> Value) async throws -> Value {
    let cutover = try await Cutover(sqlitePath: path, url: url, agent: id)
    do {
      let value = try await body(cutover)
      await cutover.close()
      return value
    } catch {
      await cutover.close()
      throw error
    }
  }

  @discardableResult
  func set(
    _ phase: CutoverPhase, readPercent: Int = 100, force: Bool = false
  ) async throws -> CutoverStatus {
    try await cutover { try await $0.set(phase, readPercent: readPercent, force: force) }
  }

  /// Expects that the agent reads the same from both sides.
  func expectEqual(_ location: SourceLocation = #_sourceLocation) async throws {
    let comparison = try await cutover { try await $0.compare() }
    #expect(comparison.differences == [], sourceLocation: location)
  }

  /// Waits until nothing is left to be carried: by whoever carries in the background.
  func untilCarried(_ agent: Agent) async throws {
    try await until { try await agent.cutoverStatus()?.lag == 0 }
  }

  /// The one number that a statement answers in Postgres. What it changes is neither refused nor carried.
  func count(_ sql: String) async throws -> Int {
    let connection = try await PostgresConnection.connect(try PostgresConfiguration(url))
    _ = try await connection.query("SELECT set_config('agentbase.carrying', 'on', false)")
    let row = try await connection.queryOne(PostgresStatement(sql: sql))
    await connection.close()
    return try #require(row).decode(0, as: Int.self)
  }
}
