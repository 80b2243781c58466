DROP TRIGGER agent_memories_history ON agent_memories;
DROP FUNCTION agentbase_keep_history();
DROP TABLE agent_memory_history;
DROP INDEX agent_memories_expiring;
ALTER TABLE agent_memories DROP COLUMN version, DROP COLUMN time_to_live, DROP COLUMN history_limit;
