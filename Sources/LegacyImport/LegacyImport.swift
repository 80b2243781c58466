// The importer of legacy SQLite files.
