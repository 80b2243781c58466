DROP TABLE agentbase_executions;
DROP TABLE agentbase_metrics;
DROP TABLE agentbase_tools;
DROP TABLE agentbase_memories;
