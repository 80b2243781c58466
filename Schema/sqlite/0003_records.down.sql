ALTER TABLE agentbase_tools DROP COLUMN last_used_at;
ALTER TABLE agentbase_tools DROP COLUMN timed_ms;
ALTER TABLE agentbase_tools DROP COLUMN timed_count;
ALTER TABLE agentbase_tools DROP COLUMN failure_count;
ALTER TABLE agentbase_tools DROP COLUMN success_count;
