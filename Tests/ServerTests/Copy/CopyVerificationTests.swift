// The proof of a copy: what was altered, deleted or doubled in Postgres by hand is found and named.

import Foundation
import LegacyImport
import SQLite
import TestSupport
import Testing

@Suite struct CopyVerificationTests {
  private func scene(_ version: TestServer.Version = .v15, key: String = "PRIMARY KEY") async throws
    -> CopyScene
  {
    let scene = try await CopyScene(version)
    try scene.write(
      """
      CREATE TABLE t (id INTEGER, name TEXT, price NUMERIC, at TEXT, meta TEXT, ip TEXT, code TEXT);
      WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
        INSERT INTO t SELECT i, 'name ' || i, i / 4.0, datetime(1700000000 + i, 'unixepoch'),
          '{"z":1,  "a": ' || i || '}', '10.0.' || (i % 250) || '.1', substr('abc', 1, i % 4) FROM n;
      """)
    try await scene.execute(
      """
      CREATE TABLE t (id int \(key), name text, price numeric(12,2), at timestamptz, meta jsonb, ip inet, code char(5));
      """)
    return scene
  }

  @Test(
    arguments: [
      ("UPDATE t SET name = name || '!' WHERE id = 77", "altered in name"),
      ("UPDATE t SET price = price + 0.01 WHERE id = 77", "altered in price"),
      ("UPDATE t SET at = at + interval '1 microsecond' WHERE id = 77", "altered in at"),
      ("UPDATE t SET meta = meta || '{\"b\": 2}' WHERE id = 77", "altered in meta"),
      ("UPDATE t SET ip = '10.0.0.9' WHERE id = 77", "altered in ip"),
      ("UPDATE t SET code = NULL WHERE id = 77", "altered in code"),
      ("DELETE FROM t WHERE id = 77", "missing"),
      ("UPDATE t SET id = 99999 WHERE id = 77", "missing"),
    ])
  func whatWasChangedByHandIsNamed(sql: String, words: String) async throws {
    let scene = try await scene()
    let first = try await scene.copy()
    try await scene.expectWhole(first)
    #expect(first.verification?.compared == 3000)
    try await scene.execute(sql)
    let second = try await scene.copy()
    #expect(second.exitCode == 4)
    let differences = second.verification?.differences.map(\.description) ?? []
    #expect(differences.count == 1 && second.verification?.differenceCount == 1)
    #expect(differences.first?.hasPrefix("\(words): t id 77, key 77") == true, "\(differences)")
    // And put right again where that is wanted.
    let third = try await scene.copy { $0.onConflict = .update }
    #expect(third.loaded == 1)
    #expect(third.exitCode == 0)
  }

  @Test(arguments: TestServer.versions)
  func rowsOfTheApplicationAreCountedAndAnotherOrderIsNoDifference(version: TestServer.Version) async throws {
    let scene = try await scene(version)
    _ = try await scene.copy()
    // All rows are written anew in another order, so that hardly one stands where it stood.
    try await scene.execute(
      """
      CREATE TABLE kept AS SELECT * FROM t; TRUNCATE t; INSERT INTO t SELECT * FROM kept ORDER BY md5(id::text);
      INSERT INTO t (id) SELECT generate_series(20001, 20007);
      """)
    let report = try await scene.copy()
    #expect(report.exitCode == 0, "\(report.verification?.differences.map(\.description) ?? [])")
    #expect(report.verification?.compared == 3000)
    #expect(report.verification?.written == 7)
    try await scene.execute("UPDATE t SET name = 'x' WHERE id IN (5, 6); DELETE FROM t WHERE id = 7")
    let second = try await scene.copy()
    #expect(second.verification?.differenceCount == 3)
  }

  @Test func tablesWithoutAKeyAreComparedByWholeRows() async throws {
    let scene = try await scene(key: "")
    try scene.write("INSERT INTO t SELECT * FROM t WHERE id < 10")
    let first = try await scene.copy()
    try await scene.expectWhole(first)
    #expect(first.verification?.compared == 3009)
    // One row more that the source does not have, and one that it has, but not so often.
    try await scene.execute("INSERT INTO t (id) VALUES (1); INSERT INTO t SELECT * FROM t WHERE id = 500")
    let second = try await scene.copy()
    #expect(second.exitCode == 4)
    #expect(second.verification?.written == 1)
    #expect(second.verification?.differences.map(\.kind) == [.added])
    try await scene.execute("DELETE FROM t WHERE id = 3")
    let third = try await scene.copy()
    #expect(third.verification?.differences.filter { $0.kind == .missing }.count == 2)
  }

  @Test func rejectedRowsAreNotMissing() async throws {
    let scene = try await scene()
    try scene.write(
      """
      INSERT INTO t (id, name) VALUES (3001, 'a'), (5, 'same key'), (NULL, 'none'), (13000, 'b');
      UPDATE t SET ip = 'nowhere' WHERE id = 900; UPDATE t SET price = 0.001 WHERE id = 901;
      """)
    let report = try await scene.copy { $0.batchSize = 1000 }
    try await scene.expectWhole(report)
    #expect(report.rejected == 4 && report.exitCode == 3)
    #expect(report.verification?.rejected == 4 && report.verification?.compared == 3000)
  }
}
