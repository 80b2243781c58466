// A private Postgres server in a folder of its own.
