// The SQLite backend: an agent's rows in a file, legacy or new.

import Foundation
import SQLite

/// An agent's rows in a SQLite file.
final class SQLiteStore: AgentStore {
  private let lease: SharedLease<SQLiteAgentFile>
  private let agent: String
  private let time: LegacyTime

  /// Opens a file; the agents of one file share its connections.
  init(path: String, config: AgentConfig) async throws {
    let waitLimit = config.waitLimit
    lease = try await SQLiteAgentFile.shared.lease(SQLiteAgentFile.key(for: path)) {
      try await SQLiteAgentFile(path: path, waitLimit: waitLimit)
    } close: {
      await $0.database.close()
    }
    agent = config.id
    time = LegacyTime(naiveZone: config.legacyTimeZone)
  }

  /// Lets the file go; the last agent of a file closes it.
  func close() async { await lease.release() }

  // MARK: Memories

  func store(_ draft: MemoryDraft) async throws {
    try await write { transaction in
      try SQLiteMemoryWriter(
        memories: transaction.memories, time: self.time,
        makeOwnTable: { try transaction.ownTable(of: .memories) }
      ).store(draft)
    }
  }

  func value(namespace: String, key: String) async throws -> MemoryValue? {
    try await read { try $0.memories.current(namespace: namespace, key: key) { $0.memoryValue($1) } }
  }

  func memory(namespace: String, key: String) async throws -> Memory? {
    try await read { transaction in
      let memories = transaction.memories
      return try memories.current(namespace: namespace, key: key) { memories.memory($0, $1) }
    }
  }

  func delete(namespace: String, key: String) async throws -> Bool {
    try await write { transaction in
      try SQLiteMemoryWriter(
        memories: transaction.memories, time: self.time,
        makeOwnTable: { try transaction.ownTable(of: .memories) }
      ).delete(namespace: namespace, key: key)
    }
  }

  func list(namespace: String, prefix: String, limit: Int, after: String?) async throws -> MemoryPage {
    try await read { try $0.memories.page(namespace: namespace, prefix: prefix, limit: limit, after: after) }
  }

  func search(_ text: String, namespace: String?, limit: Int) async throws -> [Memory] {
    try await read { try $0.memories.search(text, namespace: namespace, limit: limit) }
  }

  // MARK: Tools

  func register(_ draft: ToolDraft) async throws {
    try await write { try $0.tools.register(draft, in: try $0.ownTable(of: .tools)) }
  }

  func tools() async throws -> [AgentTool] { try await read { try $0.tools.all() } }

  func tool(named name: String) async throws -> AgentTool? {
    try await read { try $0.tools.tool(named: name) }
  }

  func countUses(ofTool name: String, _ count: Int64) async throws -> Bool {
    try await write { transaction in
      try transaction.tools.countUses(name, count) { try transaction.ownTable(of: .tools) }
    }
  }

  func setTool(_ name: String, isEnabled: Bool) async throws -> Bool {
    try await write { transaction in
      try transaction.tools.setEnabled(name, isEnabled) { try transaction.ownTable(of: .tools) }
    }
  }

  func deleteTool(named name: String) async throws -> Bool { try await write { try $0.tools.delete(name) } }

  // MARK: Metrics

  func record(_ drafts: [MetricDraft]) async throws {
    try await write { transaction in
      for draft in drafts {
        try transaction.metrics.record(draft) { try transaction.ownTable(of: .metrics) }
      }
    }
  }

  func metrics(_ query: MetricQuery) async throws -> [AgentMetric] {
    try await read { try $0.metrics.find(query) }
  }

  // MARK: Executions

  func begin(_ draft: ExecutionDraft) async throws {
    try await write { try $0.executions.begin(draft, in: try $0.ownTable(of: .executions)) }
  }

  func end(_ end: ExecutionEnd) async throws -> Bool { try await write { try $0.executions.end(end) } }

  func executions(_ query: ExecutionQuery) async throws -> [AgentExecution] {
    try await read { try $0.executions.find(query) }
  }

  // MARK: - Transactions

  private func read<Value: Sendable>(
    _ body: @escaping @Sendable (SQLiteAgentTransaction) throws -> Value
  ) async throws -> Value {
    let (agent, time) = (agent, time)
    return try await lease.resource.read {
      try body(SQLiteAgentTransaction($0, $1, agent: agent, time: time))
    }
  }

  private func write<Value: Sendable>(
    _ body: @escaping @Sendable (SQLiteAgentTransaction) throws -> Value
  ) async throws -> Value {
    let (agent, time) = (agent, time)
    return try await lease.resource.write {
      try body(SQLiteAgentTransaction($0, $1, agent: agent, time: time))
    }
  }
}

/// What an agent does within one transaction.
final class SQLiteAgentTransaction {
  private let connection: SQLiteConnection
  private var catalog: SQLiteCatalog
  private let agent: String
  private let time: LegacyTime

  init(_ connection: SQLiteConnection, _ catalog: SQLiteCatalog, agent: String, time: LegacyTime) {
    self.connection = connection
    self.catalog = catalog
    self.agent = agent
    self.time = time
  }

  var memories: SQLiteMemories {
    SQLiteMemories(connection: connection, catalog: catalog, agent: agent, time: time)
  }
  var tools: SQLiteTools { SQLiteTools(connection: connection, catalog: catalog, agent: agent, time: time) }
  var metrics: SQLiteMetrics {
    SQLiteMetrics(connection: connection, catalog: catalog, agent: agent, time: time)
  }
  var executions: SQLiteExecutions {
    SQLiteExecutions(connection: connection, catalog: catalog, agent: agent, time: time)
  }

  /// Our own table of a kind; all of them are made where they are not there.
  func ownTable(of kind: LegacyKind) throws -> SQLiteTable {
    if let table = catalog.ownTable(of: kind) { return table }
    try SQLiteOwnSchema.install(on: connection)
    catalog = try SQLiteCatalog(reading: connection, version: try SQLiteCatalog.version(of: connection))
    guard let table = catalog.ownTable(of: kind) else {
      throw AgentBaseError(
        .schema,
        "\(connection.path): a table of the library is missing, though its version says that it is there",
        advice: "Restore the file from a backup.")
    }
    return table
  }
}
