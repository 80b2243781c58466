// Online backup and the integrity check.

import Foundation
import SQLite
import Testing

@Suite("Backup")
struct BackupTests {
  private struct Stop: Error {}

  private func filled(_ path: String) throws -> SQLiteConnection {
    let connection = try SQLiteConnection(path: path)
    try connection.executeScript(
      """
      PRAGMA journal_mode = WAL;
      CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
        INSERT INTO t SELECT i, hex(randomblob(150)) FROM n;
      """)
    return connection
  }

  @Test("A backup holds every row, tells how far it is, and overwrites nothing")
  func backup() throws {
    let folder = try DatabaseFolder()
    let connection = try filled(folder.file())
    var steps: [SQLiteBackupProgress] = []
    try connection.backup(to: folder.file("copy.db")) { steps.append($0) }
    #expect(steps.count > 1)
    #expect(steps.last?.copiedPages == steps.last?.totalPages)
    let all = "SELECT id, v FROM t ORDER BY id"
    let copy = try SQLiteConnection(path: folder.file("copy.db"), access: .readOnly)
    #expect(try copy.query(all) == connection.query(all))
    #expect(try copy.integrityCheck() == [])
    let bytes = try Data(contentsOf: URL(filePath: folder.file("copy.db")))
    #expect(throws: SQLiteError.self) { try connection.backup(to: folder.file("copy.db")) }
    #expect(try Data(contentsOf: URL(filePath: folder.file("copy.db"))) == bytes)
  }

  @Test("A backup goes on while others write, and one that is stopped leaves nothing")
  func underWrites() throws {
    let folder = try DatabaseFolder()
    let connection = try filled(folder.file())
    let writer = try SQLiteConnection(path: folder.file())
    var written = 0
    try connection.backup(to: folder.file("copy.db")) { _ in
      written += 1
      try writer.execute("INSERT INTO t (v) VALUES ('meanwhile')")
    }
    #expect(written > 1)
    #expect(try SQLiteConnection(path: folder.file("copy.db")).integrityCheck() == [])
    #expect(throws: Stop.self) { try connection.backup(to: folder.file("no.db")) { _ in throw Stop() } }
    #expect(try folder.bytes().keys.filter { $0.hasPrefix("no.db") } == [])
  }

  @Test("Damage is found")
  func damage() throws {
    let folder = try DatabaseFolder()
    try {
      let connection = try filled(folder.file())
      #expect(try connection.integrityCheck() == [])
      _ = try connection.query("PRAGMA wal_checkpoint(TRUNCATE)")
    }()
    let file = try FileHandle(forUpdating: URL(filePath: folder.file()))
    try file.seek(toOffset: 4096 * 20)
    try file.write(contentsOf: Data(repeating: 0xAB, count: 4096 * 3))
    try file.close()
    let faults = try SQLiteConnection(path: folder.file()).integrityCheck()
    #expect(!faults.isEmpty)
  }
}
