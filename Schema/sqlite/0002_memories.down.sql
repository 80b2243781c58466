DROP TABLE agentbase_history;
DROP TABLE agentbase_notes;
DROP INDEX agentbase_memories_expiring;
ALTER TABLE agentbase_memories DROP COLUMN time_to_live;
ALTER TABLE agentbase_memories DROP COLUMN version;
