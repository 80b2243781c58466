// One legacy file that holds all that is known to break importers.

import Foundation
import SQLite

/// The file, by its parts.
enum OddSource {
  /// Writes the file, its last rows only in a write-ahead log that nothing has merged.
  static func write(to path: String) throws {
    let workshop = path + ".workshop"
    let connection = try SQLiteConnection(path: workshop)
    _ = try connection.query("PRAGMA journal_mode = WAL")
    try connection.executeScript(tables + keys + places + books)
    try addValues(connection)
    _ = try connection.query("PRAGMA wal_checkpoint(TRUNCATE)")
    _ = try connection.query("PRAGMA wal_autocheckpoint = 0")
    try connection.executeScript("INSERT INTO memory (id, content) VALUES (1000, 'only in the log')")
    for suffix in ["", "-wal"] {
      try FileManager.default.copyItem(atPath: workshop + suffix, toPath: path + suffix)
    }
    withExtendedLifetime(connection) {}
    for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: workshop + suffix) }
  }

  /// Writes a file in UTF-16 with what is odd there.
  static func writeUTF16(to path: String) throws {
    let connection = try SQLiteConnection(path: path)
    try connection.executeScript(
      """
      PRAGMA encoding = 'UTF-16be';
      CREATE TABLE memory (id INTEGER PRIMARY KEY, content TEXT, metadata TEXT);
      CREATE TABLE "größe_metrics" ("größe" TEXT PRIMARY KEY, value REAL) WITHOUT ROWID;
      INSERT INTO "größe_metrics" VALUES ('é', 1.5), ('e\u{301}', 2.5), ('😀', -0.0), ('z', 9e999);
      """)
    for text in ["", "é", "e\u{301}", "😀", "NUL\0inside", "\u{FEFF}bom"] {
      try connection.execute(
        "INSERT INTO memory (content, metadata) VALUES (?, '{\"a\": \"é\"}')", [.text(text)])
    }
    // Half a surrogate pair.
    try connection.execute(
      "INSERT INTO memory (content) VALUES (?)", [.malformedText([0x61, 0xED, 0xA0, 0x80])])
  }

  // MARK: - Tables

  private static let tables = """
    CREATE TABLE memory (id INTEGER PRIMARY KEY AUTOINCREMENT, content TEXT, timestamp TEXT, metadata TEXT,
      embedding, expires_at);
    CREATE TABLE strict_memory (id INTEGER PRIMARY KEY, n INT, r REAL, t TEXT, b BLOB, a ANY) STRICT;
    INSERT INTO strict_memory VALUES (1, 9007199254740993, 3.0, '07', x'00', '1'), (2, NULL, -0.0, '', x'', 1.0);
    CREATE TABLE shared_memory (agent_id TEXT COLLATE NOCASE, key TEXT, value TEXT, namespace TEXT);
    INSERT INTO shared_memory VALUES ('Bob', 'k', '1', 'a'), ('bob', 'k', '2', 'a'), ('é', 'k', '3', 'b'),
      ('e' || char(0x301), 'k', '4', 'b'), (1, 'k', '5', ''), ('1.0', 'k', '6', NULL), ('', 'k', '7', NULL),
      (NULL, 'k', '8', NULL), (x'ff00', 'k', '9', NULL), ('a' || char(0) || 'b', 'k', '10', NULL);
    CREATE TABLE "select" ("order" TEXT, "group" INT, "camelCase" TEXT, "qu""ote" TEXT, "tab	name", "", "a.b");
    INSERT INTO "select" VALUES ('a', 1, 'b', 'c', 'd', 'e', 'f');
    CREATE TABLE "a very long name of a table that holds memories and is longer than sixty-three bytes é" (x, "y");
    INSERT INTO "a very long name of a table that holds memories and is longer than sixty-three bytes é" VALUES (1, 2);
    CREATE TABLE "a very long name of a table that holds memories and is longer than sixty-three bytes è" (x, "y");
    INSERT INTO "a very long name of a table that holds memories and is longer than sixty-three bytes è" VALUES (1, 2);
    CREATE TABLE "MEMORY é" (é TEXT, "e\u{301}" TEXT, É TEXT);
    INSERT INTO "MEMORY é" VALUES ('1', '2', '3');
    CREATE TABLE "MEMORY e\u{301}" (value);
    INSERT INTO "MEMORY e\u{301}" VALUES ('another');
    CREATE TABLE computed_memory (rowid INT AS (7), key TEXT, value TEXT, size INT AS (length(value)) STORED, more);
    INSERT INTO computed_memory (key, value, more) VALUES ('a', 'b', 'c'), ('d', 'e', 'f');
    CREATE TABLE no_key_memory (content TEXT);
    INSERT INTO no_key_memory VALUES ('same'), ('same'), (NULL), (NULL), ('same');
    CREATE TABLE hidden_memory (rowid TEXT, _rowid_ TEXT, oid TEXT, content TEXT);
    INSERT INTO hidden_memory VALUES ('b', 'b', 'b', 'same'), ('a', 'a', 'a', 'other'), ('b', 'b', 'b', 'same');
    CREATE INDEX by_all ON hidden_memory (rowid, _rowid_, oid, content);
    CREATE TABLE hidden_but_one_memory (rowid TEXT, _rowid_ TEXT, oid INTEGER PRIMARY KEY, content TEXT);
    INSERT INTO hidden_but_one_memory VALUES ('b', 'b', -5, 'x'), ('a', 'a', 0, 'y');
    CREATE TABLE empty_memory (id INTEGER PRIMARY KEY, content TEXT);
    CREATE TABLE tools (name TEXT, enabled, usage_count, config TEXT, created_at);
    INSERT INTO tools VALUES ('a', 2, -1, '{}', 0), ('b', 'true', 2.5, '', 'now'), ('c', 'yes', '7', NULL, '24:00'),
      ('d', '', 1e300, x'00', '0000-00-00'), (NULL, -1, 9223372036854775807, '[', 2460325.5);
    CREATE TABLE metrics (metric_name TEXT, value, unit, timestamp);
    INSERT INTO metrics VALUES ('m', 9e999, NULL, '2024-02-30'), ('m', -9e999, 1, '2024-13-01'), ('m', 'NaN', '', 1e300),
      ('m', 4.9406564584124654e-324, x'', -9223372036854775808), ('m', '2.50', NULL, '2024-01-15T10:30:00.123456789+02:00'),
      ('m', x'01', NULL, 9223372036854775807), (NULL, 0.30000000000000004, NULL, '2024-01-15 24:00:00');
    CREATE TABLE execution_log (task TEXT, status, input TEXT, output TEXT, error TEXT, duration, started_at, finished_at);
    INSERT INTO execution_log VALUES ('t', 1, '{"a": 1, "a": 2}', '{"a": "\\u0000"}', NULL, 1.5, 1705314600, 1705314601.5),
      ('t', 'done', '{', '[1e400, 9007199254740993]', '', 'x', '2024-01-15T10:30:00Z', NULL), (NULL, NULL, NULL, NULL, NULL,
      NULL, NULL, NULL), ('t', 0, '"\\ud800"', '1.10', 'e', 9e307, 1705314600000, 1705314600000000);
    CREATE TABLE parent (id INTEGER PRIMARY KEY, child INT REFERENCES child (id));
    CREATE TABLE child (id INTEGER PRIMARY KEY, parent INT NOT NULL REFERENCES parent (id), at TEXT DEFAULT (datetime('now')));
    INSERT INTO parent VALUES (1, 1), (2, 99);
    INSERT INTO child VALUES (1, 1, 'x');

    """

  /// Keys of every kind.
  private static let keys = """
    CREATE TABLE text_key_memory (key TEXT PRIMARY KEY, value TEXT);
    INSERT INTO text_key_memory VALUES (NULL, 'a'), (NULL, 'a'), ('', 'b'), (1, 'c'), ('01', 'd'), ('a' || char(0), 'e'),
      (CAST(x'ff' AS TEXT), 'f'), ('é', 'g'), ('e' || char(0x301), 'h'), (printf('%.10000c', 'x'), 'too long a key');
    CREATE TABLE any_key_memory (k PRIMARY KEY, value);
    INSERT INTO any_key_memory VALUES (1, 'a'), (1.5, 'b'), ('1', 'c'), (x'31', 'd'), (-0.0, 'e'), (9e999, 'f'), (x'', 'g'),
      (-9223372036854775808, 'h'), (9223372036854775807, 'i');
    CREATE TABLE pair_memory (a TEXT, b TEXT COLLATE NOCASE, value INT, PRIMARY KEY (b COLLATE BINARY, a DESC)) WITHOUT ROWID;
    INSERT INTO pair_memory VALUES ('x', 'a', 5), ('y', 'A', 4), ('z', 'a', 3), ('q', 'b', 2), ('r', 'B', 1);
    CREATE INDEX by_value ON pair_memory (value);
    CREATE TABLE nocase_memory (key TEXT COLLATE NOCASE PRIMARY KEY, value) WITHOUT ROWID;
    INSERT INTO nocase_memory VALUES ('b', 1), ('A', 2), ('C', 3);
    CREATE TABLE desc_memory (id INTEGER PRIMARY KEY DESC, value);
    INSERT INTO desc_memory VALUES (3, 'a'), (1, 'b'), (2, 'c');
    CREATE TABLE null_pair_memory (a, b, value, PRIMARY KEY (a, b));
    INSERT INTO null_pair_memory VALUES (NULL, 1, 'a'), (NULL, 1, 'b'), (1, NULL, 'c'), (1, 1, 'd'), (1, '1', 'e');

    """

  /// Rowids at the ends of their range.
  private static let places = """
    CREATE TABLE place_memory (content TEXT);
    INSERT INTO place_memory (rowid, content) VALUES (0, 'zero'), (-1, 'minus one'), (9223372036854775807, 'last'),
      (-9223372036854775808, 'first'), (2305843009213693952, 'two to the 61'), (2305843009213693951, 'one less');
    CREATE TABLE integer_place_memory (id INTEGER PRIMARY KEY, content TEXT);
    INSERT INTO integer_place_memory VALUES (0, 'zero'), (-1, 'minus one'), (9223372036854775807, 'last'),
      (-9223372036854775808, 'first');

    """

  /// What SQLite and its modules keep, and what depends on tables.
  private static let books = """
    CREATE TABLE counted_memory (id INTEGER PRIMARY KEY AUTOINCREMENT, content TEXT);
    INSERT INTO counted_memory (content) VALUES ('a'), ('b');
    UPDATE sqlite_sequence SET seq = 77 WHERE name = 'counted_memory';
    CREATE TABLE zz_uncounted_memory (id INTEGER PRIMARY KEY AUTOINCREMENT, content TEXT);
    INSERT INTO zz_uncounted_memory (content) VALUES ('a'), ('b');
    DELETE FROM sqlite_sequence WHERE name = 'zz_uncounted_memory';
    CREATE VIRTUAL TABLE memory_search USING fts5(content, content='memory', content_rowid='id');
    CREATE VIRTUAL TABLE notes_search USING fts5(body, tag);
    INSERT INTO notes_search VALUES ('the quick brown fox', 'a'), ('jumps over', 'b');
    CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1, y0, y1);
    INSERT INTO boxes VALUES (1, 0, 1, 0, 1), (2, -5, 5, -5, 5);
    CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT, done BOOLEAN);
    INSERT INTO notes VALUES (1, 'a', 2), (2, 'b', 'true'), (3, 'c', -1);
    CREATE INDEX by_expression ON notes (lower(body) DESC) WHERE done;
    CREATE VIEW recent AS SELECT * FROM notes WHERE "body" = 'a';
    CREATE TRIGGER no_more AFTER INSERT ON notes BEGIN SELECT RAISE(ABORT, 'no more'); END;
    CREATE TRIGGER into_recent INSTEAD OF INSERT ON recent BEGIN INSERT INTO notes (body) VALUES (NEW.body); END;
    ANALYZE;
    PRAGMA user_version = 42;
    PRAGMA application_id = 4711;

    """

  // MARK: - Values that SQL cannot spell

  private static func addValues(_ connection: SQLiteConnection) throws {
    let insert =
      "INSERT INTO memory (content, timestamp, metadata, embedding, expires_at) VALUES (?, ?, ?, ?, ?)"
    let contents: [SQLiteValue] = [
      "", "plain", "\\N", "\\.", "tab\tnew\nline\r", "\u{FEFF}bom", "NUL\0inside",
      .malformedText([0xC3, 0x28]),
      .malformedText([0xED, 0xA0, 0x80]), .blob([]), .blob([0, 255]), .null, 42, 2.5,
      .text(String(repeating: "five megabytes ", count: 350_000)),
      .blob([UInt8](repeating: 7, count: 5_000_000)),
    ]
    for content in contents {
      try connection.execute(insert, [content, "2024-01-15 10:30:00", .null, .null, .null])
    }
    let metadata: [SQLiteValue] = [
      "{", "[1]", "\"text\"", "{\"a\": \"\\u0000\"}", "{\"a\": 1, \"a\": 2}", "{\"n\": 9007199254740993}",
      "{\"n\": 1e400}",
      "{\"legacy_id\": 7, \"source_table\": \"x\", \"migrated_at\": 1}", "{\"\": {}}",
      "{\"é\": 1, \"e\u{301}\": 2}",
      .text(String(repeating: "[", count: 5000)), .text("{\"deep\": " + String(repeating: "[", count: 600)),
      .blob(Array("{\"a\": 1}".utf8)), 5,
    ]
    for value in metadata {
      try connection.execute(insert, ["m", "2024-01-15T10:30:00Z", value, .null, .null])
    }
    let embeddings: [SQLiteValue] = [
      "[0.1, 0.2, 1e-45]", "[1, \"x\"]", "[NaN]", "[1e39]", "[]", "not json", .blob([0, 0, 0x80, 0x3F]),
      .blob([1, 2, 3]),
      .blob([0, 0, 0xC0, 0x7F]), .blob([0, 0, 0x80, 0x7F]), .blob([UInt8](repeating: 0, count: 4 * 17_000)),
      .blob([UInt8](repeating: 0, count: 4 * 1536)),
      .text("[" + String(repeating: "0.5,", count: 767) + "0.5]"), 3,
    ]
    for value in embeddings {
      try connection.execute(insert, ["e", 1_705_314_600, .null, value, 1_705_314_600.5])
    }
    let times: [SQLiteValue] = [
      0, -1, 1_705_314_600_123, 1e300, 2_460_325.5, "2024-02-30", "2024-13-01", "2024-01-15 24:00",
      "0000-00-00",
      "2024-01-15T10:30:00.999999999Z", "2024-01-15T10:30:00-05:30", "now", "", .blob([1]), .integer(.max),
      .integer(.min),
    ]
    for value in times { try connection.execute(insert, ["t", value, .null, .null, value]) }
  }
}
