// One agent within one transaction of a SQLite file.

import Foundation
import SQLite
import Schema

/// What an agent does within one transaction.
final class SQLiteAgentTransaction {
  private let connection: SQLiteConnection
  private var catalog: SQLiteCatalog
  private let agent: String
  private let time: LegacyTime
  /// The agent's cut-over, where its changes are carried to Postgres.
  private let carrying: CutoverRecord?
  /// What it has changed, where that is carried.
  private var changes: [OutboxChange] = []

  init(_ connection: SQLiteConnection, _ catalog: SQLiteCatalog, agent: String, time: LegacyTime) {
    self.connection = connection
    self.catalog = catalog
    self.agent = agent
    self.time = time
    carrying = nil
  }

  private init(
    writing connection: SQLiteConnection, _ catalog: SQLiteCatalog, agent: String, time: LegacyTime
  ) throws {
    self.connection = connection
    self.catalog = catalog
    self.agent = agent
    self.time = time
    carrying =
      catalog.ownVersion >= CutoverTable.step ? try CutoverTable.admit(agent, connection) : nil
  }

  /// Runs a body that writes. What it notes goes into the outbox, in the same transaction, where changes are carried.
  ///
  /// - Throws: what the body throws; `CutoverHold` where the agent has to wait; `AgentBaseError` of the code `moved` or `outboxFull`.
  static func write<Value>(
    _ connection: SQLiteConnection, _ catalog: SQLiteCatalog, agent: String, time: LegacyTime,
    outboxLimit: Int, _ body: (SQLiteAgentTransaction) throws -> Value
  ) throws -> Value {
    let transaction = try SQLiteAgentTransaction(writing: connection, catalog, agent: agent, time: time)
    // A file from before the outbox was what it is.
    if transaction.isCarrying, catalog.ownVersion < Outbox.step { try transaction.install() }
    let value = try body(transaction)
    if let record = transaction.carrying {
      try transaction.outbox.add(transaction.changes, to: record, limit: outboxLimit)
    }
    return value
  }

  // MARK: - Changes

  /// Whether changes are carried to Postgres.
  var isCarrying: Bool { carrying != nil }

  /// Notes what changes.
  func note(_ change: OutboxChange) { if isCarrying { changes.append(change) } }

  /// Notes that memories change.
  func note(_ names: [MemoryName]) { if isCarrying { changes += names.map(OutboxChange.memory) } }

  private var outbox: Outbox { Outbox(connection: connection, agent: agent) }

  /// Notes a row that is new, and that an import has to leave out.
  func noteRow(_ kind: OutboxChange.Kind, id: @autoclosure () -> UUID, in table: String) throws {
    guard isCarrying else { return }
    let key = id().uuidString.lowercased()
    try outbox.markCarried(key, table: table, rowID: connection.lastInsertRowID)
    note(OutboxChange(kind: kind, key: key))
  }

  /// Notes an execution that has ended. One that had begun before changes were carried may have been imported.
  func noteEnd(of id: UUID) throws {
    guard isCarrying, let table = catalog.ownTable(of: .executions) else { return }
    let key = id.uuidString.lowercased()
    guard
      let rowID = try connection.queryOne(
        "SELECT id FROM \(table.quotedName) WHERE execution_id = ?", [.text(key)])?[0].int64
    else { return }
    let isNew = try outbox.markCarried(key, table: table.table.name, rowID: rowID)
    note(OutboxChange(kind: isNew ? .adoption : .execution, key: key))
  }

  // MARK: - Mirrors

  /// Has the agent's old code read an execution.
  func reflect(execution id: UUID) throws {
    guard catalog.hasMirrors(of: .executions), let table = catalog.ownTable(of: .executions) else { return }
    let row = try connection.queryOne(
      "SELECT id FROM \(table.quotedName) WHERE execution_id = ?", [.text(id.uuidString.lowercased())])
    if let rowID = row?[0].int64 { try mirrors.reflect(.executions, rowID: rowID) }
  }

  /// Has the agent's old code read a measurement, where it is in our own table.
  func reflect(metric rowID: Int64, in table: String) throws {
    guard table == catalog.ownTable(of: .metrics)?.table.name else { return }
    try mirrors.reflect(.metrics, rowID: rowID)
  }

  private var mirrors: SQLiteMirrors {
    SQLiteMirrors(connection: connection, catalog: catalog, zone: time.naiveZone)
  }

  /// The rowid of what was inserted last.
  var lastInsertRowID: Int64 { connection.lastInsertRowID }

  // MARK: - Tables

  var memories: SQLiteMemories {
    SQLiteMemories(connection: connection, catalog: catalog, agent: agent, time: time)
  }

  /// Writes memories; our own tables are there for it.
  func memoryWriter() throws -> SQLiteMemoryWriter {
    let table = try ownTable(of: .memories)
    return SQLiteMemoryWriter(memories: memories, time: time, ownTable: table)
  }

  var tools: SQLiteTools { SQLiteTools(connection: connection, catalog: catalog, agent: agent, time: time) }
  var metrics: SQLiteMetrics {
    SQLiteMetrics(connection: connection, catalog: catalog, agent: agent, time: time)
  }
  var executions: SQLiteExecutions {
    SQLiteExecutions(connection: connection, catalog: catalog, agent: agent, time: time)
  }

  /// Our own table of a kind; all of them are made where they are not there, or brought up to date.
  func ownTable(of kind: LegacyKind) throws -> SQLiteTable {
    if let table = catalog.ownTable(of: kind), catalog.ownVersion >= Schema.sqlite.count { return table }
    try install()
    guard let table = catalog.ownTable(of: kind) else {
      throw AgentBaseError(
        .schema,
        "\(connection.path): a table of the library is missing, though its version says that it is there",
        advice: "Restore the file from a backup.")
    }
    return table
  }

  private func install() throws {
    try SQLiteOwnSchema.install(on: connection)
    catalog = try SQLiteCatalog(reading: connection, version: try connection.schemaVersion())
    connection.schemaMemo = catalog
  }
}
