DROP TABLE agent_import_deletions;
DROP TABLE agent_import_rows;
