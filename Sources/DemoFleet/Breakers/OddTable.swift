// Tables and names that break importers, each with what is odd about it.

/// A table, or what depends on one, as an agent has declared it.
struct OddTable: Sendable {
  let name: String
  let about: String
  let sql: String
}

extension Breakers {
  /// In the order in which they are made.
  static let oddTables: [OddTable] = names + shapes + keyed + places + related + books

  // MARK: - Names

  /// The tables and columns whose names differ only by how a letter is composed.
  public static let namesByComposition = "MEMORY é"

  private static let long =
    "a very long name of a table that holds memories and is longer than sixty-three bytes"

  private static let names: [OddTable] = [
    OddTable(
      name: "select", about: "reserved words, quotes, tabs and dots as names",
      sql: """
        CREATE TABLE "select" ("order" TEXT, "group" INT, "camelCase" TEXT, "qu""ote" TEXT, "tab\tname", "", "a.b");
        INSERT INTO "select" VALUES ('a', 1, 'b', 'c', 'd', 'e', 'f');
        """),
    OddTable(
      name: long + " é", about: "a name over 63 bytes, and another the same when cut",
      sql: """
        CREATE TABLE "\(long) é" (x, "y"); INSERT INTO "\(long) é" VALUES (1, 2);
        CREATE TABLE "\(long) è" (x, "y"); INSERT INTO "\(long) è" VALUES (1, 2);
        """),
    OddTable(
      name: "long_columns", about: "columns over 63 bytes, the same when cut",
      sql: """
        CREATE TABLE long_columns ("\(long) 1", "\(long) 2" TEXT); INSERT INTO long_columns VALUES (1, 'one'), (2, 'two');
        """),
    OddTable(
      name: "camelCaseNotes", about: "camelCase",
      sql: """
        CREATE TABLE camelCaseNotes (noteId INTEGER PRIMARY KEY, isDone BOOLEAN, createdAt DATETIME);
        INSERT INTO camelCaseNotes VALUES (1, 1, '2024-01-15 10:30:00');
        """),
    OddTable(
      name: "quo\"te", about: "a table's name with a quote, a tab and a backslash",
      sql: """
        CREATE TABLE "quo""te	\\ '" ("a""b'c\\" TEXT); INSERT INTO "quo""te	\\ '" VALUES ('x');
        """),
    OddTable(
      name: namesByComposition, about: "names that differ only by case or composition",
      sql: """
        CREATE TABLE "MEMORY é" (é TEXT, "e\u{301}" TEXT, É TEXT); INSERT INTO "MEMORY é" VALUES ('1', '2', '3');
        CREATE TABLE "MEMORY e\u{301}" (value); INSERT INTO "MEMORY e\u{301}" VALUES ('another');
        """),
    OddTable(
      name: "", about: "a table without a name, and a column of Postgres' own",
      sql: """
        CREATE TABLE "" (ctid TEXT, xmin INT, tableoid, oid); INSERT INTO "" VALUES ('a', 1, 2, 3);
        """),
  ]

  // MARK: - Shapes

  private static let shapes: [OddTable] = [
    OddTable(
      name: "strict_memory", about: "a STRICT table",
      sql: """
        CREATE TABLE strict_memory (id INTEGER PRIMARY KEY, n INT, r REAL, t TEXT, b BLOB, a ANY) STRICT;
        INSERT INTO strict_memory VALUES (1, 9007199254740993, 3.0, '07', x'00', '1'), (2, NULL, -0.0, '', x'', 1.0);
        """),
    OddTable(
      name: "computed_memory", about: "generated columns, one called rowid",
      sql: """
        CREATE TABLE computed_memory (rowid INT AS (7), key TEXT, value TEXT, size INT AS (length(value)) STORED, more);
        INSERT INTO computed_memory (key, value, more) VALUES ('a', 'b', 'c'), ('d', 'e', 'f');
        """),
    OddTable(
      name: "no_key_memory", about: "no key, and equal rows",
      sql: """
        CREATE TABLE no_key_memory (content TEXT);
        INSERT INTO no_key_memory VALUES ('same'), ('same'), (NULL), (NULL), ('same');
        """),
    OddTable(
      name: "hidden_memory", about: "columns that hide every name of the rowid",
      sql: """
        CREATE TABLE hidden_memory (rowid TEXT, _rowid_ TEXT, oid TEXT, content TEXT);
        INSERT INTO hidden_memory VALUES ('b', 'b', 'b', 'same'), ('a', 'a', 'a', 'other'), ('b', 'b', 'b', 'same');
        CREATE INDEX by_all ON hidden_memory (rowid, _rowid_, oid, content);
        CREATE TABLE hidden_but_one_memory (rowid TEXT, _rowid_ TEXT, oid INTEGER PRIMARY KEY, content TEXT);
        INSERT INTO hidden_but_one_memory VALUES ('b', 'b', -5, 'x'), ('a', 'a', 0, 'y');
        """),
    OddTable(
      name: "empty_memory", about: "no rows",
      sql: "CREATE TABLE empty_memory (id INTEGER PRIMARY KEY, content TEXT);"),
    OddTable(
      name: "shared_memory", about: "rows of several agents, whose names are odd",
      sql: """
        CREATE TABLE shared_memory (agent_id TEXT COLLATE NOCASE, key TEXT, value TEXT, namespace TEXT);
        INSERT INTO shared_memory VALUES ('Bob', 'k', '1', 'a'), ('bob', 'k', '2', 'a'), ('é', 'k', '3', 'b'),
          ('e' || char(0x301), 'k', '4', 'b'), (1, 'k', '5', ''), ('1.0', 'k', '6', NULL), ('', 'k', '7', NULL),
          (NULL, 'k', '8', NULL), (x'ff00', 'k', '9', NULL), ('a' || char(0) || 'b', 'k', '10', NULL);
        """),
    OddTable(
      name: "indexed_notes", about: "partial, expression, DESC and NOCASE indexes, a view, triggers",
      sql: """
        CREATE TABLE indexed_notes (id INTEGER PRIMARY KEY, body TEXT COLLATE NOCASE, done BOOLEAN, CHECK (id > 0));
        INSERT INTO indexed_notes VALUES (1, 'a', 2), (2, 'b', 'true'), (3, 'c', -1), (4, 'A', NULL);
        CREATE INDEX by_expression ON indexed_notes (lower(body) DESC) WHERE done;
        CREATE UNIQUE INDEX by_bytes ON indexed_notes (body COLLATE BINARY, done DESC);
        CREATE VIEW recent AS SELECT * FROM indexed_notes WHERE "body" = 'a';
        CREATE TRIGGER no_more AFTER INSERT ON indexed_notes BEGIN SELECT RAISE(ABORT, 'no more'); END;
        CREATE TRIGGER into_recent INSTEAD OF INSERT ON recent BEGIN INSERT INTO indexed_notes (body) VALUES (NEW.body); END;
        """),
    OddTable(
      name: "defaults", about: "defaults that SQLite computes",
      sql: """
        CREATE TABLE defaults (id INTEGER PRIMARY KEY, at TEXT DEFAULT (datetime('now')), day TEXT DEFAULT CURRENT_DATE,
          stamp DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP, epoch INT DEFAULT (strftime('%s', 'now')),
          word TEXT DEFAULT 'it''s', bytes BLOB DEFAULT x'00ff', flag BOOLEAN DEFAULT TRUE, some REAL DEFAULT -1e3,
          id2 TEXT DEFAULT (lower(hex(randomblob(16)))), bare TEXT DEFAULT "quoted");
        INSERT INTO defaults (id, at, day, stamp, epoch, id2) VALUES (1, 'now', '', '0000-00-00', 0, 'x');
        """),
  ]

  // MARK: - Keys and places

  private static let keyed: [OddTable] = [
    OddTable(
      name: "text_key_memory", about: "NULLs in a TEXT primary key, a key too long for an index",
      sql: """
        CREATE TABLE text_key_memory (key TEXT PRIMARY KEY, value TEXT);
        INSERT INTO text_key_memory VALUES (NULL, 'a'), (NULL, 'a'), ('', 'b'), (1, 'c'), ('01', 'd'), ('a' || char(0), 'e'),
          (CAST(x'ff' AS TEXT), 'f'), ('é', 'g'), ('e' || char(0x301), 'h'), (printf('%.10000c', 'x'), 'too long a key');
        """),
    OddTable(
      name: "any_key_memory", about: "keys of every storage class that look alike",
      sql: """
        CREATE TABLE any_key_memory (k PRIMARY KEY, value);
        INSERT INTO any_key_memory VALUES (1, 'a'), (1.5, 'b'), ('1', 'c'), (x'31', 'd'), (-0.0, 'e'), (9e999, 'f'), (x'', 'g'),
          (-9223372036854775808, 'h'), (9223372036854775807, 'i');
        """),
    OddTable(
      name: "pair_memory", about: "WITHOUT ROWID, a key of two columns in another order and collation",
      sql: """
        CREATE TABLE pair_memory (a TEXT, b TEXT COLLATE NOCASE, value INT, PRIMARY KEY (b COLLATE BINARY, a DESC)) WITHOUT ROWID;
        INSERT INTO pair_memory VALUES ('x', 'a', 5), ('y', 'A', 4), ('z', 'a', 3), ('q', 'b', 2), ('r', 'B', 1);
        CREATE INDEX by_value ON pair_memory (value);
        """),
    OddTable(
      name: "nocase_memory", about: "WITHOUT ROWID, a NOCASE key",
      sql: """
        CREATE TABLE nocase_memory (key TEXT COLLATE NOCASE PRIMARY KEY, value) WITHOUT ROWID;
        INSERT INTO nocase_memory VALUES ('b', 1), ('A', 2), ('C', 3);
        """),
    OddTable(
      name: "desc_memory", about: "INTEGER PRIMARY KEY DESC, which is no rowid",
      sql: """
        CREATE TABLE desc_memory (id INTEGER PRIMARY KEY DESC, value);
        INSERT INTO desc_memory VALUES (3, 'a'), (1, 'b'), (2, 'c'), (NULL, 'd'), (NULL, 'd');
        """),
    OddTable(
      name: "null_pair_memory", about: "NULLs in a key of two columns",
      sql: """
        CREATE TABLE null_pair_memory (a, b, value, PRIMARY KEY (a, b));
        INSERT INTO null_pair_memory VALUES (NULL, 1, 'a'), (NULL, 1, 'b'), (1, NULL, 'c'), (1, 1, 'd'), (1, '1', 'e');
        """),
  ]

  private static let places: [OddTable] = [
    OddTable(
      name: "place_memory", about: "rowids of 0, below, and at both ends",
      sql: """
        CREATE TABLE place_memory (content TEXT);
        INSERT INTO place_memory (rowid, content) VALUES (0, 'zero'), (-1, 'minus one'), (9223372036854775807, 'last'),
          (-9223372036854775808, 'first'), (2305843009213693952, 'two to the 61'), (2305843009213693951, 'one less');
        CREATE TABLE integer_place_memory (id INTEGER PRIMARY KEY, content TEXT);
        INSERT INTO integer_place_memory VALUES (0, 'zero'), (-1, 'minus one'), (9223372036854775807, 'last'),
          (-9223372036854775808, 'first');
        """)
  ]

  // MARK: - Relations

  private static let related: [OddTable] = [
    OddTable(
      name: "parent", about: "a cycle of foreign keys, and orphans",
      sql: """
        CREATE TABLE parent (id INTEGER PRIMARY KEY, child INT REFERENCES child (id));
        CREATE TABLE child (id INTEGER PRIMARY KEY, parent INT NOT NULL REFERENCES parent (id), at TEXT DEFAULT (datetime('now')));
        INSERT INTO parent VALUES (1, 1), (2, 99), (3, NULL);
        INSERT INTO child VALUES (1, 1, 'x'), (2, 77, 'orphan');
        """),
    OddTable(
      name: "branch", about: "a table that refers to itself, parents behind their children",
      sql: """
        CREATE TABLE branch (id INTEGER PRIMARY KEY, above INT REFERENCES branch ON DELETE CASCADE, name TEXT);
        INSERT INTO branch VALUES (1, 3, 'leaf'), (2, 2, 'its own parent'), (3, NULL, 'root'), (4, 0, 'orphan');
        """),
    OddTable(
      name: "stray", about: "foreign keys to a table and a column that are not there",
      sql: """
        CREATE TABLE stray (id INTEGER PRIMARY KEY, a INT REFERENCES nowhere (id), b INT REFERENCES parent (missing));
        INSERT INTO stray VALUES (1, 1, 1);
        """),
  ]

  // MARK: - What SQLite and its modules keep

  private static let books: [OddTable] = [
    OddTable(
      name: "counted_memory", about: "sqlite_sequence past the highest id, and without a line",
      sql: """
        CREATE TABLE counted_memory (id INTEGER PRIMARY KEY AUTOINCREMENT, content TEXT);
        INSERT INTO counted_memory (content) VALUES ('a'), ('b');
        UPDATE sqlite_sequence SET seq = 77 WHERE name = 'counted_memory';
        CREATE TABLE zz_uncounted_memory (id INTEGER PRIMARY KEY AUTOINCREMENT, content TEXT);
        INSERT INTO zz_uncounted_memory (content) VALUES ('a'), ('b');
        DELETE FROM sqlite_sequence WHERE name = 'zz_uncounted_memory';
        """),
    OddTable(
      name: "notes_search", about: "full-text indexes with and without content of their own",
      sql: """
        CREATE VIRTUAL TABLE memory_search USING fts5(content, content='counted_memory', content_rowid='id');
        CREATE VIRTUAL TABLE notes_search USING fts5(body, tag);
        INSERT INTO notes_search VALUES ('the quick brown fox', 'a'), ('jumps over', 'b');
        """),
    OddTable(
      name: "boxes", about: "an R-tree",
      sql: """
        CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1, y0, y1);
        INSERT INTO boxes VALUES (1, 0, 1, 0, 1), (2, -5, 5, -5, 5);
        """),
  ]
}
