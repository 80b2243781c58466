DROP TABLE agent_import_rejects;
DROP TABLE agent_imports;
DROP TABLE agent_import_sources;
DROP TABLE agent_import_files;
