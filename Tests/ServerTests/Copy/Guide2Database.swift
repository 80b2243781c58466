// Guide 2's database: its twenty tables with the columns that it names, in SQLite and as the guide has them made in Postgres.

/// The tables of guide 2. Columns that the guide names have its types; the others are what such tables have.
enum Guide2Database {
  /// A table: its columns in SQLite and in Postgres, and how the values of row `i` are made.
  struct Table {
    let name: String
    let sqlite: String
    let postgres: String
    let values: String
    let rows: Int
  }

  static let tables: [Table] = [
    Table(
      name: "users",
      sqlite:
        "id TEXT PRIMARY KEY, username TEXT NOT NULL UNIQUE, email TEXT, is_active INTEGER DEFAULT 1, last_login DATETIME, created_at DATETIME DEFAULT CURRENT_TIMESTAMP, updated_at DATETIME",
      postgres:
        "id TEXT PRIMARY KEY, username TEXT NOT NULL UNIQUE, email TEXT, is_active BOOLEAN DEFAULT TRUE, last_login TIMESTAMPTZ, created_at TIMESTAMPTZ DEFAULT NOW(), updated_at TIMESTAMPTZ",
      values:
        "'u' || i, 'user' || i, 'u' || i || '@example.org', i % 2, datetime(1700000000 + i * 60, 'unixepoch'), '2024-01-15 10:30:00', NULL",
      rows: 1500),
    Table(
      name: "conversation_sessions",
      sqlite:
        "id TEXT PRIMARY KEY, user_id TEXT REFERENCES users (id), title TEXT, metadata TEXT, created_at DATETIME, updated_at DATETIME",
      postgres:
        "id TEXT PRIMARY KEY, user_id TEXT REFERENCES users (id), title TEXT, metadata JSONB, created_at TIMESTAMPTZ, updated_at TIMESTAMPTZ",
      values:
        "'s' || i, 'u' || (i % 1500 + 1), 'Title ' || i, json_object('model', 'm' || i, 'n', i), '2024-01-15T10:30:00Z', '2024-01-15 10:30:00.123'",
      rows: 2000),
    Table(
      name: "custom_agents",
      sqlite:
        "id TEXT PRIMARY KEY, name TEXT NOT NULL, keywords TEXT, enabled INTEGER, created_by TEXT REFERENCES users (id), created_at DATETIME",
      postgres:
        "id TEXT PRIMARY KEY, name TEXT NOT NULL, keywords JSONB, enabled BOOLEAN, created_by TEXT REFERENCES users (id), created_at TIMESTAMPTZ",
      values:
        "'a' || i, 'Agent ' || i, json_array('k' || i, 'b'), i % 3 = 0, 'u' || i, '2024-01-15 10:30:00+02:00'",
      rows: 300),
    Table(
      name: "conversation_messages",
      sqlite:
        "id INTEGER PRIMARY KEY AUTOINCREMENT, session_id TEXT NOT NULL REFERENCES conversation_sessions (id), role TEXT, content TEXT, tokens INTEGER, created_at DATETIME",
      postgres:
        "id SERIAL PRIMARY KEY, session_id TEXT NOT NULL REFERENCES conversation_sessions (id), role TEXT, content TEXT, tokens INTEGER, created_at TIMESTAMPTZ",
      values:
        "i, 's' || (i % 2000 + 1), 'user', 'Text with \\N, \\. and a tab\t' || i, i, datetime(1700000000 + i, 'unixepoch')",
      rows: 6000),
    Table(
      name: "agent_usage_logs",
      sqlite:
        "id INTEGER PRIMARY KEY AUTOINCREMENT, agent_id TEXT, success INTEGER, latency_ms REAL, timestamp DATETIME",
      postgres:
        "id SERIAL PRIMARY KEY, agent_id TEXT, success BOOLEAN, latency_ms DOUBLE PRECISION, timestamp TIMESTAMPTZ",
      values: "i, 'a' || i, i % 2, i / 7.0, 1700000000 + i", rows: 1000),
    Table(
      name: "agent_feedback",
      sqlite: "id TEXT PRIMARY KEY, agent_id TEXT, rating INTEGER, tags TEXT, created_at DATETIME",
      postgres: "id TEXT PRIMARY KEY, agent_id TEXT, rating SMALLINT, tags JSONB, created_at TIMESTAMPTZ",
      values: "'f' || i, 'a' || i, i % 5, '[]', '2024-01-15'", rows: 500),
    Table(
      name: "audit_logs",
      sqlite: "id INTEGER PRIMARY KEY AUTOINCREMENT, action TEXT, details TEXT, timestamp DATETIME",
      postgres: "id SERIAL PRIMARY KEY, action TEXT, details JSONB, timestamp TIMESTAMPTZ",
      values: "i, 'login', json_object('ip', '10.0.0.' || i % 255), '2024-01-15 10:30:00'", rows: 1000),
    Table(
      name: "alert_history",
      sqlite:
        "id INTEGER PRIMARY KEY AUTOINCREMENT, data TEXT, acknowledged INTEGER, acknowledged_at DATETIME, created_at DATETIME",
      postgres:
        "id SERIAL PRIMARY KEY, data JSONB, acknowledged BOOLEAN, acknowledged_at TIMESTAMPTZ, created_at TIMESTAMPTZ",
      values: "i, '{}', 0, NULL, NULL", rows: 0),
    Table(
      name: "user_memories",
      sqlite:
        "id TEXT PRIMARY KEY, user_id TEXT REFERENCES users (id), content TEXT, last_accessed DATETIME, expires_at DATETIME, created_at DATETIME",
      postgres:
        "id TEXT PRIMARY KEY, user_id TEXT REFERENCES users (id), content TEXT, last_accessed TIMESTAMPTZ, expires_at TIMESTAMPTZ, created_at TIMESTAMPTZ",
      values: "'m' || i, 'u' || i, 'Ünïcode ' || i, NULL, '2030-01-01', '2024-01-15 10:30:00'", rows: 1000),
    Table(
      name: "memory_tags",
      sqlite:
        "id INTEGER PRIMARY KEY AUTOINCREMENT, memory_id TEXT REFERENCES user_memories (id), tag TEXT, UNIQUE (memory_id, tag)",
      postgres:
        "id SERIAL PRIMARY KEY, memory_id TEXT REFERENCES user_memories (id), tag TEXT, UNIQUE (memory_id, tag)",
      values: "i, 'm' || (i % 1000 + 1), 'tag' || i", rows: 2000),
    Table(
      name: "research_sessions",
      sqlite: "id TEXT PRIMARY KEY, topic TEXT, key_findings TEXT, sources TEXT, completed_at DATETIME",
      postgres:
        "id TEXT PRIMARY KEY, topic TEXT, key_findings JSONB, sources JSONB, completed_at TIMESTAMPTZ",
      values: "'r' || i, 'Topic', json_array(i, i + 0.5), '[{\"url\": \"https://x\"}]', NULL", rows: 300),
    Table(
      name: "research_steps",
      sqlite:
        "id INTEGER PRIMARY KEY AUTOINCREMENT, session_id TEXT REFERENCES research_sessions (id), sources TEXT, created_at DATETIME",
      postgres:
        "id SERIAL PRIMARY KEY, session_id TEXT REFERENCES research_sessions (id), sources JSONB, created_at TIMESTAMPTZ",
      values: "i, 'r' || (i % 300 + 1), NULL, '2024-01-15 10:30:00'", rows: 900),
    Table(
      name: "agent_marketplace",
      sqlite:
        "id TEXT PRIMARY KEY, agent_id TEXT REFERENCES custom_agents (id), price NUMERIC, is_free INTEGER, is_featured INTEGER, is_verified INTEGER, tags TEXT, published_at DATETIME",
      postgres:
        "id TEXT PRIMARY KEY, agent_id TEXT REFERENCES custom_agents (id), price NUMERIC(10,2), is_free BOOLEAN, is_featured BOOLEAN, is_verified BOOLEAN, tags JSONB, published_at TIMESTAMPTZ",
      values: "'p' || i, 'a' || i, i / 4.0, 0, 1, i % 2, '[\"x\"]', '2024-01-15 10:30:00'", rows: 300),
    Table(
      name: "agent_reviews",
      sqlite:
        "id TEXT PRIMARY KEY, marketplace_id TEXT REFERENCES agent_marketplace (id), rating INTEGER, created_at DATETIME",
      postgres:
        "id TEXT PRIMARY KEY, marketplace_id TEXT REFERENCES agent_marketplace (id), rating INTEGER, created_at TIMESTAMPTZ",
      values: "'w' || i, 'p' || (i % 300 + 1), i % 5, '2024-01-15 10:30:00'", rows: 400),
    Table(
      name: "agent_installations",
      sqlite:
        "id INTEGER PRIMARY KEY AUTOINCREMENT, marketplace_id TEXT REFERENCES agent_marketplace (id), user_id TEXT REFERENCES users (id)",
      postgres:
        "id SERIAL PRIMARY KEY, marketplace_id TEXT REFERENCES agent_marketplace (id), user_id TEXT REFERENCES users (id)",
      values: "i, 'p' || (i % 300 + 1), 'u' || i", rows: 400),
    Table(
      name: "canvas_documents",
      sqlite:
        "id TEXT PRIMARY KEY, session_id TEXT REFERENCES conversation_sessions (id), content TEXT, is_shared INTEGER, created_at DATETIME, updated_at DATETIME",
      postgres:
        "id TEXT PRIMARY KEY, session_id TEXT REFERENCES conversation_sessions (id), content TEXT, is_shared BOOLEAN, created_at TIMESTAMPTZ, updated_at TIMESTAMPTZ",
      values: "'d' || i, 's' || i, 'body', i % 2, '2024-01-15 10:30:00', '2024-01-15 10:30:00'", rows: 300),
    Table(
      name: "canvas_versions",
      sqlite:
        "id INTEGER PRIMARY KEY AUTOINCREMENT, document_id TEXT REFERENCES canvas_documents (id), version INTEGER, created_at DATETIME",
      postgres:
        "id SERIAL PRIMARY KEY, document_id TEXT REFERENCES canvas_documents (id), version INTEGER, created_at TIMESTAMPTZ",
      values: "i, 'd' || (i % 300 + 1), i, '2024-01-15 10:30:00'", rows: 900),
    Table(
      name: "external_connections",
      sqlite:
        "id TEXT PRIMARY KEY, user_id TEXT REFERENCES users (id), metadata TEXT, is_active INTEGER, token_expires_at DATETIME",
      postgres:
        "id TEXT PRIMARY KEY, user_id TEXT REFERENCES users (id), metadata JSONB, is_active BOOLEAN, token_expires_at TIMESTAMPTZ",
      values: "'x' || i, 'u' || i, '{\"a\": null}', 1, '2024-01-15 10:30:00'", rows: 100),
    Table(
      name: "external_files",
      sqlite:
        "id TEXT PRIMARY KEY, connection_id TEXT REFERENCES external_connections (id), size INTEGER, last_synced DATETIME",
      postgres:
        "id TEXT PRIMARY KEY, connection_id TEXT REFERENCES external_connections (id), size BIGINT, last_synced TIMESTAMPTZ",
      values: "'e' || i, 'x' || (i % 100 + 1), 1 << 40, '2024-01-15 10:30:00'", rows: 300),
    Table(
      name: "api_usage",
      sqlite:
        "id INTEGER PRIMARY KEY AUTOINCREMENT, date TEXT, requests INTEGER, models TEXT, updated_at DATETIME",
      postgres: "id SERIAL PRIMARY KEY, date DATE, requests INTEGER, models JSONB, updated_at TIMESTAMPTZ",
      values:
        "i, date('2024-01-01', i || ' days'), i, json_object('gpt', i), '2024-01-15 10:30:00'", rows: 30),
  ]

  /// What makes the SQLite file. Children stand before their parents where the names order them so.
  static var sqlite: String {
    tables.map { table in
      """
      CREATE TABLE \(table.name) (\(table.sqlite));
      WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(table.rows))
        INSERT INTO \(table.name) SELECT \(table.values) FROM n WHERE i <= \(table.rows);
      """
    }.joined(separator: "\n")
  }

  /// What makes the tables in Postgres, as the guide wants them to be there.
  static var postgres: String {
    tables.map { "CREATE TABLE \($0.name) (\($0.postgres));" }.joined(separator: "\n")
  }
}
