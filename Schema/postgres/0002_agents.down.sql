DROP FUNCTION agentbase_lighten(text);
DROP FUNCTION agentbase_complete(text);
DROP FUNCTION agentbase_adopt_vector();
DROP TABLE agent_executions;
DROP TABLE agent_metrics;
DROP TABLE agent_tools;
DROP TABLE agent_memories;
DROP TABLE agents;
