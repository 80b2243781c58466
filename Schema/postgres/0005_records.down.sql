ALTER TABLE agent_tools
  DROP COLUMN last_used_at,
  DROP COLUMN timed_ms,
  DROP COLUMN timed_count,
  DROP COLUMN failure_count,
  DROP COLUMN success_count;
