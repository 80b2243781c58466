// The comparison that proves a rollback finds every difference that there can be.

import DemoFleet
import Foundation
import SQLite
import TestSupport
import Testing

@Suite struct SQLiteComparisonTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder("comparison") }

  private static let schema = """
    CREATE TABLE plain (a, b TEXT);
    CREATE TABLE keyed (k TEXT PRIMARY KEY, v) WITHOUT ROWID;
    CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT, rowid_ TEXT);
    CREATE INDEX plain_a ON plain (a);
    CREATE TRIGGER guard AFTER DELETE ON plain BEGIN SELECT 1; END;
    INSERT INTO plain (rowid, a, b) VALUES (1, 5, 'five'), (2, 0.0, 'zero'), (3, NULL, ''), (4, 'caf' || char(233), x'00');
    INSERT INTO keyed VALUES ('a', 1), ('b', 2), ('c', 3);
    INSERT INTO counted (rowid_) VALUES ('x');
    """

  /// The differences after `change` was made to a copy.
  private func differences(after change: String) throws -> SQLiteComparison {
    let old = try folder.file("\(UUID().uuidString).db")
    let new = try folder.file("\(UUID().uuidString).db")
    for (path, sql) in [(old, Self.schema), (new, Self.schema + change)] {
      try SQLiteConnection(path: path).executeScript(sql)
    }
    return try SQLiteComparison(old: old, new: new)
  }

  @Test(arguments: ["", "VACUUM", "ANALYZE"])
  func equalFilesAreIdentical(change: String) throws {
    let comparison = try differences(after: change)
    #expect(comparison.isIdentical)
    #expect(comparison.keepsAll)
    #expect(comparison.tables == 4)
    #expect(comparison.sameRows == 9)
  }

  @Test(
    arguments: [
      ("UPDATE plain SET a = 5.0 WHERE rowid = 1", "changed: table plain, row 1 (a)"),
      ("UPDATE plain SET a = '5' WHERE rowid = 1", "changed: table plain, row 1 (a)"),
      ("UPDATE plain SET a = x'35' WHERE rowid = 1", "changed: table plain, row 1 (a)"),
      ("UPDATE plain SET a = 0 WHERE rowid = 2", "changed: table plain, row 2 (a)"),
      ("UPDATE plain SET b = NULL WHERE rowid = 3", "changed: table plain, row 3 (b)"),
      ("UPDATE plain SET a = '', b = NULL WHERE rowid = 3", "changed: table plain, row 3 (a, b)"),
      ("UPDATE plain SET a = 'cafe' || char(769) WHERE rowid = 4", "changed: table plain, row 4 (a)"),
      ("UPDATE plain SET b = CAST(x'00' AS TEXT) WHERE rowid = 4", "changed: table plain, row 4 (b)"),
      ("DELETE FROM plain WHERE rowid = 2", "missing: table plain, row 2"),
      ("INSERT INTO plain VALUES (9, '')", "added: table plain, row 5"),
      ("INSERT INTO plain (rowid, a) VALUES (-9, '')", "added: table plain, row -9"),
      ("UPDATE keyed SET v = '2' WHERE k = 'b'", "changed: table keyed, row 2 (v)"),
      ("DELETE FROM keyed WHERE k = 'c'", "missing: table keyed, row 3"),
      ("UPDATE sqlite_sequence SET seq = 7", "changed: table sqlite_sequence, row 1 (seq)"),
      ("DROP INDEX plain_a", "missing: index plain_a"),
      ("CREATE INDEX more ON plain (b)", "added: index more"),
      ("DROP TRIGGER guard", "missing: trigger guard"),
      ("CREATE VIEW v AS SELECT 1", "added: view v"),
      ("DROP TABLE keyed", "missing: table keyed"),
      ("PRAGMA user_version = 3", "changed: user_version"),
    ]
  )
  func namesEveryDifference(change: String, difference: String) throws {
    let comparison = try differences(after: change)
    #expect(comparison.differences.map(\.description) == [difference])
    #expect(!comparison.isIdentical)
    #expect(comparison.keepsAll == difference.hasPrefix("added"))
  }

  @Test func aRowThatMovedIsMissingAndAdded() throws {
    let comparison = try differences(after: "UPDATE plain SET rowid = 20 WHERE rowid = 2")
    #expect(
      comparison.differences.map(\.description) == [
        "missing: table plain, row 2", "added: table plain, row 20",
      ])
  }

  @Test func countsMoreThanItKeeps() throws {
    let comparison = try differences(
      after: "WITH RECURSIVE n(i) AS (SELECT 5 UNION ALL SELECT i + 1 FROM n WHERE i < 504) "
        + "INSERT INTO plain SELECT i, i FROM n")
    #expect(comparison.differenceCount == 500)
    #expect(comparison.differences.count == SQLiteComparison.mostDifferences)
    #expect(comparison.keepsAll)
  }
}
