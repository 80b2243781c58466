// Builds one SQLite file: tables, rows, then what depends on them; it takes its name when it is complete.

import AgentBase
import Foundation
import SQLite

/// A file under construction. Lives on a queue of its own.
actor FileBuilder {
  private nonisolated let path: String
  private nonisolated let part: String
  private nonisolated let executor = QueueExecutor(label: "agentbase.rollback")
  private var opened: SQLiteConnection?

  nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

  /// A file that will stand at `path`.
  init(path: String) {
    self.path = path
    part = path + ".agentbase-part"
  }

  private func connection() throws -> SQLiteConnection {
    if let opened { return opened }
    let folder = URL(filePath: path).deletingLastPathComponent().path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try? FileManager.default.removeItem(atPath: part)
    let connection = try SQLiteConnection(path: part, access: .create)
    opened = connection
    return connection
  }

  // MARK: - Building

  /// Makes the file with the pragmas that it had, and its tables.
  func makeTables(pragmas: JSON, objects: [LegacySchema.Object], shadows: Set<String>) throws {
    let connection = try connection()
    for name in ["page_size", "encoding", "auto_vacuum", "application_id", "user_version"] {
      guard let value = pragmas[name] else { continue }
      let text = value.stringValue.map { "'\($0)'" } ?? value.text
      try connection.executeScript("PRAGMA \(name) = \(text)")
    }
    // The rows are as they were: what their file once let in, it lets in again.
    try connection.executeScript(
      "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON; PRAGMA synchronous = OFF; BEGIN")
    for object in objects where object.type == "table" {
      guard let sql = object.sql, !object.name.hasPrefix("sqlite_"), !shadows.contains(object.name) else {
        continue
      }
      try connection.executeScript(sql)
    }
  }

  /// Empties a table that is there already: a shadow of a virtual table, or SQLite's own.
  func empty(_ table: String) throws {
    try connection().execute("DELETE FROM \(SQLiteIdentifier.quoted(table))")
  }

  /// Puts rows into a table, each at its rowid where it has one.
  func insert(_ rows: [(rowID: Int64, values: [SQLiteValue])], into table: LegacyTable) throws {
    var columns = table.columns.map { SQLiteIdentifier.quoted($0.name) }
    let rowIDName = table.rowIDColumn == nil ? table.rowIDName : nil
    if let rowIDName { columns.insert(rowIDName, at: 0) }
    let marks = columns.map { _ in "?" }.joined(separator: ", ")
    var statement = try connection().prepare(
      "INSERT INTO \(SQLiteIdentifier.quoted(table.name)) (\(columns.joined(separator: ", "))) VALUES (\(marks))"
    )
    for row in rows {
      try statement.bind(rowIDName == nil ? row.values : [.integer(row.rowID)] + row.values)
      try statement.run()
    }
  }

  /// Makes indexes, views and triggers.
  func makeTheRest(objects: [LegacySchema.Object]) throws {
    let connection = try connection()
    for object in objects where object.type != "table" {
      guard let sql = object.sql else { continue }
      try connection.executeScript(sql)
    }
    try connection.executeScript("COMMIT")
  }

  /// Makes the library's own tables and puts rows into them.
  func write(_ rows: [WrittenRow]) throws {
    guard !rows.isEmpty else { return }
    let connection = try connection()
    try connection.transaction {
      try SQLiteOwnSchema.install(on: connection)
      for row in rows { try connection.execute(row.sql, row.values) }
    }
  }

  /// Checks the file and gives it its name.
  ///
  /// - Throws: `ImportError` where SQLite finds a fault in it.
  func finish(journalMode: JSON?) throws {
    let connection = try connection()
    if let mode = journalMode?.stringValue, ["wal", "truncate", "persist"].contains(mode) {
      _ = try connection.query("PRAGMA journal_mode = \(mode)")
    }
    let faults = try connection.integrityCheck()
    guard faults.isEmpty else {
      throw ImportError(
        .source, "\(path): SQLite finds a fault in the new file: \(faults[0])",
        advice: "\(part) is left to look at")
    }
    opened = nil
    let handle = try FileHandle(forUpdating: URL(filePath: part))
    try handle.synchronize()
    try handle.close()
    try FileManager.default.moveItem(atPath: part, toPath: path)
  }

  /// Where the file stands while it is built.
  nonisolated var workingPath: String { part }

  /// Gives the file up.
  func abandon() {
    opened = nil
    for suffix in ["", "-wal", "-shm", "-journal"] {
      try? FileManager.default.removeItem(atPath: part + suffix)
    }
  }
}
