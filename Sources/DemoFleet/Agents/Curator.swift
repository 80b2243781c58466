// archive/curator/memories, a file without an extension: every odd value that SQLite can hold, and every odd table.

import SQLite

extension LegacyShape {
  /// No declared types, blobs in TEXT columns, text that is no UTF-8, keys of two columns, no key at all, an empty table.
  static var curator: LegacyShape {
    LegacyShape(
      path: "archive/curator/memories",
      about: "no extension, every odd value",
      sql: #"""
        CREATE TABLE memories (id INTEGER PRIMARY KEY, key, value, note TEXT, updated_at INTEGER);
        CREATE TABLE fact_memory (
          subject TEXT COLLATE NOCASE, predicate TEXT, value, updated_at TEXT, PRIMARY KEY (subject, predicate)
        ) WITHOUT ROWID;
        CREATE TABLE scratch_memory (content TEXT, created TEXT);
        CREATE TABLE empty_memory (key TEXT PRIMARY KEY, value TEXT);
        CREATE TABLE metrics (name TEXT, value, unit TEXT);
        CREATE TABLE "tool ""box""" (id INTEGER PRIMARY KEY DESC, name TEXT, "order" BLOB, active);
        CREATE TABLE settings (name TEXT PRIMARY KEY, value);
        CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT COLLATE NOCASE UNIQUE, created_at TEXT DEFAULT (datetime('now')));

        INSERT INTO fact_memory VALUES
          ('Sky', 'colour', 'blue', '2023-06-01'), ('Sky', 'height', 100000, '2023-06-02'),
          ('Sea', 'colour', '{"deep": "blue", "shallow": "green"}', '2023-06-03'),
          ('🦊', 'says', NULL, '2023-06-04'), ('"quoted"', 'back\slash', x'00ff', '2023-06-05');
        INSERT INTO scratch_memory (rowid, content, created) VALUES
          (-5, 'below zero', '2023-07-01'), (0, 'zero', '2023-07-01'),
          (1001, 'the same', '2023-07-01'), (1002, 'the same', '2023-07-01'), (1003, NULL, NULL),
          (9223372036854775807, 'the last', '2023-07-01');
        INSERT INTO "tool ""box""" VALUES (3, 'hammer', x'', 'f'), (1, 'nail', NULL, 2), (2, 'saw', 'text', -1);
        INSERT INTO settings VALUES ('theme', 'dark'), ('volume', 11), ('ratio', 0.30000000000000004), ('blob', x'00'), (NULL, NULL), (NULL, 'second NULL key');
        INSERT INTO users (id, email, created_at) VALUES
          (1, 'Ada@example.org', '2023-01-01 00:00:00'), (2, 'bob@example.org', 'now'), (40, NULL, '0000-00-00');
        """#,
      rows: { connection in
        for (place, (key, value)) in oddValues.enumerated() {
          try connection.execute(
            "INSERT INTO memories (key, value, note, updated_at) VALUES (?, ?, ?, ?)",
            [key, value, place % 3 == 0 ? value : .null, .integer(1_690_000_000 + Int64(place))])
        }
        for (name, value) in oddMeasures {
          try connection.execute("INSERT INTO metrics VALUES (?, ?, NULL)", [name, value])
        }
        try connection.executeScript("ANALYZE")
      },
      memories: """
        SELECT 'archive_curator', '', CAST(key AS TEXT), 0 FROM memories
        UNION ALL SELECT 'archive_curator', '', '[' || json_quote(subject) || ', ' || json_quote(predicate) || ']', 0
          FROM fact_memory
        UNION ALL SELECT 'archive_curator', '', CAST(rowid AS TEXT), 0 FROM scratch_memory
        """)
  }

  private static var oddValues: [(key: SQLiteValue, value: SQLiteValue)] {
    [
      ("null", .null), ("empty text", ""), ("empty blob", .blob([])), ("blob", .blob([0, 1, 0xFE, 0xFF])),
      ("blob of text", .blob(Array("looks like text".utf8))),
      ("text with a NUL", "before\0after"), ("only a NUL", "\0"),
      ("invalid UTF-8", .malformedText([0x61, 0xFF, 0xC3, 0x28, 0x62])),
      ("surrogate bytes", .malformedText([0xED, 0xA0, 0xBD])),
      ("invalid with a NUL", .malformedText([0xC0, 0x80, 0x00, 0x61])),
      ("replacement character", "\u{FFFD}"), ("non-character", "\u{FFFE}\u{FFFF}"), ("BOM", "\u{FEFF}text"),
      ("controls", "\u{1}\u{8}\t\n\r\u{1F}\u{7F}\u{85}\u{2028}"), ("copy's end", "\\."),
      ("copy's NULL", "\\N"),
      ("emoji", "👩‍👩‍👧‍👦🏳️‍🌈🦊"), ("right to left", "שלום \u{202E}abc"),
      ("long", .text(String(repeating: "0123456789abcdef", count: 1250))),
      ("minus zero", .real(-0.0)), ("zero", .real(0)), ("infinity", .real(.infinity)),
      ("minus infinity", .real(-.infinity)), ("NaN as text", "NaN"),
      ("five, real", .real(5)), ("five, integer", .integer(5)), ("five, text", "5"),
      ("17 digits", .real(0.1 + 0.2)), ("smallest", .real(.leastNonzeroMagnitude)),
      ("largest", .real(1.797_693_134_862_315_7e308)),
      ("1e300", .real(1e300)), ("2^53 + 1", .integer(9_007_199_254_740_993)), ("2^63, real", .real(0x1p63)),
      ("2^63 - 1", .integer(.max)), ("-2^63", .integer(.min)), ("minus one", .integer(-1)),
      ("JSON with duplicate names", #"{"a": 1, "a": 2}"#), ("JSON with a NUL", #""a\u0000b""#),
      ("JSON with a lone surrogate", #""\ud83d""#), ("JSON too large", "1e400"),
      ("JSON cut off", #"{"a": [1, 2"#),
      ("JSON number with a long tail", "0.1000000000000000055511151231257827"),
      ("JSON with spaces", " [ 1 , 2 ] "),
      (.integer(42), "a key that is an INTEGER"), (.real(1.5), "a key that is a REAL"),
    ]
  }

  private static var oddMeasures: [(name: SQLiteValue, value: SQLiteValue)] {
    [
      ("infinity", .real(.infinity)), ("minus zero", .real(-0.0)), ("text", "fast"),
      ("number as text", "1e3"),
      ("null", .null), ("blob", .blob([1])), ("huge", .integer(.max)), (.null, .real(1)),
      ("tiny", .real(.leastNonzeroMagnitude)),
    ]
  }
}
