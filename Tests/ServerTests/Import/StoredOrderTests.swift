// The proof reads rows in the order in which both sides store them: it finds the same whatever that order has become.

import AgentBase
import Foundation
import LegacyImport
import SQLite
import TestSupport
import Testing

@Suite struct StoredOrderTests {
  /// Tables of rows large enough that not all of them can wait for their partners.
  private static let tables = """
    CREATE TABLE memory (id INTEGER PRIMARY KEY, content TEXT, created_at TEXT);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
      INSERT INTO memory SELECT i * 3, hex(randomblob(300)), datetime(1705314600 + i, 'unixepoch') FROM n;
    CREATE TABLE conversation_memory (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
      INSERT INTO conversation_memory SELECT printf('key %06d', i), hex(randomblob(300)) FROM n;
    """

  @Test(arguments: ["as loaded", "a few moved", "turned round", "mixed"])
  func theOrderDoesNotMatter(order: String) async throws {
    let scene = try await SourceScene(.v18)
    try scene.write("a/memory.db", Self.tables)
    try await scene.expectWhole(scene.importAll())
    let rewrite = { (order: String) in
      """
      CREATE TEMPORARY TABLE kept ON COMMIT DROP AS SELECT * FROM agent_memories;
      TRUNCATE agent_memories; INSERT INTO agent_memories SELECT * FROM kept ORDER BY \(order);
      """
    }
    switch order {
    case "a few moved":
      try await scene.execute("UPDATE agent_memories SET key = key WHERE source_row % 997 = 0")
    case "turned round": try await scene.script("BEGIN; \(rewrite("source_row DESC")) COMMIT")
    case "mixed": try await scene.script("BEGIN; \(rewrite("md5(id::text)")) COMMIT")
    default: break
    }
    let report = try await scene.verify()
    #expect(report.differences.map(\.description) == [])
    #expect(report.compared == 60_000)

    // One of each kind of difference, at both ends of the tables.
    try await scene.script(
      """
      UPDATE agent_memories SET content = '"other"' WHERE key IN ('3', 'key 030000');
      DELETE FROM agent_memories WHERE key IN ('90000', 'key 000001', '45000');
      INSERT INTO agent_memories SELECT gen_random_uuid(), agent_id, namespace, key, content, metadata, embedding, created_at,
        updated_at, expires_at, source_id, source_row, source_exact, written_by FROM agent_memories WHERE key IN ('6', 'key 000002');
      """)
    let found = try await scene.verify()
    let kinds = Dictionary(grouping: found.differences, by: \.kind).mapValues { $0.map(\.key).sorted() }
    #expect(kinds[.altered] == ["\"key 030000\"", "3"])
    #expect(kinds[.missing] == ["\"key 000001\"", "45000", "90000"])
    #expect(kinds[.added] == ["\"key 000002\"", "6"])
    #expect(found.differenceCount == 7)
  }

  @Test func manyMissingRowsAreAllNamed() async throws {
    let scene = try await SourceScene(.v15)
    try scene.write("a/memory.db", Self.tables)
    _ = try await scene.importAll { $0.verifies = false }
    try await scene.execute("DELETE FROM agent_memories")
    let report = try await scene.verify()
    #expect(report.differenceCount == 60_000)
    #expect(report.differences.allSatisfy { $0.kind == .missing })
  }
}
