// Writes one file of the fleet: its folder, its SQL, its write-ahead log, and the account of what is in it.

import Foundation
import SQLite

/// One legacy file: how its agent made it.
struct LegacyShape {
  /// Where it is, relative to the fleet's folder.
  let path: String
  /// What is special about it, in a few words.
  let about: String
  /// What stands before the first table: pragmas that a file keeps.
  var pragmas = ""
  /// The agent's own SQL: tables, rows, indexes, views, triggers.
  let sql: String
  /// Rows that SQL text cannot spell.
  var rows: (SQLiteConnection) throws -> Void = { _ in }
  /// What is written after that into a write-ahead log that no checkpoint merges; nil where the file has no such log.
  var leftInLog: String?
  /// SQL that answers agent, namespace, key and expiry of every memory; nil where the file has none.
  let memories: String?

  /// Makes the file, and counts what is in it.
  func write(in folder: String) throws -> DemoFile {
    let place = URL(filePath: folder).appending(path: path)
    let parent = place.deletingLastPathComponent()
    try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
    let file = place.path(percentEncoded: false)
    guard !FileManager.default.fileExists(atPath: file) else {
      throw SQLiteError(code: .cannotOpen, message: "there is a file already", path: file)
    }
    if let leftInLog {
      try writeWithLog(leftInLog, to: place)
    } else {
      try fill(SQLiteConnection(path: file))
    }
    return try account(of: file)
  }

  private func fill(_ connection: SQLiteConnection) throws {
    try connection.executeScript(pragmas)
    try connection.transaction {
      try connection.executeScript(sql)
      try rows(connection)
    }
  }

  /// Leaves the file as an agent leaves it that is killed: the last connection to close a file would merge the log, so the
  /// file and its log are copied while the connection is open.
  private func writeWithLog(_ more: String, to place: URL) throws {
    let workshop = place.deletingLastPathComponent().appending(path: ".\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: workshop, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: workshop) }
    let file = workshop.appending(path: "agent.db").path(percentEncoded: false)
    let connection = try SQLiteConnection(path: file)
    _ = try connection.query("PRAGMA journal_mode = WAL")
    try fill(connection)
    _ = try connection.query("PRAGMA wal_checkpoint(TRUNCATE)")
    _ = try connection.query("PRAGMA wal_autocheckpoint = 0")
    try connection.executeScript(more)
    let copy = place.path(percentEncoded: false)
    for suffix in ["", "-wal"] {
      try FileManager.default.copyItem(atPath: file + suffix, toPath: copy + suffix)
    }
    // Open until here.
    withExtendedLifetime(connection) {}
  }

  // MARK: - The account

  private func account(of file: String) throws -> DemoFile {
    let connection = try SQLiteConnection.snapshot(of: file)
    let found = try connection.query(
      """
      SELECT l.name, l.type FROM pragma_table_list AS l JOIN sqlite_schema AS s ON s.name = l.name
      WHERE l.schema = 'main' AND l.type IN ('table', 'virtual', 'shadow') AND l.name NOT LIKE 'sqlite!_%' ESCAPE '!'
      ORDER BY s.rowid
      """)
    let tables = try found.map { row in
      let name = row[0].string ?? ""
      let count = try connection.queryOne("SELECT count(*) FROM \(SQLiteIdentifier.quoted(name))")
      return DemoTable(
        name: name, kind: row[1].string.flatMap(DemoTable.Kind.init) ?? .ordinary,
        rows: Int(count?[0].int64 ?? 0))
    }
    return DemoFile(
      path: file, relativePath: path, about: about, agent: agent, tables: tables,
      memories: try keys(of: connection))
  }

  private func keys(of connection: SQLiteConnection) throws -> [DemoMemory] {
    guard let memories else { return [] }
    let rows = try connection.query("SELECT DISTINCT * FROM (\(memories)) ORDER BY 1, 2, 3")
    return rows.map { row in
      DemoMemory(
        agent: row[0].string ?? "", namespace: row[1].string ?? "", key: row[2].string ?? "",
        isExpired: row[3] == .integer(1))
    }
  }

  /// The agent by the path: the names of its folders.
  private var agent: String { path.split(separator: "/").dropLast().joined(separator: "_") }
}
