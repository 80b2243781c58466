DROP TABLE agentbase_carried;
DROP TABLE agentbase_differences;
DROP TABLE agentbase_outbox;
DROP TABLE agentbase_cutover;
