// operational/crawler/memory.db: the file of guide 1, with everything that its agent built around the four tables.

extension LegacyShape {
  /// The first memory is the record that guide 1 prints under "Data Transformation".
  ///
  /// The trigger counts, so whoever writes the rows back with the trigger in place gets other counts; ids have gaps, and
  /// the sequence stands past the highest.
  static var crawler: LegacyShape {
    LegacyShape(
      path: "operational/crawler/memory.db",
      about: "guide 1: a view and a trigger",
      sql: #"""
        CREATE TABLE memory (id INTEGER PRIMARY KEY AUTOINCREMENT, content TEXT NOT NULL, timestamp TEXT);
        CREATE TABLE tools (
          id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, description TEXT, config TEXT,
          enabled INTEGER DEFAULT 1, usage_count INTEGER DEFAULT 0, created_at TEXT DEFAULT CURRENT_TIMESTAMP);
        CREATE TABLE metrics (
          id INTEGER PRIMARY KEY AUTOINCREMENT, metric_name TEXT, value REAL, unit TEXT, timestamp TEXT);
        CREATE TABLE execution_log (
          id INTEGER PRIMARY KEY AUTOINCREMENT, task TEXT, status TEXT, result TEXT, error TEXT,
          started_at TEXT, finished_at TEXT, duration_ms REAL);
        CREATE INDEX idx_memory_timestamp ON memory (timestamp DESC);
        CREATE INDEX idx_failed ON execution_log (started_at) WHERE status = 'failed';
        CREATE INDEX idx_tool_word ON tools (lower(name));
        CREATE VIEW recent_memory AS SELECT id, content FROM memory ORDER BY timestamp DESC LIMIT 10;

        INSERT INTO memory (content, timestamp) VALUES ('User query about pricing', '2024-01-15 10:30:00');
        INSERT INTO tools (name, description, config, enabled, created_at) VALUES
          ('remember', 'Writes a line to memory', '{"table": "memory"}', 1, '2024-01-02 08:00:00'),
          ('fetch', 'Gets a page', '{"timeout_seconds": 30, "retries": 2}', 1, '2024-01-02 08:00:00'),
          ('screenshot', 'Renders a page', '{"width": 1280, "height": 800}', 0, '2024-02-10 09:15:00'),
          ('robots.txt', 'What may be fetched', NULL, 1, '2024-02-11 09:15:00');
        CREATE TRIGGER count_use AFTER INSERT ON memory BEGIN
          UPDATE tools SET usage_count = usage_count + 1 WHERE name = 'remember';
        END;

        WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 44)
        INSERT INTO memory (content, timestamp) SELECT
          CASE i % 4
            WHEN 0 THEN printf('{"url": "https://shop.example/p/%d", "status": %d, "bytes": %d}', i, 200 + i % 2 * 204, i * 7919)
            WHEN 1 THEN printf('Page %d says: "Prices from €%d.90"', i, i * 3)
            WHEN 2 THEN printf('["sitemap", %d, %s]', i, CASE WHEN i % 3 = 0 THEN 'true' ELSE 'null' END)
            ELSE printf('Visited %d links' || char(10) || char(9) || 'of them new: %d', i * 5, i)
          END,
          datetime('2024-01-15 10:30:00', printf('+%d minutes', i * 37))
        FROM n;
        DELETE FROM memory WHERE id IN (7, 19, 43, 44);

        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
        INSERT INTO metrics (metric_name, value, unit, timestamp) SELECT
          CASE i % 3 WHEN 0 THEN 'pages_per_minute' WHEN 1 THEN 'latency' ELSE 'error_rate' END,
          CASE i % 3 WHEN 0 THEN i WHEN 1 THEN i * 12.25 + 0.1 ELSE i / 97.0 END,
          CASE i % 3 WHEN 1 THEN 'ms' END,
          datetime('2024-01-15 11:00:00', printf('+%d minutes', i * 5))
        FROM n;

        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 25)
        INSERT INTO execution_log (task, status, result, error, started_at, finished_at, duration_ms) SELECT
          CASE i % 2 WHEN 0 THEN 'crawl' ELSE 'summarise' END,
          CASE WHEN i = 25 THEN 'running' WHEN i % 5 = 0 THEN 'failed' ELSE 'completed' END,
          CASE WHEN i % 5 > 0 THEN printf('{"pages": %d}', i) END,
          CASE WHEN i < 25 AND i % 5 = 0 THEN 'HTTP 503 from shop.example' END,
          datetime('2024-01-16 02:00:00', printf('+%d minutes', i * 10)),
          CASE WHEN i < 25 THEN datetime('2024-01-16 02:00:00', printf('+%d seconds', i * 600 + i * 3)) END,
          CASE WHEN i < 25 THEN i * 3000.0 END
        FROM n;
        PRAGMA user_version = 7;
        """#,
      memories: "SELECT 'operational_crawler', '', CAST(id AS TEXT), 0 FROM memory")
  }
}
