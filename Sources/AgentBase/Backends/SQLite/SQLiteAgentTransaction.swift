// One agent within one transaction of a SQLite file.

import SQLite
import Schema

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
    try SQLiteOwnSchema.install(on: connection)
    catalog = try SQLiteCatalog(reading: connection, version: try connection.schemaVersion())
    connection.schemaMemo = catalog
    guard let table = catalog.ownTable(of: kind) else {
      throw AgentBaseError(
        .schema,
        "\(connection.path): a table of the library is missing, though its version says that it is there",
        advice: "Restore the file from a backup.")
    }
    return table
  }
}
