// What is carried to Postgres at once: the present state of all that some lines of the outbox name.

import Foundation
import SQLite

/// The state of what has changed, as of one moment of the file.
struct OutboxBatch: Sendable {
  /// The last change that it holds.
  var position: Int64
  /// How many lines it is of.
  var lineCount = 0
  /// Whether these are all that there were.
  var isAll = true
  /// What these name, each thing once.
  var changes: [OutboxChange] = []
  var memories: [Memory] = []
  var deletedMemories: [MemoryName] = []
  /// The earlier values of all of these memories, where the file keeps any.
  var history: [(name: MemoryName, version: MemoryVersion)] = []
  var tools: [AgentTool] = []
  var deletedTools: [String] = []
  var metrics: [(id: UUID, metric: AgentMetric)] = []
  var executions: [AgentExecution] = []
  /// Executions whose imported copies these take the place of.
  var adopted: [UUID] = []
  var spaces: [StoredSpace] = []

  /// The names of the memories, kept or deleted.
  var memoryNames: [MemoryName] { memories.map(\.name) + deletedMemories }
}

extension Memory {
  var name: MemoryName { MemoryName(namespace: namespace, key: key) }
}

/// Reads batches from the outbox of an agent, within one read transaction of the file.
struct OutboxReader {
  let connection: SQLiteConnection
  let catalog: SQLiteCatalog
  let agent: String
  let time: LegacyTime

  /// The most lines of a batch: those of one thing are read once.
  static let mostLines = 20_000
  /// The most things of a batch: a statement for many costs little more than one for a few.
  static let mostChanges = 2000
  /// About how many bytes of values a batch may collect; one value may be more.
  static let mostBytes = 4 << 20

  private var memories: SQLiteMemories {
    SQLiteMemories(connection: connection, catalog: catalog, agent: agent, time: time)
  }

  /// The state of what has changed behind a position, in the order of the changes. Where nothing has, the batch reaches to the newest
  /// change: its line was set aside.
  func batch(after position: Int64, limit: Int) throws -> OutboxBatch {
    var batch = OutboxBatch(position: position)
    let hasHistory = try memories.history.isKept
    var seen: Set<OutboxChange> = []
    var bytes = 0
    batch.isAll = try Outbox(connection: connection, agent: agent).forEachLine(after: position) { line in
      guard batch.lineCount < limit else { return false }
      if !seen.contains(line.change) {
        guard bytes < Self.mostBytes, batch.changes.count < Self.mostChanges else { return false }
        seen.insert(line.change)
        bytes += try read(line.change, into: &batch, hasHistory: hasHistory)
        batch.changes.append(line.change)
      }
      batch.position = line.sequence
      batch.lineCount += 1
      return true
    }
    if batch.lineCount == 0, let record = try CutoverTable.record(of: agent, connection) {
      batch.position = max(position, record.lastSequence)
    }
    return batch
  }

  /// Adds the state of one thing.
  ///
  /// - Returns: about how many bytes it has.
  private func read(_ change: OutboxChange, into batch: inout OutboxBatch, hasHistory: Bool) throws -> Int {
    switch change.kind {
    case .memory:
      let name = MemoryName(namespace: change.namespace, key: change.key)
      if hasHistory {
        let versions = try memories.history.versions(name, before: .max, limit: .max)
        batch.history += versions.reversed().map { (name, $0.version) }
      }
      guard let memory = try memories.memory(name) else {
        batch.deletedMemories.append(name)
        return 0
      }
      batch.memories.append(memory)
      return memory.value.approximateBytes + 4 * (memory.embedding?.count ?? 0)
    case .tool:
      let tools = SQLiteTools(connection: connection, catalog: catalog, agent: agent, time: time)
      guard let tool = try tools.tool(named: change.key) else {
        batch.deletedTools.append(change.key)
        return 0
      }
      batch.tools.append(tool)
    case .metric:
      guard let id = UUID(uuidString: change.key), let metric = try metric(change.key) else { return 0 }
      batch.metrics.append((id, metric))
    case .execution, .adoption:
      let executions = SQLiteExecutions(connection: connection, catalog: catalog, agent: agent, time: time)
      guard let execution = try executions.execution(change.key), let id = execution.id else { return 0 }
      batch.executions.append(execution)
      if change.kind == .adoption { batch.adopted.append(id) }
    case .space:
      batch.spaces += try memories.spaces().filter { $0.namespace.isExactly(change.key) }
    }
    return 1000
  }

  /// The measurement that is carried under an id; nil where its row was removed by hand.
  private func metric(_ id: String) throws -> AgentMetric? {
    guard
      let row = try connection.queryOne(
        "SELECT source, row_id FROM main.agentbase_carried WHERE id = ?", [.text(id)]),
      let table = row[0].string, let rowID = row[1].int64
    else { return nil }
    return try SQLiteMetrics(connection: connection, catalog: catalog, agent: agent, time: time)
      .metric(in: table, rowID: rowID)
  }
}

extension SQLiteHistory {
  /// Whether the agent has any earlier values.
  var isKept: Bool {
    get throws {
      guard isThere else { return false }
      return try connection.queryOne(
        "SELECT 1 FROM main.agentbase_history WHERE agent_id = ? LIMIT 1", [.text(agent)]) != nil
    }
  }
}
