// Agents' folders for the tests of the command.

import Foundation
import SQLite
import TestSupport

/// A small agents' folder: two agents, and what a test adds.
struct LegacyFolder {
  let folder: TemporaryFolder
  var path: String { folder.path + "/agents" }
  /// Where the command runs, and its reports go.
  var home: String { folder.path }

  init() throws {
    folder = try TemporaryFolder("command")
    try write(
      "operational/crawler/memory.db",
      """
      CREATE TABLE memory (id INTEGER PRIMARY KEY, content TEXT, timestamp TEXT);
      INSERT INTO memory VALUES (1, 'User query about pricing', '2024-01-15 10:30:00'), (2, 'two', '2024-01-16 08:00:00');
      CREATE TABLE sessions (id INTEGER PRIMARY KEY, who TEXT);
      INSERT INTO sessions (who) VALUES ('a'), ('b'), ('c');
      """)
    try write(
      "research/analyst/data.sqlite",
      """
      CREATE TABLE memories (key TEXT PRIMARY KEY, value TEXT, updated_at TEXT);
      INSERT INTO memories VALUES ('theme', '"dark"', '2024-02-01 00:00:00');
      CREATE TABLE metrics (id INTEGER PRIMARY KEY, metric_name TEXT, value REAL, timestamp TEXT);
      INSERT INTO metrics (metric_name, value, timestamp) VALUES ('latency', 1.5, '2024-02-01 00:00:00');
      """)
  }

  /// Makes a SQLite file by a script.
  func write(_ name: String, _ sql: String) throws {
    let connection = try SQLiteConnection(path: try folder.file("agents/" + name))
    try connection.executeScript(sql)
  }

  /// Makes a file of bytes.
  func write(_ name: String, bytes: [UInt8]) throws {
    try Data(bytes).write(to: URL(filePath: try folder.file("agents/" + name)))
  }

  /// Makes a database whose integrity check fails: the first page of an index, or of a table, is overwritten.
  func writeDamaged(_ name: String, page place: String = "by_content") throws {
    try write(
      name,
      """
      CREATE TABLE memory (id INTEGER PRIMARY KEY, content TEXT);
      CREATE INDEX by_content ON memory (content);
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
        INSERT INTO memory SELECT i, 'content ' || i FROM n;
      """)
    let path = self.path + "/" + name
    let pages = try SQLiteConnection(path: path, access: .readOnly).query(
      "SELECT rootpage FROM sqlite_schema WHERE name = '\(place)'")
    guard case .integer(let page)? = pages.first?[0] else { return }
    let handle = try FileHandle(forUpdating: URL(filePath: path))
    try handle.seek(toOffset: UInt64(page - 1) * 4096)
    try handle.write(contentsOf: Data(repeating: 0xA5, count: 4096))
    try handle.close()
  }

  /// All files below the agents' folder, with their bytes.
  func contents() throws -> [String: Data] {
    var contents: [String: Data] = [:]
    let names = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
    for name in names { contents[name] = FileManager.default.contents(atPath: path + "/" + name) }
    return contents.filter { !$0.value.isEmpty }
  }
}
