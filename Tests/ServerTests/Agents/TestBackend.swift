// The backends that every case of the conformance suite runs on.

import AgentBase
import Foundation
import SQLite
import Synchronization
import TestSupport
import Testing

/// A backend, and how an agent on it is made for a test.
enum TestBackend: String, CaseIterable, CustomStringConvertible, Sendable {
  /// A SQLite file that the library makes.
  case sqliteNew
  /// A legacy file as small agents have it: key, value and a time.
  case sqliteLegacy
  /// A legacy file whose tables have a column for nearly everything.
  case sqliteLegacyWide
  /// A SQLite file whose changes are carried to Postgres: it is read, and compared with Postgres at the end of each test.
  case dualSQLite
  /// The same, where every key is read from Postgres, and compared with the file.
  case dualPostgres
  /// PostgreSQL 15, without pgvector.
  case postgres15
  /// PostgreSQL 18 with pgvector.
  case postgres18
  /// PostgreSQL 18 behind pgbouncer in transaction mode, with the setting that it needs.
  case pgbouncer

  var description: String { rawValue }

  /// The backends to run on: those whose server is installed.
  static let all = allCases.filter { backend in
    (backend.version.map(TestServer.isTested) ?? true) && (backend != .pgbouncer || Pooler.isTested)
  }

  /// Those without a pooler: for what a pooler in transaction mode cannot do, and what does not depend on it.
  static let direct = all.filter { $0 != .pgbouncer }

  /// A server of a version, without a pooler.
  static func direct(_ version: TestServer.Version) -> TestBackend {
    switch version {
    case .v15: .postgres15
    case .v18: .postgres18
    }
  }

  var version: TestServer.Version? {
    switch self {
    case .postgres15: .v15
    case .postgres18, .pgbouncer: .v18
    case .sqliteNew, .sqliteLegacy, .sqliteLegacyWide, .dualSQLite, .dualPostgres: nil
    }
  }

  /// Whether the file keeps apart what several agents store in it.
  var separatesAgents: Bool { self != .sqliteLegacy }

  // MARK: - Agents

  /// Runs the body with a new agent, and closes it.
  ///
  /// - Parameter keepsHistory: whether it keeps values that are replaced, and how many of a key.
  func withAgent(
    keepsHistory: Bool = false, historyLimit: Int? = nil, _ body: (Agent) async throws -> Void
  ) async throws {
    try await withPlace { place in
      let agent = try await place.agent(keepsHistory: keepsHistory, historyLimit: historyLimit)
      do {
        try await body(agent)
      } catch {
        await agent.close()
        throw error
      }
      await agent.close()
    }
  }

  /// Runs the body with a place for agents: a file of the test's own, or the database of this version that all tests share.
  ///
  /// - Parameter isAlone: whether the database is the test's own, too.
  func withPlace(isAlone: Bool = false, _ body: (Place) async throws -> Void) async throws {
    func database(_ version: TestServer.Version) async throws -> String {
      isAlone ? try await TestServer.freshDatabase(version) : try await Self.database(version)
    }
    if let version {
      let url = try await database(version)
      guard self == .pgbouncer else {
        return try await body(Place(backend: .postgres(url: url), target: url))
      }
      let pooled = try await Pooler.shared().url(of: url)
      try await body(Place(backend: .postgres(url: pooled), target: url, preparesStatements: false))
      return
    }
    try await TemporaryFolder.with("agent") { folder in
      let path = try folder.file("memory.db")
      if let sql = legacySQL {
        try SQLiteConnection(path: path).executeScript(sql)
      }
      guard self == .dualSQLite || self == .dualPostgres else {
        return try await body(Place(backend: .sqliteFile(path), target: path))
      }
      try SQLiteConnection(path: path).executeScript("PRAGMA journal_mode = WAL")
      let url = try await database(TestServer.versions.last ?? .v15)
      let pair = DualPair(path: path, url: url, phase: self == .dualPostgres ? .dualPostgres : .dualSQLite)
      try await body(Place(backend: .dual(sqlitePath: path, url: url), target: path, pair: pair))
      try await pair.expectEqual()
    }
  }

  /// Where agents are made.
  struct Place: Sendable {
    let backend: MemoryBackend
    /// Its URL, or its path.
    let target: String
    var preparesStatements = true
    /// The two databases of a cut-over.
    var pair: DualPair?
    /// The id of the test's first agent: no other test has it.
    let id = "agent-\(UUID().uuidString.prefix(8).lowercased())"

    /// An agent of this id, or the first one's.
    func agent(_ id: String? = nil) async throws -> Agent { try await Agent(try await config(id)) }

    /// The configuration of an agent of this id, or of the first one.
    func config(_ id: String? = nil) async throws -> AgentConfig {
      var config = AgentConfig(name: id ?? self.id, memoryBackend: backend)
      try await pair?.begin(config.id)
      config.connections.preparesStatements = preparesStatements
      return config
    }

    /// The first agent, which keeps values that are replaced where it is asked to.
    func agent(keepsHistory: Bool, historyLimit: Int?) async throws -> Agent {
      var config = try await config()
      config.keepsHistory = keepsHistory
      config.historyLimit = historyLimit
      return try await Agent(config)
    }
  }

  /// A file, for a child process that knows its path.
  static func file(_ path: String) -> MemoryBackend { .sqliteFile(path) }

  // MARK: - Databases

  private static let databases = Mutex<[TestServer.Version: Task<String, any Error>]>([:])

  /// The URL of the database that the tests of a version share.
  static func database(_ version: TestServer.Version) async throws -> String {
    let task = databases.withLock { databases in
      if let task = databases[version] { return task }
      let task = Task { try await TestServer.freshDatabase(version) }
      databases[version] = task
      return task
    }
    return try await task.value
  }

  private var legacySQL: String? {
    switch self {
    case .sqliteLegacy:
      """
      CREATE TABLE memory (key TEXT PRIMARY KEY, value TEXT NOT NULL, timestamp TEXT DEFAULT CURRENT_TIMESTAMP);
      CREATE TABLE tools (id INTEGER PRIMARY KEY, name TEXT, description TEXT);
      CREATE TABLE metrics (id INTEGER PRIMARY KEY, metric_name TEXT, value REAL, timestamp TEXT);
      CREATE TABLE execution_log (id INTEGER PRIMARY KEY, task TEXT, status TEXT, timestamp TEXT);
      CREATE TABLE settings (name TEXT, value TEXT);
      """
    case .sqliteLegacyWide:
      """
      CREATE TABLE agent_memory (
        id INTEGER PRIMARY KEY AUTOINCREMENT, agent_id TEXT, namespace TEXT, key TEXT, value BLOB, metadata JSON,
        embedding BLOB, created_at REAL, updated_at REAL, expires_at REAL, importance INTEGER DEFAULT 1);
      CREATE INDEX agent_memory_key ON agent_memory (key);
      CREATE TABLE agent_tools (
        id TEXT, agent_id TEXT, name TEXT, description TEXT, config TEXT, enabled INTEGER, usage_count INTEGER,
        metadata TEXT, created_at INTEGER);
      CREATE TABLE performance (
        agent_id TEXT, metric TEXT, value REAL, unit TEXT, metadata TEXT, recorded_at REAL);
      CREATE TABLE task_executions (
        id TEXT PRIMARY KEY, agent_id TEXT, task_description TEXT, success INTEGER, result TEXT, error TEXT,
        started_at TEXT, finished_at TEXT);
      """
    case .sqliteNew, .dualSQLite, .dualPostgres, .postgres15, .postgres18, .pgbouncer: nil
    }
  }
}

/// A SQLite file and the database that follows it.
final class DualPair: Sendable {
  private let path: String
  private let url: String
  private let phase: CutoverPhase
  private let agents = Mutex<Set<String>>([])

  init(path: String, url: String, phase: CutoverPhase) {
    self.phase = phase
    self.path = path
    self.url = url
  }

  /// Has the changes of an agent be carried.
  func begin(_ agent: String) async throws {
    guard agents.withLock({ $0.insert(agent).inserted }) else { return }
    let cutover = try await Cutover(sqlitePath: path, url: url, agent: agent)
    _ = try await cutover.set(.dualSQLite)
    if phase == .dualPostgres { _ = try await cutover.set(phase, readPercent: 100) }
    await cutover.close()
  }

  /// Expects that all agents have the same on both sides.
  func expectEqual() async throws {
    for agent in agents.withLock({ $0 }) {
      let cutover = try await Cutover(sqlitePath: path, url: url, agent: agent)
      let comparison = try await cutover.compare()
      #expect(comparison.differences == [], "\(agent)")
      #expect(try await cutover.differences() == [], "\(agent)")
      await cutover.close()
    }
  }
}
