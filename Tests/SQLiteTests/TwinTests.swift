// A snapshot that two threads read: both stand at the same moment, whatever becomes of the file.

import Foundation
import SQLite
import TestSupport
import Testing

@Suite struct TwinTests {
  private static let rows = "SELECT count(*), sum(n) FROM t"

  @Test(arguments: ["DELETE", "WAL"]) func bothStandAtTheSameMoment(mode: String) throws {
    let folder = try TemporaryFolder("twin")
    let path = try folder.file("a.db")
    do {
      let writer = try SQLiteConnection(path: path)
      _ = try writer.query("PRAGMA journal_mode = \(mode)")
      try writer.executeScript("CREATE TABLE t (n); INSERT INTO t VALUES (1), (2)")
    }
    let (first, twin) = try SQLiteConnection.snapshotWithTwin(of: path)
    let second = try #require(twin?.take())
    #expect(twin?.take() == nil)
    do {
      let writer = try SQLiteConnection(path: path)
      try writer.executeScript("INSERT INTO t VALUES (10); CREATE TABLE u (n)")
      for connection in [first, second] {
        let answer = try connection.queryOne(Self.rows)
        let row = try #require(answer)
        #expect(row[0] == .integer(2) && row[1] == .integer(3))
      }
    }
    // One that is closed leaves the other as it is.
    let alone = try SQLiteConnection.snapshotWithTwin(of: path)
    _ = alone.twin?.take()
    #expect(try alone.connection.queryOne(Self.rows)?[0] == .integer(3))
  }

  @Test func aLogThatWasNotMergedIsInBoth() throws {
    let folder = try TemporaryFolder("twin")
    let path = try folder.file("a.db")
    let writer = try SQLiteConnection(path: path)
    _ = try writer.query("PRAGMA journal_mode = WAL")
    try writer.executeScript("CREATE TABLE t (n); INSERT INTO t VALUES (1), (2)")
    // As a machine that went down leaves it: the log without its index.
    let copy = try folder.file("b.db")
    try FileManager.default.copyItem(atPath: path, toPath: copy)
    try FileManager.default.copyItem(atPath: path + "-wal", toPath: copy + "-wal")
    let (first, twin) = try SQLiteConnection.snapshotWithTwin(of: copy)
    let second = try #require(twin?.take())
    #expect(try first.queryOne(Self.rows)?[1] == .integer(3))
    #expect(try second.queryOne(Self.rows)?[1] == .integer(3))
    #expect(!FileManager.default.fileExists(atPath: copy + "-shm"))
  }

  @Test func aFileInUseIsReadInPlaceByOne() throws {
    let folder = try TemporaryFolder("twin")
    let path = try folder.file("a.db")
    let writer = try SQLiteConnection(path: path)
    _ = try writer.query("PRAGMA journal_mode = WAL")
    try writer.executeScript("CREATE TABLE t (n); INSERT INTO t VALUES (1)")
    let (connection, twin) = try SQLiteConnection.snapshotWithTwin(of: path)
    #expect(twin == nil)
    #expect(try connection.queryOne(Self.rows)?[0] == .integer(1))
  }
}
