// support/chatbot/conversation.db: namespaces, keys that occur more than once, and a write-ahead log that was never merged.

extension LegacyShape {
  /// What a reader without the log would miss: 21 memories, among them the newest value of several keys.
  static var chatbot: LegacyShape {
    LegacyShape(
      path: "support/chatbot/conversation.db",
      about: "a log that was never merged",
      sql: #"""
        CREATE TABLE conversation_memory (
          id INTEGER PRIMARY KEY, namespace TEXT, key TEXT, value TEXT, created_at DATETIME, expires_at DATETIME);
        CREATE TABLE tool_metrics (id INTEGER PRIMARY KEY, name TEXT, duration_ms INTEGER, ts INTEGER);
        CREATE INDEX idx_conversation ON conversation_memory (namespace, key);

        INSERT INTO conversation_memory (namespace, key, value, created_at) VALUES
          ('user:1', 'name', '"Sam"', '2024-03-01 09:00:00'),
          ('user:1', 'name', '"Samuel"', '2024-03-02 09:00:00'),
          ('user:2', 'name', '"Kim"', '2024-03-01 09:05:00'),
          ('', 'greeting', 'Hello!', '2024-03-01 08:00:00'),
          (NULL, 'farewell', 'Bye.', '2024-03-01 08:00:01'),
          -- The newest is not the last.
          ('user:1', 'mood', '"angry"', '2024-03-05 10:00:00'),
          ('user:1', 'mood', '"calm"', '2024-03-04 10:00:00'),
          -- The same moment twice: the later row is the newer.
          ('user:2', 'mood', '"first"', '2024-03-05 10:00:00'),
          ('user:2', 'mood', '"second"', '2024-03-05 10:00:00'),
          -- 12:30 in Berlin is before noon in Greenwich, whatever the text sorts like.
          ('user:3', 'seen', '"at noon"', '2024-03-06 12:00:00'),
          ('user:3', 'seen', '"in Berlin"', '2024-03-06T12:30:00+01:00'),
          -- No time is older than any.
          ('user:3', 'step', '"timed"', '2024-03-06 12:00:00'),
          ('user:3', 'step', '"untimed"', NULL),
          -- A key that is empty: the primary key stands for it.
          ('user:3', '', '"nameless"', '2024-03-07 12:00:00');
        INSERT INTO conversation_memory (namespace, key, value, created_at, expires_at) VALUES
          ('session', 'token', '{"cart": [3, 4]}', '2024-03-07 12:00:00', '2024-03-07 13:00:00'),
          ('session', 'consent', '{"mail": true}', '2024-03-07 12:00:00', '2199-01-01 00:00:00');

        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
        INSERT INTO conversation_memory (namespace, key, value, created_at) SELECT
          printf('user:%d', i % 4), printf('turn:%d', i / 8), printf('{"role": "user", "text": "message %d"}', i),
          datetime('2024-03-08 09:00:00', printf('+%d minutes', i))
        FROM n;
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20)
        INSERT INTO tool_metrics (name, duration_ms, ts) SELECT 'reply', i * 11, 1709888400 + i * 60 FROM n;
        """#,
      leftInLog: #"""
        WITH RECURSIVE n(i) AS (SELECT 41 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
        INSERT INTO conversation_memory (namespace, key, value, created_at) SELECT
          printf('user:%d', i % 4), printf('turn:%d', i / 8), printf('{"role": "user", "text": "message %d"}', i),
          datetime('2024-03-08 09:00:00', printf('+%d minutes', i))
        FROM n;
        INSERT INTO conversation_memory (namespace, key, value, created_at) VALUES
          ('user:2', 'name', '"Kimberly"', '2024-03-09 09:00:00');
        UPDATE tool_metrics SET duration_ms = duration_ms + 1 WHERE id % 2 = 0;
        """#,
      memories: """
        SELECT 'support_chatbot', coalesce(namespace, ''), CASE key WHEN '' THEN CAST(id AS TEXT) ELSE key END,
          expires_at < '2025-01-01'
        FROM conversation_memory
        """)
  }
}
