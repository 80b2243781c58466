// The Postgres backend: an agent's rows in the tables agent_*.

import Foundation
import Postgres
import Synchronization

/// An agent's rows in Postgres.
final class PostgresStore: AgentStore {
  private let lease: SharedLease<PostgresAgentDatabase>
  private let config: AgentConfig
  /// The making of the agent's row in `agents`, which all others refer to; nil until something is written.
  private let registration = Mutex<Task<Void, any Error>?>(nil)

  private var agent: String { config.id }
  private var pool: PostgresPool { lease.resource.pool }

  /// Opens a database; the agents of one URL share its connections.
  init(url: String, config: AgentConfig) async throws {
    lease = try await PostgresAgentDatabase.shared.lease(url) {
      try await PostgresAgentDatabase(url: url, config: config)
    } close: {
      await $0.pool.close()
    }
    self.config = config
  }

  /// Lets the database go; the last agent of a URL closes its connections.
  func close() async { await lease.release() }

  // MARK: Memories

  func store(_ draft: MemoryDraft) async throws { try await write(MemorySQL.store(draft, agent: agent)) }

  func value(namespace: String, key: String) async throws -> MemoryValue? {
    try await read(MemorySQL.value(agent: agent, namespace: namespace, key: key), PostgresMemoryRow.value)
      .first
  }

  func memory(namespace: String, key: String) async throws -> Memory? {
    try await read(MemorySQL.memory(agent: agent, namespace: namespace, key: key), PostgresMemoryRow.memory)
      .first
  }

  func delete(namespace: String, key: String) async throws -> Bool {
    try await write(MemorySQL.delete(agent: agent, namespace: namespace, key: key)).isTrue
  }

  func list(namespace: String, prefix: String, limit: Int, after: String?) async throws -> MemoryPage {
    var memories: [Memory] = []
    var after = after
    while true {
      let rows = try await read(
        MemorySQL.list(agent: agent, namespace: namespace, prefix: prefix, after: after, limit: limit + 1)
      ) { row throws(PostgresError) in
        (memory: try PostgresMemoryRow.memory(row), isExpired: try row.decode(10, as: Bool.self))
      }
      for (place, row) in rows.prefix(limit).enumerated() {
        after = row.memory.key
        guard !row.isExpired else { continue }
        memories.append(row.memory)
        if memories.count == limit {
          return MemoryPage(memories: memories, next: place + 1 < rows.count ? row.memory.key : nil)
        }
      }
      // Expired keys took places of this page: go on where it ended.
      if rows.count <= limit { return MemoryPage(memories: memories, next: nil) }
    }
  }

  func search(_ text: String, namespace: String?, limit: Int) async throws -> [Memory] {
    var found: [Memory] = []
    var place: MemorySQL.SearchPlace?
    let pageSize = max(limit, 100)
    while true {
      let rows = try await read(
        MemorySQL.search(text, agent: agent, namespace: namespace, after: place, limit: pageSize)
      ) { row throws(PostgresError) in
        (memory: try PostgresMemoryRow.memory(row), time: try row.value(6))
      }
      for row in rows {
        let memory = row.memory
        guard
          !memory.isImported || memory.key.contains(ignoringASCIICase: text)
            || memory.value.text.contains(ignoringASCIICase: text)
        else { continue }
        found.append(memory)
        if found.count == limit { return found }
      }
      guard rows.count == pageSize, let last = rows.last else { return found }
      var time: Int64?
      if case .timestamptz(let microseconds) = last.time { time = microseconds }
      place = MemorySQL.SearchPlace(time: time, namespace: last.memory.namespace, key: last.memory.key)
    }
  }

  // MARK: Tools

  func register(_ draft: ToolDraft) async throws { try await write(ToolSQL.register(draft, agent: agent)) }

  func tools() async throws -> [AgentTool] {
    try await read(ToolSQL.all(agent: agent), PostgresToolRow.tool)
      .sorted { ExactText($0.name) < ExactText($1.name) }
  }

  func tool(named name: String) async throws -> AgentTool? {
    try await read(ToolSQL.tool(name, agent: agent), PostgresToolRow.tool).first
  }

  func countUses(ofTool name: String, _ count: Int64) async throws -> Bool {
    if try await write(ToolSQL.countUses(name, count, agent: agent)).affectedRows > 0 { return true }
    // An imported row is never changed: a stored copy of it counts on.
    guard let tool = try await tool(named: name) else { return false }
    try await write(
      ToolSQL.copyAndCount(ToolDraft(copyOf: tool), of: tool.usageCount, count, agent: agent))
    return true
  }

  func setTool(_ name: String, isEnabled: Bool) async throws -> Bool {
    if try await write(ToolSQL.setEnabled(name, isEnabled, agent: agent)).affectedRows > 0 { return true }
    guard let tool = try await tool(named: name) else { return false }
    var draft = ToolDraft(copyOf: tool)
    draft.isEnabled = isEnabled
    try await write(ToolSQL.copyAndSetEnabled(draft, of: tool.usageCount, agent: agent))
    return true
  }

  func deleteTool(named name: String) async throws -> Bool {
    try await write(ToolSQL.delete(name, agent: agent)).isTrue
  }

  // MARK: Metrics

  func record(_ drafts: [MetricDraft]) async throws {
    if !drafts.isEmpty { try await write(MetricSQL.record(drafts, agent: agent)) }
  }

  func metrics(_ query: MetricQuery) async throws -> [AgentMetric] {
    try await read(MetricSQL.find(query, agent: agent), PostgresMetricRow.metric)
  }

  // MARK: Executions

  func begin(_ draft: ExecutionDraft) async throws {
    try await write(ExecutionSQL.begin(draft, agent: agent))
  }

  func end(_ end: ExecutionEnd) async throws -> Bool {
    try await write(ExecutionSQL.end(end, agent: agent)).affectedRows > 0
  }

  func executions(_ query: ExecutionQuery) async throws -> [AgentExecution] {
    try await read(ExecutionSQL.find(query, agent: agent), PostgresExecutionRow.execution)
  }

  // MARK: - Statements

  /// Runs a statement that only reads, and once more where the connection breaks.
  private func read<Value>(
    _ statement: PostgresStatement, _ make: (PostgresRow) throws(PostgresError) -> Value
  ) async throws -> [Value] {
    do {
      do throws(PostgresError) {
        return try (try await pool.query(statement)).map { row throws(PostgresError) in try make(row) }
      } catch {
        guard error.code == .connectionLost else { throw error }
        return try (try await pool.query(statement)).map { row throws(PostgresError) in try make(row) }
      }
    } catch {
      throw AgentBaseError.of(error)
    }
  }

  /// Runs a statement that writes; the agent's own row is there before it.
  @discardableResult
  private func write(_ statement: PostgresStatement) async throws -> PostgresRows {
    do {
      try await register()
      do throws(PostgresError) {
        return try await pool.query(statement)
      } catch {
        // The agent's row was removed behind our back; the statement did nothing.
        guard error.sqlState == .foreignKeyViolation else { throw error }
        registration.withLock { $0 = nil }
        try await register()
        return try await pool.query(statement)
      }
    } catch {
      throw AgentBaseError.of(error)
    }
  }

  /// Makes the agent's row; calls that are under way at once wait for the first.
  private func register() async throws {
    let task = registration.withLock { registration in
      if let registration { return registration }
      let (pool, config) = (pool, config)
      let task = Task<Void, any Error> { _ = try await pool.execute(AgentSQL.register(config)) }
      registration = task
      return task
    }
    do {
      try await task.value
    } catch {
      registration.withLock { if $0 == task { $0 = nil } }
      throw error
    }
  }
}

extension PostgresRows {
  /// Whether the one value of the answer is true.
  fileprivate var isTrue: Bool { (try? first?.decode(0, as: Bool.self)) ?? false }
}

extension ToolDraft {
  /// What a tool is, to be stored again.
  init(copyOf tool: AgentTool) {
    self.init(
      name: tool.name, description: tool.description, configurationText: tool.configuration.jsonbText,
      metadata: tool.metadata, isEnabled: tool.isEnabled)
  }
}
