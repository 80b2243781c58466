// Many writers on one file: tasks, databases and processes. "database is locked" must not surface within the limit.

import Foundation
import SQLite
import Testing

@Suite("Concurrency")
struct ConcurrencyTests {
  @Test("Several databases on one file write at once without a lock error", arguments: ["WAL", "DELETE"])
  func databases(_ journalMode: String) async throws {
    let folder = try DatabaseFolder()
    try SQLiteConnection(path: folder.file()).executeScript(
      "PRAGMA journal_mode = \(journalMode); CREATE TABLE t (n INTEGER); INSERT INTO t VALUES (0)")
    let path = folder.file()
    try await withThrowingTaskGroup { group in
      for _ in 0..<6 {
        group.addTask {
          let database = try await SQLiteDatabase(path: path, busyTimeout: .seconds(60), durability: .normal)
          for _ in 0..<25 {
            // Reads, then writes on what it has read: a lost update would show in the sum.
            try await database.write { connection in
              let n = try connection.queryOne("SELECT n FROM t")?[0].int64 ?? 0
              try connection.execute("UPDATE t SET n = ?", [.integer(n + 1)])
            }
            _ = try await database.query("SELECT n FROM t")
          }
          await database.close()
        }
      }
      try await group.waitForAll()
    }
    #expect(try SQLiteConnection(path: path).queryOne("SELECT n FROM t")?[0] == 150)
  }

  @Test("Many tasks that make the same new file at once all succeed")
  func sameNewFile() async throws {
    let folder = try DatabaseFolder()
    let path = folder.file()
    try await withThrowingTaskGroup { group in
      for _ in 0..<8 {
        group.addTask {
          let database = try await SQLiteDatabase(path: path, busyTimeout: .seconds(60))
          try await database.execute("CREATE TABLE IF NOT EXISTS t (x)")
          try await database.execute("INSERT INTO t VALUES (1)")
          await database.close()
        }
      }
      try await group.waitForAll()
    }
    let connection = try SQLiteConnection(path: path)
    #expect(try connection.query("SELECT * FROM t").count == 8)
    #expect(try connection.queryOne("PRAGMA journal_mode")?[0] == "wal")
  }

  @Test(
    "Other processes write to the file at the same time",
    .enabled(if: ChildProcess.sqlite3 != nil, "the sqlite3 command is not installed"),
    arguments: ["WAL", "DELETE"])
  func processes(_ journalMode: String) async throws {
    let folder = try DatabaseFolder()
    let path = folder.file()
    try SQLiteConnection(path: path).executeScript(
      "PRAGMA journal_mode = \(journalMode); CREATE TABLE t (id INTEGER PRIMARY KEY, who TEXT)")
    let sqlite3 = try #require(ChildProcess.sqlite3)
    let children = try (0..<3).map { number in
      let child = try ChildProcess(sqlite3, ["-bail", "-cmd", ".timeout 60000", path])
      child.write(
        String(
          repeating: "BEGIN IMMEDIATE; INSERT INTO t (who) VALUES ('child \(number)'); COMMIT;\n", count: 40))
      return child
    }
    let database = try await SQLiteDatabase(path: path, busyTimeout: .seconds(60))
    for _ in 0..<40 { try await database.execute("INSERT INTO t (who) VALUES ('here')") }
    for child in children {
      let (status, output) = child.finish()
      #expect(status == 0, "\(output)")
    }
    let counts = try await database.query("SELECT count(*) FROM t GROUP BY who").map { $0[0] }
    #expect(counts == [40, 40, 40, 40])
    #expect(try await database.integrityCheck() == [])
    await database.close()
  }

  @Test("Past the limit, the lock is an error that names the file and is safe to retry")
  func pastTheLimit() async throws {
    let folder = try DatabaseFolder()
    let holder = try SQLiteConnection(path: folder.file())
    try holder.executeScript("PRAGMA journal_mode = WAL; CREATE TABLE t (x); BEGIN IMMEDIATE")
    let database = try await SQLiteDatabase(path: folder.file(), busyTimeout: .milliseconds(50))
    let error = await #expect(throws: SQLiteError.self) {
      try await database.execute("INSERT INTO t VALUES (1)")
    }
    #expect(error?.code == .busy)
    #expect(error?.isSafeToRetry == true)
    #expect(error?.description.hasPrefix(folder.file()) == true)
    // Reading needs no lock that a writer holds.
    #expect(try await database.query("SELECT * FROM t").isEmpty)
    try holder.executeScript("COMMIT")
    try await database.execute("INSERT INTO t VALUES (1)")
    await database.close()
  }

  @Test("Calls that wait for a lock take no thread of the cooperative pool")
  func cooperativeThreads() async throws {
    let folder = try DatabaseFolder()
    let holder = try SQLiteConnection(path: folder.file())
    try holder.executeScript("CREATE TABLE t (x)")
    var databases: [SQLiteDatabase] = []
    for _ in 0..<16 {
      databases.append(try await SQLiteDatabase(path: folder.file(), busyTimeout: .seconds(60)))
    }
    try holder.executeScript("BEGIN EXCLUSIVE")
    let waiting = databases.map { database in
      Task { try await database.execute("INSERT INTO t VALUES (1)") }
    }
    // With every cooperative thread blocked, these tasks would never end, and the lock never be released.
    await withTaskGroup { group in
      for _ in 0..<64 { group.addTask { await Task.yield() } }
    }
    try holder.executeScript("COMMIT")
    for task in waiting { #expect(try await task.value == 1) }
    for database in databases { await database.close() }
  }
}
