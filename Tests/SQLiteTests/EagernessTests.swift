// Calls that keep their thread: the same answers as without, and patience where it does not pay.

import Foundation
import Testing

@testable import SQLite

@Suite("Eagerness")
struct EagernessTests {
  private func open(
    _ folder: DatabaseFolder, journal: String = "WAL", isEager: Bool = true
  ) async throws -> SQLiteDatabase {
    try SQLiteConnection(path: folder.file()).executeScript(
      "PRAGMA journal_mode = \(journal); CREATE TABLE t (id INTEGER PRIMARY KEY, v)")
    return try await SQLiteDatabase(path: folder.file(), isEager: isEager)
  }

  @Test("One caller and many store the same, eager or not", arguments: [true, false], ["WAL", "DELETE"])
  func stores(_ isEager: Bool, _ journal: String) async throws {
    let folder = try DatabaseFolder()
    let database = try await open(folder, journal: journal, isEager: isEager)
    for id in Int64(0)..<100 { try await database.execute("INSERT INTO t VALUES (?, 1)", [.integer(id)]) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for id in Int64(100)..<600 {
        group.addTask { try await database.execute("INSERT INTO t VALUES (?, 1)", [.integer(id)]) }
      }
      try await group.waitForAll()
    }
    #expect(try await database.queryOne("SELECT count(*), sum(id) FROM t")?.values == [600, 179_700])
    await database.close()
  }

  @Test("A brief read is done at once where there is a log, and left to the queue where there is none")
  func briefReads() async throws {
    for (journal, isThere) in [("WAL", true), ("DELETE", false)] {
      let folder = try DatabaseFolder()
      let database = try await open(folder, journal: journal)
      try await database.execute("INSERT INTO t VALUES (1, 'a')")
      // The reader is open from the first read on.
      _ = try await database.queryOne("SELECT 1")
      // On a machine that is busy, a read that took too long makes the next ones wait.
      var value: SQLiteValue?
      for _ in 0..<10_000 where value == nil {
        value = try database.readBriefly { try $0.queryOne("SELECT v FROM t WHERE id = 1")?[0] }
      }
      #expect(value == (isThere ? "a" : nil))
      #expect(try database.readBriefly { try $0.queryOne("SELECT nonsense")?[0] } == nil)
      #expect(try database.readBriefly { try $0.queryOne("INSERT INTO t VALUES (2, 'b')")?[0] } == nil)
      await database.close()
      #expect(throws: SQLiteError.self) { try database.readBriefly { _ in 1 } }
    }
    let folder = try DatabaseFolder()
    let patient = try await open(folder, isEager: false)
    _ = try await patient.queryOne("SELECT 1")
    #expect(try patient.readBriefly { _ in 1 } == nil)
    await patient.close()
  }

  @Test("Brief reads beside reads and writes see whole transactions")
  func crowd() async throws {
    let folder = try DatabaseFolder()
    let database = try await open(folder)
    try await database.execute("INSERT INTO t VALUES (1, 0), (2, 0)")
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        group.addTask {
          for _ in 0..<50 { try await database.execute("UPDATE t SET v = v + 1") }
        }
        group.addTask {
          for _ in 0..<500 {
            let sum = try database.readBriefly { try $0.queryOne("SELECT sum(v), max(v) FROM t")?.values }
            if let sum { #expect(sum[0].int64 == sum[1].int64.map { 2 * $0 }) }
            await Task.yield()
          }
        }
        group.addTask {
          for _ in 0..<50 { _ = try await database.query("SELECT * FROM t") }
        }
      }
      try await group.waitForAll()
    }
    #expect(try await database.queryOne("SELECT sum(v) FROM t")?[0] == 400)
    await database.close()
  }

  @Test("A statement that was compiled for another schema is noticed")
  func compiledSchema() throws {
    let folder = try DatabaseFolder()
    let connection = try SQLiteConnection(path: folder.file())
    try connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v)")
    let version = try connection.transaction(.deferred) {
      let version = try connection.schemaVersion()
      connection.holdSchema(version)
      _ = try connection.query("SELECT * FROM t")
      return version
    }
    #expect(connection.compiledSchema == version)
    _ = try connection.query("SELECT * FROM t")
    #expect(connection.compiledSchema == version)
    try SQLiteConnection(path: folder.file()).execute("ALTER TABLE t ADD COLUMN w")
    #expect(try connection.query("SELECT * FROM t").isEmpty)
    #expect(connection.compiledSchema == nil)
    try connection.transaction(.deferred) { connection.holdSchema(try connection.schemaVersion()) }
    #expect(connection.compiledSchema != version)
    // Compiled outside of a transaction: nobody knows for which schema.
    _ = try connection.query("SELECT v FROM t")
    #expect(connection.compiledSchema == nil)
  }

  @Test("What is in vain is tried less and less often, and again when it pays")
  func patience() {
    let patience = SQLitePatience()
    func tries(of calls: Int, inVain: Bool) -> Int {
      (0..<calls).count { _ in
        guard patience.mayTry() else { return false }
        patience.note(wasInVain: inVain)
        return true
      }
    }
    #expect(tries(of: 100, inVain: false) == 100)
    #expect(tries(of: 10_000, inVain: true) < 15)
    #expect(tries(of: 100_000, inVain: true) < 30)
    _ = tries(of: 10_000, inVain: false)
    #expect(tries(of: 100, inVain: false) == 100)
  }
}
