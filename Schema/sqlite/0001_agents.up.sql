-- What agents keep in SQLite, beside the legacy tables of the same file: the same meaning as Postgres' agent_* tables.
--
-- The importer reads these tables as it reads legacy ones, so their columns have names that it knows. Text of JSON is in
-- content, metadata, configuration, input and output; embeddings are float32, little-endian; times are RFC 3339, UTC, with
-- microseconds, so that they sort as text and are never taken for local ones.

CREATE TABLE agentbase_memories (
  id         INTEGER PRIMARY KEY,
  agent_id   TEXT NOT NULL,
  namespace  TEXT NOT NULL,
  key        TEXT NOT NULL,
  content    TEXT NOT NULL,
  metadata   TEXT NOT NULL,
  embedding  BLOB,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  expires_at TEXT,
  UNIQUE (agent_id, namespace, key)
);

CREATE TABLE agentbase_tools (
  id            INTEGER PRIMARY KEY,
  agent_id      TEXT NOT NULL,
  name          TEXT NOT NULL,
  description   TEXT,
  configuration TEXT NOT NULL,
  metadata      TEXT NOT NULL,
  is_enabled    INTEGER NOT NULL,
  usage_count   INTEGER NOT NULL,
  created_at    TEXT NOT NULL,
  updated_at    TEXT NOT NULL,
  UNIQUE (agent_id, name)
);

CREATE TABLE agentbase_metrics (
  id          INTEGER PRIMARY KEY,
  agent_id    TEXT NOT NULL,
  metric_name TEXT NOT NULL,
  value       REAL NOT NULL,
  unit        TEXT,
  metadata    TEXT NOT NULL,
  timestamp   TEXT NOT NULL
);

CREATE INDEX agentbase_metrics_by_time ON agentbase_metrics (agent_id, timestamp);

CREATE TABLE agentbase_executions (
  id            INTEGER PRIMARY KEY,
  execution_id  TEXT NOT NULL UNIQUE,
  agent_id      TEXT NOT NULL,
  task_type     TEXT NOT NULL,
  status        TEXT NOT NULL,
  input         TEXT,
  output        TEXT,
  error_message TEXT,
  started_at    TEXT NOT NULL,
  completed_at  TEXT,
  duration_ms   REAL,
  metadata      TEXT NOT NULL,
  created_at    TEXT NOT NULL
);

CREATE INDEX agentbase_executions_by_time ON agentbase_executions (agent_id, started_at);
