// planning/ideas/bot.db: guide 3's application, which has no memories at all.

extension LegacyShape {
  /// Users, ideas and analyses, with foreign keys: an import names them, and they come back with a rollback.
  static var ideas: LegacyShape {
    LegacyShape(
      path: "planning/ideas/bot.db",
      about: "guide 3: no memories at all",
      sql: #"""
        CREATE TABLE users (id INTEGER NOT NULL, telegram_id VARCHAR(64), username VARCHAR, PRIMARY KEY (id));
        CREATE TABLE ideas (
          id INTEGER NOT NULL, user_id INTEGER, text TEXT, mode VARCHAR(10), created_at DATETIME, PRIMARY KEY (id),
          FOREIGN KEY (user_id) REFERENCES users (id));
        CREATE TABLE analyses (
          id INTEGER NOT NULL, idea_id INTEGER, status VARCHAR(9), result JSON, is_public BOOLEAN, PRIMARY KEY (id),
          FOREIGN KEY (idea_id) REFERENCES ideas (id), CHECK (is_public IN (0, 1)));
        CREATE INDEX ix_users_id ON users (id);

        INSERT INTO users VALUES (1, '99001', 'ada'), (2, '99002', NULL);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10)
        INSERT INTO ideas SELECT i, i % 2 + 1, printf('Idea %d', i), 'EVALUATION', printf('2024-04-%02d 10:00:00.000000', i) FROM n;
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10)
        INSERT INTO analyses SELECT i, i, CASE i % 2 WHEN 0 THEN 'COMPLETED' ELSE 'QUEUED' END, printf('{"score": %d}', i), i % 2 FROM n;
        """#,
      memories: nil)
  }
}
