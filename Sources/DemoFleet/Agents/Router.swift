// orchestration/router/agent_database.db: guide 4's routers and workers, in a UTF-16 file.

extension LegacyShape {
  /// Text is stored as UTF-16 here, which no reader of bytes sees through.
  static var router: LegacyShape {
    LegacyShape(
      path: "orchestration/router/agent_database.db",
      about: "guide 4: workers, in UTF-16",
      pragmas: "PRAGMA encoding = 'UTF-16le';",
      sql: #"""
        CREATE TABLE routers (
          router_id VARCHAR(32) PRIMARY KEY, status VARCHAR(50) NOT NULL, metadata JSON, schema_version INTEGER DEFAULT 1,
          created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
        CREATE TABLE workers (
          worker_id VARCHAR(32) PRIMARY KEY, router_id VARCHAR(32) REFERENCES routers (router_id), task_status VARCHAR(50) NOT NULL,
          tools JSON, querying_structured_data BOOLEAN DEFAULT FALSE);
        CREATE TABLE worker_memory (
          memory_id VARCHAR(32) PRIMARY KEY, worker_id VARCHAR(32) REFERENCES workers (worker_id), memory JSON,
          created_at TIMESTAMP);
        CREATE TABLE worker_executions (
          id INTEGER PRIMARY KEY, worker_id VARCHAR(32), task_name TEXT, status TEXT, error_message TEXT, started_at TIMESTAMP,
          duration REAL);

        INSERT INTO routers VALUES ('r1', 'completed', '{"timeout_seconds": 300}', 2, '2024-06-01 00:00:00'), ('r2', 'failed', NULL, 1, '2024-06-02 00:00:00');
        INSERT INTO workers VALUES ('w1', 'r1', 'done', '["sql", "plot"]', 1), ('w2', 'r1', 'done', '[]', 0), ('w3', 'r2', 'failed', NULL, 0);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 15)
        INSERT INTO worker_memory SELECT
          printf('wm-%02d', i), printf('w%d', i % 3 + 1),
          CASE i % 3 WHEN 0 THEN printf('{"variables": ["Ünïcode %d", "🦊"]}', i) WHEN 1 THEN printf('Größe %d', i) END,
          datetime('2024-06-01 01:00:00', printf('+%d minutes', i))
        FROM n;
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9)
        INSERT INTO worker_executions SELECT
          i, printf('w%d', i % 3 + 1), 'query', CASE i % 3 WHEN 2 THEN 'failed' ELSE 'done' END,
          CASE i % 3 WHEN 2 THEN 'no such column: größe' END, datetime('2024-06-01 02:00:00', printf('+%d minutes', i)), i * 0.75
        FROM n;
        """#,
      memories: "SELECT 'orchestration_router', '', memory_id, 0 FROM worker_memory")
  }
}
