// shared/team.db: three agents in one file, told apart by a column; rows of nobody belong to the file's own agent.

extension LegacyShape {
  /// A team's shared file, in guide 5's manner.
  static var team: LegacyShape {
    LegacyShape(
      path: "shared/team.db",
      about: "guide 5: a file of three agents",
      sql: #"""
        CREATE TABLE memories (
          id TEXT PRIMARY KEY, agent_id TEXT, content TEXT, importance REAL DEFAULT 0.5, created_at REAL);
        CREATE TABLE agent_tools (
          agent_id TEXT, name TEXT, description TEXT, enabled TEXT, PRIMARY KEY (agent_id, name));
        CREATE TABLE agent_metrics (
          id INTEGER PRIMARY KEY, agent_id TEXT, metric_name TEXT, metric_value, recorded_at INTEGER);
        CREATE TABLE task_executions (
          id TEXT PRIMARY KEY, agent TEXT, task_description TEXT, success INTEGER, output TEXT, start_time REAL,
          end_time REAL) WITHOUT ROWID;

        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 36)
        INSERT INTO memories SELECT
          printf('%08x-0000-4000-8000-%012x', i * 2654435761 % 4294967296, i),
          CASE i % 4 WHEN 0 THEN 'planner' WHEN 1 THEN 'coder' WHEN 2 THEN 'reviewer' ELSE '' END,
          CASE i % 2 WHEN 0 THEN printf('{"step": %d, "done": %s}', i, CASE WHEN i % 4 = 0 THEN 'true' ELSE 'false' END)
            ELSE printf('Decision %d: keep it simple', i) END,
          i / 36.0, 1706000000.5 + i * 3600.25
        FROM n;
        INSERT INTO agent_tools VALUES
          ('planner', 'split', 'Cuts a task', 'true'), ('coder', 'compile', 'Builds', 'yes'),
          ('coder', 'test', NULL, 'no'), ('reviewer', 'diff', 'Shows changes', '1'), ('', 'calendar', 'Dates', 'off');
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 24)
        INSERT INTO agent_metrics (agent_id, metric_name, metric_value, recorded_at) SELECT
          CASE i % 3 WHEN 0 THEN 'planner' WHEN 1 THEN 'coder' ELSE NULL END, 'tokens',
          CASE i % 4 WHEN 0 THEN printf('%d', i) WHEN 1 THEN i WHEN 2 THEN i + 0.5 ELSE 'n/a' END, 1706000000 + i
        FROM n;
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 16)
        INSERT INTO task_executions SELECT
          printf('task-%02d', i), CASE i % 3 WHEN 0 THEN 'planner' WHEN 1 THEN 'coder' ELSE 'reviewer' END,
          printf('Task %d', i), i % 5 > 0, printf('{"lines": %d}', i * 10), 1706000000 + i * 100.5,
          1706000000 + i * 100.5 + i
        FROM n;
        """#,
      memories: "SELECT CASE agent_id WHEN '' THEN 'shared' ELSE agent_id END, '', id, 0 FROM memories")
  }
}
