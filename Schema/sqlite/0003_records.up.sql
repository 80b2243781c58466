-- What is kept of the uses of a tool, as in Postgres.

ALTER TABLE agentbase_tools ADD COLUMN success_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE agentbase_tools ADD COLUMN failure_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE agentbase_tools ADD COLUMN timed_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE agentbase_tools ADD COLUMN timed_ms REAL NOT NULL DEFAULT 0;
ALTER TABLE agentbase_tools ADD COLUMN last_used_at TEXT;
