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

  func connection() throws -> SQLiteConnection {
    if let opened { return opened }
    let folder = URL(filePath: path).deletingLastPathComponent().path
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw ImportError(
        .source, "the folder \(folder) cannot be made: \(plainReason(error))",
        advice: "check its path and its rights")
    }
    try? FileManager.default.removeItem(atPath: part)
    let connection = try SQLiteConnection(path: part, access: .create)
    opened = connection
    return connection
  }

  // MARK: - Building

  /// Makes the file with the pragmas that it had, and its tables; virtual ones are made with the rest.
  func makeTables(pragmas: JSON, objects: [LegacySchema.Object]) throws {
    let connection = try connection()
    if let encoding = pragmas["encoding"]?.stringValue, ["UTF-8", "UTF-16le", "UTF-16be"].contains(encoding) {
      try connection.executeScript("PRAGMA encoding = '\(encoding)'")
    }
    for name in ["page_size", "auto_vacuum", "application_id", "user_version"] {
      guard let value = pragmas[name]?.int64Value else { continue }
      try connection.executeScript("PRAGMA \(name) = \(value)")
    }
    // The rows are as they were: what their file once let in, it lets in again.
    try connection.executeScript(
      "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON; PRAGMA synchronous = OFF; BEGIN")
    if objects.contains(where: { $0.name == "sqlite_sequence" }) {
      // SQLite makes it with the first table that counts, and it outlives the last one.
      try connection.executeScript(
        "CREATE TABLE counting (id INTEGER PRIMARY KEY AUTOINCREMENT); DROP TABLE counting")
    }
    for object in objects where object.type == "table" && !object.isVirtual {
      guard let sql = object.sql, !object.name.hasPrefix("sqlite_") else { continue }
      try connection.executeScript(sql)
    }
  }

  /// Empties a table of SQLite's own, which may have filled while others were filled.
  func empty(_ table: String) throws {
    try connection().execute("DELETE FROM \(SQLiteIdentifier.quoted(table))")
  }

  /// Puts rows into a table, each at its rowid where it has one.
  ///
  /// - Returns: the rowids of those that have no place beside the rows that are there: their rowid or a unique value is taken.
  func insert(
    _ rows: [(rowID: Int64, values: [SQLiteValue])], into table: LegacyTable
  ) throws -> [Int64] {
    var columns = table.columns.map { SQLiteIdentifier.quoted($0.name) }
    let rowIDName = table.rowIDColumn == nil ? try rowIDName(of: table) : nil
    if let rowIDName { columns.insert(rowIDName, at: 0) }
    let marks = columns.map { _ in "?" }.joined(separator: ", ")
    var statement = try connection().prepare(
      "INSERT INTO \(SQLiteIdentifier.quoted(table.name)) (\(columns.joined(separator: ", "))) VALUES (\(marks))"
    )
    var refused: [Int64] = []
    for row in rows {
      try statement.bind(rowIDName == nil ? row.values : [.integer(row.rowID)] + row.values)
      if try !Self.finds(place: &statement) { refused.append(row.rowID) }
    }
    return refused
  }

  /// Whether SQLite gives each row of a table its rowid, in the order in which they come, as no name is left to set it by.
  func countsRows(of table: LegacyTable) throws -> Bool {
    try table.hasRowID && table.rowIDColumn == nil && rowIDName(of: table) == nil
  }

  /// Runs an insertion; answers false where its place is taken.
  private static func finds(place insertion: inout SQLiteStatement) throws(SQLiteError) -> Bool {
    do {
      try insertion.run()
      return true
    } catch {
      insertion.reset()
      guard error.code.primary == .constraint else { throw error }
      return false
    }
  }

  /// The name by which the rowid can be set: generated columns, which the table is described without, hide names too.
  private func rowIDName(of table: LegacyTable) throws -> String? {
    let names = try connection().query("SELECT name FROM pragma_table_xinfo(?)", [.text(table.name)])
    return table.rowIDName(hiddenBy: Set(names.compactMap { $0[0].string?.lowercased() }))
  }

  /// Makes virtual tables, indexes, views, and of the triggers those that keep virtual tables in step with others, as those of a
  /// full-text index do: new rows have to be in it.
  func makeTheRest(objects: [LegacySchema.Object]) throws {
    let connection = try connection()
    let others = Self.otherTriggers(of: objects).map(\.name)
    for object in objects where object.type != "trigger" || !others.contains(object.name) {
      guard let sql = object.sql else { continue }
      if object.isVirtual {
        // Its shadow tables are there, and its module need not be: the statement would make them again, and call it.
        try connection.executeScript("PRAGMA writable_schema = ON")
        try connection.execute(
          "INSERT INTO sqlite_schema (type, name, tbl_name, rootpage, sql) VALUES ('table', ?, ?, 0, ?)",
          [.text(object.name), .text(object.tableName), .text(sql)])
        try connection.executeScript("PRAGMA writable_schema = RESET")
      } else if object.type != "table" {
        try connection.executeScript(sql)
      }
    }
    try connection.executeScript("COMMIT")
  }

  /// Makes the other triggers: what they do where an agent writes is done for the old rows, and nobody wrote the new ones here.
  func makeTriggers(objects: [LegacySchema.Object]) throws {
    let connection = try connection()
    try connection.transaction {
      for sql in Self.otherTriggers(of: objects).compactMap(\.sql) { try connection.executeScript(sql) }
    }
  }

  /// The triggers that keep no virtual table in step; the library's own are none of them.
  private static func otherTriggers(of objects: [LegacySchema.Object]) -> [LegacySchema.Object] {
    let virtual = objects.filter(\.isVirtual).map { $0.name.lowercased() }
    return objects.filter { object in
      let sql = object.sql?.lowercased() ?? ""
      return object.type == "trigger" && !object.tableName.hasPrefix("agentbase_")
        && !virtual.contains { sql.contains($0) }
    }
  }

  /// Makes the library's own tables and puts rows into them.
  func write(_ rows: [WrittenRow]) throws {
    guard !rows.isEmpty else { return }
    let connection = try connection()
    try connection.transaction {
      try SQLiteOwnSchema.install(on: connection)
      for row in rows {
        try connection.execute(row.sql, row.values)
        if let mark = row.mark { try connection.execute(mark.sql, Array(row.values.prefix(mark.values))) }
      }
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
    do {
      try FileManager.default.moveItem(atPath: part, toPath: path)
    } catch {
      throw ImportError(
        .source, "\(path) cannot be written: \(plainReason(error))",
        advice: "check its folder's rights")
    }
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

/// The system's own words of why a file operation failed.
private func plainReason(_ error: any Error) -> String {
  switch (error as? CocoaError)?.underlying {
  case let posix as POSIXError: unsafe String(cString: strerror(posix.code.rawValue))
  default:
    switch (error as? CocoaError)?.code {
    case .fileWriteFileExists?: "a file of this name is there"
    case .fileWriteNoPermission?: "there is no right to"
    case .fileWriteOutOfSpace?: "the disk is full"
    default: "the system refused it"
    }
  }
}
