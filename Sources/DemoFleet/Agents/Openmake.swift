// assistants/openmake/unified.db: part of guide 2's tables, of which two hold memories by their names.

extension LegacyShape {
  /// A memory's value beside its category and its uses; tags in a table that refers to it and has no value column.
  static var openmake: LegacyShape {
    LegacyShape(
      path: "assistants/openmake/unified.db",
      about: "guide 2: memories, tags, users",
      sql: #"""
        CREATE TABLE users (
          id TEXT PRIMARY KEY, username TEXT UNIQUE NOT NULL, is_active INTEGER DEFAULT 1, last_login DATETIME);
        CREATE TABLE user_memories (
          id TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE, category TEXT, key TEXT NOT NULL,
          value TEXT NOT NULL, importance REAL DEFAULT 0.5, access_count INTEGER DEFAULT 0, last_accessed DATETIME,
          created_at DATETIME DEFAULT CURRENT_TIMESTAMP, updated_at DATETIME, expires_at DATETIME);
        CREATE TABLE memory_tags (
          id INTEGER PRIMARY KEY AUTOINCREMENT, memory_id TEXT NOT NULL REFERENCES user_memories (id), tag TEXT NOT NULL);
        CREATE TABLE agent_usage_logs (
          id INTEGER PRIMARY KEY AUTOINCREMENT, user_id TEXT, agent_id TEXT, success INTEGER, created_at DATETIME);

        INSERT INTO users VALUES ('u1', 'ada', 1, '2024-05-01T10:00:00Z'), ('u2', 'bob', 0, NULL);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 24)
        INSERT INTO user_memories SELECT
          printf('m-%03d', i), CASE i % 2 WHEN 0 THEN 'u1' ELSE 'u2' END, CASE i % 3 WHEN 0 THEN 'preference' ELSE 'fact' END,
          printf('fact:%d', i / 2), printf('Value %d', i), i / 24.0, i % 7, NULL,
          datetime('2024-05-01 08:00:00', printf('+%d hours', i)),
          datetime('2024-05-02 08:00:00', printf('+%d hours', i)), NULL
        FROM n;
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12)
        INSERT INTO memory_tags (memory_id, tag) SELECT printf('m-%03d', i), CASE i % 2 WHEN 0 THEN 'work' ELSE 'home' END FROM n;
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10)
        INSERT INTO agent_usage_logs (user_id, agent_id, success, created_at)
          SELECT 'u1', 'summariser', i % 2, datetime('2024-05-03', printf('+%d hours', i)) FROM n;
        """#,
      memories: """
        SELECT 'assistants_openmake', '', key, 0 FROM user_memories
        UNION ALL SELECT 'assistants_openmake', '', CAST(id AS TEXT), 0 FROM memory_tags
        """)
  }
}
