// A snapshot reads one moment and never changes a byte of its source.

import Foundation
import SQLite
import Testing

@Suite("Snapshot")
struct SnapshotTests {
  private static let ids = "SELECT group_concat(id) FROM (SELECT id FROM t ORDER BY id)"

  /// A file with three rows, at rest.
  private func source(_ journalMode: String, in folder: DatabaseFolder) throws -> String {
    let connection = try SQLiteConnection(path: folder.file())
    try connection.executeScript(
      """
      PRAGMA journal_mode = \(journalMode);
      CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);
      INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c');
      """)
    return folder.file()
  }

  private func copyFiles(from folder: DatabaseFolder) throws -> DatabaseFolder {
    let copy = try DatabaseFolder()
    for (name, bytes) in try folder.bytes() { try bytes.write(to: URL(filePath: copy.file(name))) }
    return copy
  }

  private func ids(of snapshot: SQLiteConnection) throws -> String? {
    try snapshot.queryOne(Self.ids)?[0].string
  }

  @Test(
    "A file at rest is read and left as it was, with nothing beside it",
    arguments: ["DELETE", "TRUNCATE", "PERSIST", "WAL"],
    [SQLiteConnection.SnapshotMethod.automatic, .privateCopy])
  func atRest(_ journalMode: String, _ method: SQLiteConnection.SnapshotMethod) throws {
    let folder = try DatabaseFolder()
    let path = try source(journalMode, in: folder)
    let before = try folder.bytes()
    let copies = try DatabaseFolder()
    try {
      let snapshot = try SQLiteConnection.snapshot(of: path, method: method, temporaryFolder: copies.path)
      #expect(try ids(of: snapshot) == "1,2,3")
      // The copy has no name while it is read.
      #expect(try FileManager.default.contentsOfDirectory(atPath: copies.path) == [])
      #expect(throws: SQLiteError.self) { try snapshot.execute("INSERT INTO t VALUES (9, 'x')") }
      #expect(snapshot.path == path)
    }()
    #expect(try folder.bytes() == before)
    #expect(!FileManager.default.fileExists(atPath: path + "-shm"))
  }

  @Test("A log that was never merged, and has no writer, is read and not merged")
  func unmergedLog() throws {
    let live = try DatabaseFolder()
    let connection = try SQLiteConnection(path: try source("WAL", in: live))
    try connection.execute("PRAGMA wal_autocheckpoint = 0")
    try connection.execute("INSERT INTO t VALUES (4, 'only in the log')")
    let folder = try copyFiles(from: live)
    let before = try folder.bytes()
    #expect((before["agent.db-wal"]?.count ?? 0) > 0)
    try {
      let snapshot = try SQLiteConnection.snapshot(of: folder.file())
      #expect(try ids(of: snapshot) == "1,2,3,4")
    }()
    #expect(try folder.bytes() == before)
    #expect(!FileManager.default.fileExists(atPath: folder.file() + "-shm"))
    #expect(try connection.query("SELECT * FROM t").count == 4)
  }

  @Test("A log and an index that a killed process left are read in place and not merged")
  func abandonedLog() throws {
    let live = try DatabaseFolder()
    let connection = try SQLiteConnection(path: try source("WAL", in: live))
    try connection.execute("PRAGMA wal_autocheckpoint = 0")
    try connection.execute("INSERT INTO t VALUES (4, 'only in the log')")
    let folder = try copyFiles(from: live)
    try FileManager.default.copyItem(atPath: live.file() + "-shm", toPath: folder.file() + "-shm")
    let before = try folder.bytes()
    try {
      let snapshot = try SQLiteConnection.snapshot(of: folder.file())
      #expect(try ids(of: snapshot) == "1,2,3,4")
    }()
    #expect(try folder.bytes() == before)
    #expect(try connection.query("SELECT * FROM t").count == 4)
  }

  @Test("A hot journal is undone in the copy and stays beside the source")
  func hotJournal() throws {
    let live = try DatabaseFolder()
    let connection = try SQLiteConnection(path: try source("DELETE", in: live))
    // A cache of a few pages makes SQLite write to the file in the middle of the transaction.
    try connection.executeScript(
      """
      PRAGMA cache_size = 5;
      BEGIN;
      UPDATE t SET v = 'changed';
      WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
        INSERT INTO t SELECT i, hex(randomblob(200)) FROM n;
      """)
    let folder = try copyFiles(from: live)
    try connection.executeScript("ROLLBACK")
    let before = try folder.bytes()
    #expect((before["agent.db-journal"]?.count ?? 0) > 512)
    try {
      let snapshot = try SQLiteConnection.snapshot(of: folder.file())
      #expect(try ids(of: snapshot) == "1,2,3")
      #expect(try snapshot.query("SELECT v FROM t ORDER BY id").map { $0[0] } == ["a", "b", "c"])
      #expect(try snapshot.integrityCheck() == [])
    }()
    #expect(try folder.bytes() == before)
    // Read in place, it could only fail.
    let error = #expect(throws: SQLiteError.self) {
      try SQLiteConnection.snapshot(of: folder.file(), method: .inPlace)
    }
    #expect(error?.code.primary == .readOnly)
    #expect(try folder.bytes() == before)
  }

  @Test(
    "A snapshot stands still while another connection goes on writing", arguments: ["DELETE", "WAL"])
  func whileWriting(_ journalMode: String) throws {
    let folder = try DatabaseFolder()
    let writer = try SQLiteConnection(path: try source(journalMode, in: folder), busyTimeout: .zero)
    try writer.execute("INSERT INTO t VALUES (4, 'd')")
    let snapshot = try SQLiteConnection.snapshot(of: folder.file())
    for id in Int64(5)..<50 {
      try writer.execute("INSERT INTO t VALUES (?, 'later')", [.integer(id)])
      #expect(try ids(of: snapshot) == "1,2,3,4")
    }
    try writer.execute("DROP TABLE t")
    #expect(try ids(of: snapshot) == "1,2,3,4")
  }

  @Test("A writer in mid-transaction does not show", arguments: ["DELETE", "WAL"])
  func openTransaction(_ journalMode: String) throws {
    let folder = try DatabaseFolder()
    let writer = try SQLiteConnection(path: try source(journalMode, in: folder))
    try writer.executeScript("BEGIN IMMEDIATE; INSERT INTO t VALUES (4, 'not yet')")
    for method in [SQLiteConnection.SnapshotMethod.automatic, .privateCopy]
    where
      journalMode == "DELETE" || method == .automatic
    {
      #expect(try ids(of: SQLiteConnection.snapshot(of: folder.file(), method: method)) == "1,2,3")
    }
    try writer.executeScript("COMMIT")
    #expect(try ids(of: SQLiteConnection.snapshot(of: folder.file())) == "1,2,3,4")
  }

  @Test(
    "A live writer in another process is neither disturbed nor merged",
    .enabled(if: ChildProcess.sqlite3 != nil, "the sqlite3 command is not installed"))
  func otherProcess() throws {
    let folder = try DatabaseFolder()
    let path = try source("WAL", in: folder)
    let child = try ChildProcess(try #require(ChildProcess.sqlite3), [path])
    child.write("INSERT INTO t VALUES (4, 'd');\n.print ready-4\n")
    #expect(child.read(until: "ready-4").contains("ready-4"))
    let before = try folder.bytes()
    try {
      let snapshot = try SQLiteConnection.snapshot(of: path)
      #expect(try ids(of: snapshot) == "1,2,3,4")
      child.write("INSERT INTO t VALUES (5, 'e');\n.print ready-5\n")
      #expect(child.read(until: "ready-5").contains("ready-5"))
      #expect(try ids(of: snapshot) == "1,2,3,4")
    }()
    #expect(try folder.bytes()["agent.db"] == before["agent.db"])
    #expect(child.finish().status == 0)
    #expect(try ids(of: SQLiteConnection.snapshot(of: path)) == "1,2,3,4,5")
  }

  @Test("What is no database is an error, and an empty file is an empty database")
  func kinds() throws {
    let folder = try DatabaseFolder()
    let path = try source("WAL", in: folder)
    try Data().write(to: URL(filePath: folder.file("empty")))
    try Data(repeating: 7, count: 4096).write(to: URL(filePath: folder.file("other")))
    try Data("SQL".utf8).write(to: URL(filePath: folder.file("short")))
    #expect(SQLiteFile.kind(path) == .database)
    #expect(SQLiteFile.kind(folder.file("empty")) == .empty)
    #expect(SQLiteFile.kind(folder.file("other")) == .other)
    #expect(SQLiteFile.kind(folder.file("short")) == .other)
    #expect(SQLiteFile.kind(folder.path) == .directory)
    #expect(SQLiteFile.kind(folder.file("none")) == .missing)
    #expect(SQLiteFile.kind(path + "/below") == .missing)
    #expect(SQLiteFile.kind("/dev/null") == .other)
    let snapshot = try SQLiteConnection.snapshot(of: folder.file("empty"))
    #expect(try snapshot.query("SELECT * FROM sqlite_schema").isEmpty)
    #expect(try Data(contentsOf: URL(filePath: folder.file("empty"))).isEmpty)
    for name in ["other", "none", "."] {
      let error = #expect(throws: SQLiteError.self) { try SQLiteConnection.snapshot(of: folder.file(name)) }
      #expect(error?.code == (name == "other" ? .notADatabase : .cannotOpen))
    }
  }

  @Test("Asking what a file is does not drop the locks that this process holds on it")
  func locksStay() throws {
    let folder = try DatabaseFolder()
    let path = try source("DELETE", in: folder)
    let writer = try SQLiteConnection(path: path)
    try writer.executeScript("BEGIN EXCLUSIVE")
    #expect(SQLiteFile.kind(path) == .database)
    guard let sqlite3 = ChildProcess.sqlite3 else { return }
    let child = try ChildProcess(sqlite3, [path, "SELECT * FROM t"])
    #expect(child.finish().output.contains("locked"))
  }

  @Test(
    "No snapshot is ever torn while processes open, write and close the file",
    .enabled(if: ChildProcess.sqlite3 != nil, "the sqlite3 command is not installed"),
    arguments: ["DELETE", "TRUNCATE", "WAL"])
  func underProcesses(_ journalMode: String) throws {
    let folder = try DatabaseFolder()
    let path = try source(journalMode, in: folder)
    let sqlite3 = try #require(ChildProcess.sqlite3)
    // The sum is 0 after every transaction, and rows on many pages change in each.
    try SQLiteConnection(path: path).executeScript(
      """
      CREATE TABLE n (id INTEGER PRIMARY KEY, n INTEGER, filler BLOB);
      WITH RECURSIVE i(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM i WHERE x < 2000)
        INSERT INTO n SELECT x, 0, randomblob(1000) FROM i;
      """)
    let change =
      "BEGIN IMMEDIATE; UPDATE n SET n = n + 1 WHERE id <= 1000; UPDATE n SET n = n - 1 WHERE id > 1000; COMMIT;\n"
    // One process opens and closes the file for each two changes; the other keeps it open and hardly pauses.
    let script = """
      i=0; while [ $i -lt 40 ]; do '\(sqlite3)' -bail -cmd '.timeout 60000' '\(path)' '\(change)\(change)' || exit 1; \
      i=$((i+1)); done
      """
    let busy = try ChildProcess(sqlite3, ["-bail", "-cmd", ".timeout 60000", path])
    busy.write(String(repeating: change, count: 150))
    let children = [busy, try ChildProcess("/bin/sh", ["-c", script])]
    for round in 0..<40 {
      let method: SQLiteConnection.SnapshotMethod =
        journalMode != "WAL" && round.isMultiple(of: 2) ? .privateCopy : .automatic
      let snapshot = try SQLiteConnection.snapshot(of: path, method: method, busyTimeout: .seconds(60))
      #expect(try snapshot.queryOne("SELECT sum(n), count(*) FROM n")?.values == [0, 2000])
      #expect(try snapshot.integrityCheck() == [])
    }
    for child in children {
      let (status, output) = child.finish()
      #expect(status == 0, "\(output)")
    }
    let last = try SQLiteConnection(path: path).queryOne("SELECT n FROM n WHERE id = 1")?[0]
    #expect(last == 230)
  }
}
