DROP FUNCTION agentbase_bury(text);
DROP FUNCTION agentbase_cutover_key(text);
DROP TABLE agent_cutover_deletions;
DROP TABLE agent_cutover;
