// research/analyst/agent.sqlite: keys of its own, JSON values, embeddings, epoch milliseconds.

import SQLite

extension LegacyShape {
  /// Values that are JSON of every type, and text that only looks like it; keys of two spellings of the same word, which
  /// are two keys.
  static var analyst: LegacyShape {
    LegacyShape(
      path: "research/analyst/agent.sqlite",
      about: "own keys, JSON, embeddings",
      pragmas: "PRAGMA application_id = 1095193668;",
      sql: #"""
        CREATE TABLE agent_memory (
          key TEXT PRIMARY KEY, value TEXT, metadata TEXT, embedding BLOB, created_at INTEGER, updated_at INTEGER);
        CREATE TABLE tool_registry (
          tool_name TEXT PRIMARY KEY, description TEXT, parameters TEXT, is_active BOOLEAN, call_count INTEGER,
          registered_at REAL);
        CREATE TABLE performance (metric TEXT, score REAL, metadata TEXT, recorded_at TEXT);

        INSERT INTO agent_memory (key, value, metadata, created_at, updated_at) VALUES
          ('user:42', '{"theme": "dark", "languages": ["en", "de"], "limits": {"daily": 25}}', '{"source": "chat"}', 1705314600000, 1705401000123),
          ('user:42:name', '"Ada"', '{}', 1705314601000, NULL),
          ('list', '[1, 2.5, "three", null, true, {"four": 4}]', NULL, 1705314602000, NULL),
          ('count', '17', NULL, 1705314603000, NULL),
          ('ratio', '0.1', NULL, 1705314604000, NULL),
          ('exact', '12345678901234567890.000000000000000001', NULL, 1705314605000, NULL),
          ('beyond 2^53', '9007199254740993', NULL, 1705314606000, NULL),
          ('yes', 'true', NULL, 1705314607000, NULL),
          ('nothing', 'null', NULL, 1705314608000, NULL),
          ('plain', 'Quarterly report: revenue up 4 %', '{"confidence": 0.75}', 1705314609000, NULL),
          ('half', '{"unfinished": ', 'not JSON', 1705314610000, NULL),
          ('spaced', '  {"a" : 1 , "a" : 2}  ', NULL, 1705314611000, NULL),
          ('no value', NULL, NULL, 1705314612000, NULL),
          ('empty value', '', NULL, 1705314613000, NULL),
          ('emoji 🦊', '"🦊👩‍🔬 naïve Ωmega 漢字"', '{"tags": ["🦊"]}', 1705314614000, NULL),
          ('50%_off''s "key"\', '"quoted \"twice\" and \\ once"', NULL, 1705314615000, NULL),
          ('caf' || char(233), '"composed"', NULL, 1705314616000, NULL),
          ('cafe' || char(769), '"decomposed"', NULL, 1705314617000, NULL),
          ('owned', '{"a": 1}', '{"source_table": "mine", "migrated_at": "never", "legacy_id": 1}', 1705314618000, NULL);

        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30)
        INSERT INTO agent_memory (key, value, metadata, created_at, updated_at) SELECT
          printf('finding:%04d', i),
          printf('{"title": "Finding %d", "score": %.3f, "sources": [%d, %d]}', i, i / 31.0, i, i * i),
          CASE i % 3 WHEN 0 THEN printf('{"round": %d}', i) END,
          1705314700000 + i * 1000, 1705314700000 + i * 2500
        FROM n;

        INSERT INTO tool_registry VALUES
          ('web_search', 'Looks things up', '{"engine": "any", "k": 10}', 1, 311, 1704067200.5),
          ('python', 'Runs code', '{"timeout": 60}', 1, 48, 1704067201.25),
          ('ocr', NULL, '', 0, 0, 1704067202);

        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30)
        INSERT INTO performance SELECT
          CASE i % 2 WHEN 0 THEN 'precision' ELSE 'recall' END, i / 30.0, printf('{"batch": %d}', i / 10),
          strftime('%Y-%m-%dT%H:%M:%fZ', 1705320000.125 + i * 60, 'unixepoch')
        FROM n;
        """#,
      rows: { connection in
        for (place, row) in try connection.query("SELECT key FROM agent_memory ORDER BY rowid").enumerated()
        where place % 2 == 0 {
          try connection.execute(
            "UPDATE agent_memory SET embedding = ? WHERE key = ?", [.blob(embedding(place)), row[0]])
        }
        // An embedding as JSON text, as some agents keep it.
        try connection.execute(
          "UPDATE agent_memory SET embedding = '[0.25, -1.5, 3e-5, 0.1]' WHERE key = 'plain'")
      },
      memories: "SELECT 'research_analyst', '', key, 0 FROM agent_memory")
  }

  /// Eight float32, little-endian: the shape in which numpy leaves a vector.
  private static func embedding(_ seed: Int) -> [UInt8] {
    (0..<8).flatMap { place -> [UInt8] in
      let bits = (Float(seed + 1) / Float(place + 3) - 1).bitPattern
      return (0..<4).map { UInt8(truncatingIfNeeded: bits >> (8 * UInt32($0))) }
    }
  }
}
