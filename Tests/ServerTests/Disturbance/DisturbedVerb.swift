// The verbs that the harness disturbs: how each is started, and what its target is compared by.

import Foundation
import SQLite
import TestSupport

/// A verb of the command that moves legacy files into Postgres.
struct DisturbedVerb: Sendable {
  let name: String
  /// The files that it moves, below the scene's folder, and the script that makes each.
  let files: [(path: String, sql: String)]
  /// What other processes go on doing to each file; `?1` is a number that was never used before.
  let writes: [String]
  /// What they may do besides where the verb is told to bring changed rows up to date.
  let changes: [String]
  /// What is there in the target before the first run.
  let target: String
  /// The words of a run, but for its target.
  let words: [String]
  /// The words that bring changed rows up to date.
  let updating: [String]
  /// The words of a run that commits so many rows together.
  let batch: @Sendable (Int) -> [String]
  /// The words that compare source and target; nil where the verb has no such other.
  let verifying: [String]?
  /// The table that gets a line with each commit.
  let ledger: String
  /// What a table's rows are compared by, where that is not the rows themselves.
  let account: [String: String]
  /// Columns that tell when and by which run something was written, and what a run may not rely on after one that was cut off, by
  /// table.
  let times: [String: [String]]
}

extension DisturbedVerb {
  /// `agentbase import` of three agents' files.
  static let importing = DisturbedVerb(
    name: "import",
    files: ["a", "b", "c"].map { ("agents/\($0)/x.db", legacyFile) },
    writes: [
      "INSERT INTO memory (key, value, created_at) VALUES ('new ' || ?1, 'value ' || ?1, '2024-02-01 00:00:00')",
      "INSERT INTO metrics VALUES ('m' || (?1 % 7), ?1 / 3.0, 'at ' || ?1)",
      "INSERT INTO notes VALUES ('note ' || ?1)",
      "INSERT INTO search VALUES ('text ' || ?1)",
      "INSERT INTO memory (key, value) VALUES (printf('%.10000c', 'k') || ?1, 'a key that is too long')",
    ],
    changes: [
      "UPDATE memory SET value = 'changed ' || ?1 WHERE id = 1 + ?1 % 4000",
      "UPDATE memory SET key = CASE ?1 % 2 WHEN 0 THEN printf('%.10000c', 'k') ELSE 'key' END WHERE id = 1 + ?1 % 50",
      "UPDATE metrics SET value = ?1 WHERE metric_name = 'm' AND timestamp = 't' || (1 + ?1 % 2000)",
    ],
    target: "",
    words: ["import", "--agents-path", "agents"],
    updating: ["--on-conflict", "update"],
    batch: { ["--batch-size", String($0)] },
    verifying: ["verify", "--agents-path", "agents"],
    ledger: "agent_imports",
    account: [
      "agent_imports": """
      SELECT agent_id, source_id, sum(rows_read) AS read, sum(rows_loaded + rows_there) AS held,
        sum(rows_rejected) AS rejected FROM agent_imports GROUP BY agent_id, source_id
      """
    ],
    times: [
      "agents": ["created_at", "updated_at"], "agent_import_files": ["imported_at"],
      "agent_import_sources": ["proof", "target_was_empty"],
      "agent_import_rejects": ["run_id", "created_at"],
      "agent_import_deletions": ["deleted_at"],
      "agentbase_schema_versions": ["applied_at", "duration_ms"],
      "agentbase_schema_audit": ["id", "started_at", "finished_at", "duration_ms"],
    ])

  /// Three of them are large enough that a first import does without indexes until its rows are there.
  private static let legacyFile = """
    PRAGMA journal_mode = WAL;
    CREATE TABLE memory (id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT, value TEXT, created_at TEXT);
    CREATE TABLE metrics (metric_name TEXT, value REAL, timestamp TEXT, PRIMARY KEY (metric_name, timestamp)) WITHOUT ROWID;
    CREATE TABLE notes (body TEXT PRIMARY KEY);
    CREATE VIRTUAL TABLE search USING fts5(body);
    BEGIN;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)
      INSERT INTO memory SELECT i, 'key' || (i % 100), printf('value %d, %.250c', i, '.'), '2024-01-15 10:30:00' FROM n;
    INSERT INTO metrics SELECT 'm', id / 7.0, 't' || id FROM memory WHERE id <= 2000;
    INSERT INTO notes SELECT value FROM memory WHERE id <= 1000;
    INSERT INTO search SELECT value FROM memory WHERE id <= 50;
    INSERT INTO memory VALUES (5000, printf('%.10000c', 'k'), 'a key that is too long', NULL);
    COMMIT;
    """

  /// `agentbase copy` of one database: tables with and without keys that it makes, and one that is there and wants less than the
  /// file holds.
  static let copying = DisturbedVerb(
    name: "copy",
    files: [("app.db", wholeDatabase)],
    writes: [
      "INSERT INTO users (name, email, created_at) VALUES ('new ' || ?1, 'user' || ?1, '2024-02-01 00:00:00')",
      "INSERT INTO posts (user_id, body, score) VALUES (1 + ?1 % 1000, 'text ' || ?1, ?1 / 3.0)",
      "INSERT INTO tags VALUES (1 + ?1 % 3000, 'tag ' || ?1)",
      "INSERT INTO log VALUES ('the same', nullif(?1, ?1))",
      "INSERT INTO search VALUES ('text ' || ?1)",
      "INSERT INTO prices VALUES (NULL, 'thing ' || ?1, ?1 / 7.0)",
      "INSERT INTO prices VALUES (NULL, 'much too much', 1e12 + ?1)",
    ],
    changes: [
      "UPDATE users SET name = 'changed ' || ?1 WHERE id = 1 + ?1 % 1000",
      "UPDATE posts SET score = ?1 WHERE id = 1 + ?1 % 3000",
    ],
    target: """
      CREATE TABLE prices (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, name varchar(20) NOT NULL,
        price double precision CHECK (price < 1e9))
      """,
    words: ["copy", "--sqlite", "app.db"],
    updating: ["--on-conflict", "update"],
    batch: { ["--batch-size", String($0)] },
    verifying: nil,
    ledger: "agent_imports",
    account: importing.account,
    times: importing.times)

  private static let wholeDatabase = """
    PRAGMA journal_mode = WAL;
    CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, email TEXT UNIQUE, created_at DATETIME);
    CREATE TABLE posts (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users (id), body TEXT, score REAL);
    CREATE INDEX posts_by_user ON posts (user_id, score DESC);
    CREATE TABLE tags (post_id INT REFERENCES posts (id), tag TEXT, PRIMARY KEY (post_id, tag)) WITHOUT ROWID;
    CREATE TABLE log (line TEXT, at TEXT);
    CREATE TABLE prices (id INTEGER PRIMARY KEY, name TEXT, price REAL);
    CREATE VIRTUAL TABLE search USING fts5(body);
    CREATE VIEW best AS SELECT * FROM posts WHERE score > 100;
    BEGIN;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
      INSERT INTO posts SELECT i, 1 + i % 1000, printf('post %d, %.300c', i, '.'), i / 7.0 FROM n;
    INSERT INTO users SELECT id, 'name ' || id, id || '@example.org', '2024-01-15 10:30:00' FROM posts WHERE id <= 1000;
    INSERT INTO tags SELECT id, 'tag ' || (id % 7) FROM posts;
    INSERT INTO log SELECT 'line ' || (id % 10), NULL FROM posts;
    INSERT INTO prices SELECT id, 'thing ' || id, id / 3.0 FROM posts WHERE id <= 500;
    INSERT INTO prices VALUES (600, 'a name of more than twenty letters', 1), (601, NULL, 2), (602, 'too much', 1e10);
    COMMIT;
    """
}
