DROP TABLE agentbase_set_aside;
DROP TABLE agentbase_restored;
DROP TABLE agentbase_followed;
