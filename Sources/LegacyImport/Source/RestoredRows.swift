// Rows that a rollback has written from the very Postgres that the file is moved to, or compared with: they are there.

import AgentBase
import Postgres
import SQLite

/// What a target knows of a file that a rollback has written.
struct RestoredRows: Sendable {
  let connection: PostgresConnection

  /// How many rows are asked for at once.
  private static let batch = 5000
  fileprivate static let known = "agentbase_known"

  /// Makes the list of rows that the target has: of the connection, and not in the file.
  static func makeList(_ connection: SQLiteConnection) throws(SQLiteError) {
    try writing(connection) { () throws(SQLiteError) in
      try connection.executeScript(
        """
        CREATE TEMPORARY TABLE \(known) (source TEXT NOT NULL, row_id INTEGER NOT NULL, PRIMARY KEY (source, row_id))
        WITHOUT ROWID
        """)
    }
  }

  /// Lets a snapshot write to its temporary tables, and to nothing else.
  fileprivate static func writing(
    _ connection: SQLiteConnection, _ body: () throws(SQLiteError) -> Void
  ) throws(SQLiteError) {
    try connection.executeScript("PRAGMA query_only = OFF")
    defer { try? connection.executeScript("PRAGMA query_only = ON") }
    try body()
  }

  /// Holds for rows of a table, called `t`, that are not on the list.
  static func isUnknown(in table: String) -> String {
    "NOT EXISTS (SELECT 1 FROM temp.\(known) AS known WHERE known.source = '\(table)' AND known.row_id = t.id)"
  }

  /// Has a reader leave out the rows that a rollback has written, that are as they were then, and that the target has still.
  func leaveOut(of reader: SourceReader) async throws {
    guard try await reader.schema().isRestored else { return }
    for table in LegacySchema.ownTables.sorted() {
      guard let target = Self.target(of: table) else { continue }
      var last = Int64.min
      while true {
        let rows = try await reader.restoredRows(of: table, after: last, most: Self.batch)
        guard let end = rows.last else { break }
        last = end.rowID
        let present = try await connection.query(
          """
          SELECT wanted.row_id FROM unnest(\(rows.map(\.agent)), \(rows.map(\.id)), \(rows.map(\.rowID)))
            AS wanted (agent_id, id, row_id)
          JOIN \(identifier: target) AS there ON there.agent_id = wanted.agent_id AND there.id = wanted.id::uuid
          WHERE there.source_id IS NULL
          """
        ).map { try $0.decode(0, as: Int64.self) }
        try await reader.leaveOut(present, of: table)
      }
    }
  }

  private static func target(of table: String) -> String? {
    table == "agentbase_history" ? "agent_memory_history" : LegacyKind(tableName: table)?.targetTable
  }
}

extension SourceReader {
  /// Rows of a table that a rollback has written and that are as they were then, each with whose it is and its id in Postgres.
  func restoredRows(
    of table: String, after last: Int64, most: Int
  ) throws(SQLiteError) -> [(rowID: Int64, id: String, agent: String)] {
    let (connection, schema) = try source()
    guard let own = schema.tables.first(where: { $0.table.name == table }) else { return [] }
    let rows = try connection.query(
      """
      SELECT restored.row_id, restored.id, t.agent_id FROM main.\(LegacySchema.restoredTable) AS restored
      JOIN main.\(SQLiteIdentifier.quoted(table)) AS t ON t.id = restored.row_id
      WHERE restored.source = ? AND restored.row_id > ? AND restored.digest = \(RestoredDigest.sql(of: own.table))
      ORDER BY restored.row_id LIMIT \(most)
      """, [.text(table), .integer(last)])
    var found: [(rowID: Int64, id: String, agent: String)] = []
    for row in rows {
      guard let rowID = row[0].int64, let id = row[1].string, let agent = row[2].string else { continue }
      found.append((rowID, id, file.agentIsGiven ? file.agent : agent))
    }
    return found
  }

  /// Leaves rows out of all that is read from now on.
  func leaveOut(_ rows: [Int64], of table: String) throws(SQLiteError) {
    let connection = try source().connection
    try RestoredRows.writing(connection) { () throws(SQLiteError) in
      for row in rows {
        try connection.execute(
          "INSERT OR IGNORE INTO temp.\(RestoredRows.known) (source, row_id) VALUES (?, ?)",
          [.text(table), .integer(row)])
      }
    }
  }
}

/// The digest of a row of the library's own, as `agentbase_restored` keeps it.
enum RestoredDigest {
  /// The digest of a row of a table called `t`, without the words that a search puts to it.
  static func sql(of table: LegacyTable) -> String {
    let columns = table.columns.filter { $0.name != "words" }
    return MirrorSQL.digest(
      of: LegacyTable(name: table.name, columns: columns, hasRowID: table.hasRowID), "t")
  }
}
