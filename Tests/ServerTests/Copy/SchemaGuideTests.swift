// The databases of guides 2, 3 and 5, made from their SQLite files alone.

import Foundation
import Postgres
import TestSupport
import Testing

@testable import LegacyImport

@Suite struct SchemaGuideTests {
  // MARK: Guide 2

  /// Guide 2's twenty tables in the order of their parents; flags are INTEGER 0 and 1, as the guide has them.
  private static let openmake = """
    CREATE TABLE users (id TEXT PRIMARY KEY, username TEXT UNIQUE NOT NULL, is_active INTEGER NOT NULL DEFAULT 1, last_login DATETIME,
      created_at DATETIME DEFAULT CURRENT_TIMESTAMP, updated_at DATETIME DEFAULT (datetime('now')));
    CREATE TABLE conversation_sessions (id TEXT PRIMARY KEY, user_id TEXT REFERENCES users(id) ON DELETE CASCADE, metadata JSON, created_at DATETIME);
    CREATE TABLE custom_agents (id TEXT PRIMARY KEY, created_by TEXT REFERENCES users(id), keywords JSON, enabled INTEGER DEFAULT 1, created_at DATETIME);
    CREATE TABLE conversation_messages (id INTEGER PRIMARY KEY AUTOINCREMENT, session_id TEXT NOT NULL REFERENCES conversation_sessions(id), role TEXT,
      content TEXT, created_at DATETIME DEFAULT CURRENT_TIMESTAMP);
    CREATE TABLE agent_usage_logs (id INTEGER PRIMARY KEY AUTOINCREMENT, agent_id TEXT, success INTEGER DEFAULT 1, timestamp DATETIME);
    CREATE TABLE agent_feedback (id TEXT PRIMARY KEY, agent_id TEXT, rating INTEGER CHECK (rating BETWEEN 1 AND 5), tags JSON, created_at DATETIME);
    CREATE TABLE audit_logs (id INTEGER PRIMARY KEY AUTOINCREMENT, user_id TEXT, details JSON, timestamp DATETIME);
    CREATE TABLE alert_history (id INTEGER PRIMARY KEY AUTOINCREMENT, data JSON, acknowledged INTEGER DEFAULT 0, acknowledged_at DATETIME, created_at DATETIME);
    CREATE TABLE user_memories (id TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES users(id), key TEXT, value TEXT, last_accessed DATETIME, expires_at DATETIME,
      UNIQUE (user_id, key));
    CREATE TABLE memory_tags (id INTEGER PRIMARY KEY AUTOINCREMENT, memory_id TEXT NOT NULL REFERENCES user_memories(id) ON DELETE CASCADE, tag TEXT);
    CREATE TABLE research_sessions (id TEXT PRIMARY KEY, user_id TEXT REFERENCES users(id), key_findings JSON, sources JSON, completed_at DATETIME);
    CREATE TABLE research_steps (id INTEGER PRIMARY KEY AUTOINCREMENT, session_id TEXT REFERENCES research_sessions(id), sources JSON, created_at DATETIME);
    CREATE TABLE agent_marketplace (id TEXT PRIMARY KEY, agent_id TEXT REFERENCES custom_agents(id), price DECIMAL(10,2), is_free INTEGER, is_featured INTEGER,
      is_verified INTEGER, tags JSON, published_at DATETIME);
    CREATE TABLE agent_reviews (id TEXT PRIMARY KEY, marketplace_id TEXT REFERENCES agent_marketplace(id), rating REAL, created_at DATETIME);
    CREATE TABLE agent_installations (id INTEGER PRIMARY KEY AUTOINCREMENT, marketplace_id TEXT REFERENCES agent_marketplace(id), user_id TEXT REFERENCES users(id));
    CREATE TABLE canvas_documents (id TEXT PRIMARY KEY, session_id TEXT REFERENCES conversation_sessions(id), is_shared INTEGER, created_at DATETIME, updated_at DATETIME);
    CREATE TABLE canvas_versions (id INTEGER PRIMARY KEY AUTOINCREMENT, document_id TEXT REFERENCES canvas_documents(id), version INTEGER, UNIQUE (document_id, version));
    CREATE TABLE external_connections (id TEXT PRIMARY KEY, user_id TEXT REFERENCES users(id), metadata JSON, is_active INTEGER, token_expires_at DATETIME);
    CREATE TABLE external_files (id TEXT PRIMARY KEY, connection_id TEXT REFERENCES external_connections(id), last_synced DATETIME);
    CREATE TABLE api_usage (id INTEGER PRIMARY KEY AUTOINCREMENT, date DATE, models JSON, requests INTEGER);
    CREATE INDEX idx_messages_session ON conversation_messages (session_id, created_at DESC);

    INSERT INTO users (id, username, is_active, last_login) VALUES ('u1', 'ada', 1, '2024-01-15T10:30:00Z'), ('u2', 'bob', 0, NULL);
    INSERT INTO conversation_sessions VALUES ('s1', 'u1', '{"model": "m", "n": 1}', '2024-01-15 10:30:00');
    INSERT INTO custom_agents VALUES ('a1', 'u1', '["x", "y"]', 1, '2024-01-15 10:30:00'), ('a2', NULL, NULL, 0, NULL);
    INSERT INTO conversation_messages (session_id, role, content) VALUES ('s1', 'user', 'Hello'), ('s1', 'assistant', 'Hi');
    INSERT INTO agent_usage_logs (agent_id, success, timestamp) VALUES ('a1', 1, '2024-01-15 10:30:00.5'), ('a1', 0, NULL);
    INSERT INTO agent_feedback VALUES ('f1', 'a1', 5, '[]', NULL); INSERT INTO audit_logs (details) VALUES ('{"ip": "::1"}');
    INSERT INTO alert_history (data, acknowledged) VALUES ('{}', 0), ('{}', 1);
    INSERT INTO user_memories VALUES ('m1', 'u1', 'k', 'v', NULL, '2030-01-01'); INSERT INTO memory_tags (memory_id, tag) VALUES ('m1', 't');
    INSERT INTO research_sessions VALUES ('r1', 'u2', '["finding"]', '[]', NULL); INSERT INTO research_steps (session_id, sources) VALUES ('r1', '[1, 2]');
    INSERT INTO agent_marketplace VALUES ('p1', 'a1', 4.25, 0, 1, 1, '["t"]', '2024-01-15 10:30:00'), ('p2', 'a2', 0, 1, 0, 0, NULL, NULL);
    INSERT INTO agent_reviews VALUES ('w1', 'p1', 4.5, NULL); INSERT INTO agent_installations (marketplace_id, user_id) VALUES ('p1', 'u2');
    INSERT INTO canvas_documents VALUES ('d1', 's1', 0, '2024-01-15 10:30:00', NULL), ('d2', NULL, 1, NULL, NULL); INSERT INTO canvas_versions (document_id, version) VALUES ('d1', 1), ('d1', 2);
    INSERT INTO external_connections VALUES ('e1', 'u1', '{"scope": "all"}', 1, '2024-02-01 00:00:00'); INSERT INTO external_files VALUES ('x1', 'e1', NULL);
    INSERT INTO api_usage (date, models, requests) VALUES ('2024-01-15', '{"m": 5}', 5);
    """

  @Test("Guide 2: twenty tables with the types that it promises", arguments: TestServer.versions)
  func guide2(version: TestServer.Version) async throws {
    let scene = try await SchemaScene(version, Self.openmake)
    let outcome = try await scene.make()
    #expect(outcome.omissions == [])
    #expect(outcome.rejected.count == 20 && outcome.rejected.values.allSatisfy { $0 == 0 })
    let types = try await scene.lines(
      """
      SELECT relname || '.' || attname, format_type(atttypid, atttypmod) FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
      WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0
      """)
    let byName = Dictionary(
      uniqueKeysWithValues: types.map { line in
        let parts = line.split(separator: "|").map(String.init)
        return (parts[0], parts[1])
      })
    let promised: [(String, [String])] = [
      (
        "boolean",
        [
          "users.is_active", "custom_agents.enabled", "agent_marketplace.is_free",
          "agent_marketplace.is_featured",
          "agent_marketplace.is_verified", "alert_history.acknowledged", "agent_usage_logs.success",
          "canvas_documents.is_shared", "external_connections.is_active",
        ]
      ),
      (
        "jsonb",
        [
          "conversation_sessions.metadata", "api_usage.models", "agent_feedback.tags",
          "custom_agents.keywords",
          "audit_logs.details", "alert_history.data", "agent_marketplace.tags",
          "research_sessions.key_findings",
          "research_sessions.sources", "research_steps.sources", "external_connections.metadata",
        ]
      ),
      (
        "timestamp with time zone",
        [
          "users.last_login", "users.created_at", "users.updated_at", "agent_usage_logs.timestamp",
          "alert_history.acknowledged_at", "user_memories.last_accessed", "user_memories.expires_at",
          "research_sessions.completed_at", "agent_marketplace.published_at",
          "external_connections.token_expires_at",
          "external_files.last_synced", "canvas_documents.created_at", "canvas_documents.updated_at",
        ]
      ),
    ]
    for (type, columns) in promised {
      for column in columns { #expect(byName[column] == type, "\(column)") }
    }
    let serial = try await scene.lines(
      """
      SELECT relname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid WHERE attidentity = 'd' ORDER BY 1
      """)
    #expect(
      serial == [
        "agent_installations", "agent_usage_logs", "alert_history", "api_usage", "audit_logs",
        "canvas_versions",
        "conversation_messages", "memory_tags", "research_steps",
      ])
    let keys = try await scene.lines(
      "SELECT contype, count(*) FROM pg_constraint WHERE contype IN ('p', 'u', 'f') AND connamespace = 'public'::regnamespace GROUP BY 1 ORDER BY 1"
    )
    #expect(keys == ["f|15", "p|20", "u|3"])
    #expect(Set(outcome.translation.sequences.map(\.table)) == Set(serial))
    let active = try await scene.columnDefault("users", "is_active")
    #expect(active == "true")
    await scene.close()
  }

  // MARK: Guide 3

  @Test("Guide 3: users, ideas and analyses as SQLAlchemy makes them", arguments: TestServer.versions)
  func guide3(version: TestServer.Version) async throws {
    let scene = try await SchemaScene(
      version,
      """
      CREATE TABLE users (id INTEGER NOT NULL, telegram_id VARCHAR(64), username VARCHAR, created_at DATETIME, PRIMARY KEY (id));
      CREATE UNIQUE INDEX ix_users_telegram_id ON users (telegram_id); CREATE INDEX ix_users_id ON users (id);
      CREATE TABLE ideas (id INTEGER NOT NULL, user_id INTEGER, text TEXT NOT NULL, mode VARCHAR(10), created_at DATETIME, PRIMARY KEY (id),
        FOREIGN KEY(user_id) REFERENCES users (id), CONSTRAINT analysis_mode CHECK (mode IN ('EVALUATION', 'GENERATION')));
      CREATE INDEX idx_ideas_user_id ON ideas(user_id);
      CREATE TABLE analyses (id INTEGER NOT NULL, user_id INTEGER, idea_id INTEGER, status VARCHAR(9) DEFAULT 'QUEUED', result JSON, is_public BOOLEAN,
        score FLOAT, PRIMARY KEY (id), FOREIGN KEY(idea_id) REFERENCES ideas (id) ON DELETE CASCADE, FOREIGN KEY(user_id) REFERENCES users (id),
        CHECK (is_public IN (0, 1)));
      CREATE INDEX idx_analyses_status ON analyses(status); CREATE INDEX idx_analyses_user_id ON analyses(user_id);
      INSERT INTO users VALUES (1, '99001', 'ada', '2024-04-01 10:00:00.000000'), (2, '99002', NULL, NULL);
      INSERT INTO ideas VALUES (1, 1, 'Idea', 'EVALUATION', '2024-04-01 10:00:00.123456');
      INSERT INTO analyses VALUES (1, 1, 1, 'COMPLETED', '{"score": 5}', 1, 0.5), (2, 1, 1, 'QUEUED', NULL, 0, NULL);
      """)
    let outcome = try await scene.make()
    #expect(outcome.omissions == [])
    let analyses = try await scene.columns("analyses")
    #expect(
      analyses == [
        "id": "bigint", "user_id": "bigint", "idea_id": "bigint", "status": "character varying(9)",
        "result": "jsonb",
        "is_public": "boolean", "score": "double precision",
      ])
    let constraints = try await scene.constraints("analyses")
    #expect(
      constraints["analyses_idea_id_fkey"] == "FOREIGN KEY (idea_id) REFERENCES ideas(id) ON DELETE CASCADE")
    #expect(constraints["analyses_check1"] == "CHECK ((is_public = ANY (ARRAY[false, true])))")
    let status = try await scene.columnDefault("analyses", "status")
    #expect(status == "'QUEUED'::character varying")
    let unique = try await scene.lines(
      "SELECT indexdef FROM pg_indexes WHERE indexname = 'ix_users_telegram_id'")
    #expect(unique == ["CREATE UNIQUE INDEX ix_users_telegram_id ON public.users USING btree (telegram_id)"])
    // An application goes on as it did: it leaves the key out.
    try await scene.connection.execute("SELECT setval('users_id_seq', 2)")
    let next = try await scene.lines("INSERT INTO users (telegram_id) VALUES ('new') RETURNING id")
    #expect(next == ["3"])
    await scene.close()
  }

  // MARK: Guide 5

  @Test("Guide 5: two databases, each in its own", arguments: TestServer.versions)
  func guide5(version: TestServer.Version) async throws {
    let main = try await SchemaScene(
      version,
      """
      CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE COLLATE NOCASE, active BOOLEAN NOT NULL DEFAULT TRUE, created_at TEXT DEFAULT CURRENT_TIMESTAMP);
      CREATE TABLE logs (id INTEGER PRIMARY KEY AUTOINCREMENT, message TEXT, level TEXT CHECK (level IN ('info', 'warn')), at INTEGER DEFAULT (strftime('%s', 'now')));
      CREATE TABLE stats (name TEXT PRIMARY KEY, count INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
      INSERT INTO users (id, email) VALUES ('u1', 'Ada@x'); INSERT INTO logs (message, level) VALUES ('Started', 'info'); INSERT INTO stats VALUES ('count', 1);
      """)
    let walmart = try await SchemaScene(
      version,
      """
      CREATE TABLE walmart_products (id TEXT PRIMARY KEY, name TEXT NOT NULL, price REAL, in_stock BOOLEAN DEFAULT 1, image BLOB, embedding BLOB);
      CREATE TABLE grocery_items (list_id INTEGER, product_id TEXT REFERENCES walmart_products (id), quantity REAL DEFAULT 1.0, PRIMARY KEY (list_id, product_id));
      CREATE INDEX in_stock ON walmart_products (name COLLATE NOCASE) WHERE in_stock = 1;
      INSERT INTO walmart_products VALUES ('p1', 'Milk', 2.49, 1, x'FFD8', zeroblob(8)); INSERT INTO grocery_items VALUES (1, 'p1', 2);
      """)
    let mains = try await main.make()
    #expect(mains.omissions.map(\.kind) == [.collation])
    let users = try await main.columns("users")
    #expect(users == ["id": "text", "email": "text", "active": "boolean", "created_at": "text"])
    let walmarts = try await walmart.make()
    #expect(walmarts.omissions == [])
    let index = try await walmart.lines("SELECT indexdef FROM pg_indexes WHERE indexname = 'in_stock'")
    #expect(
      index == [
        "CREATE INDEX in_stock ON public.walmart_products USING btree (lower(name)) WHERE (in_stock = true)"
      ])
    // The guide's own query runs.
    let stock = try await walmart.lines("SELECT id, price FROM walmart_products WHERE in_stock = true")
    #expect(stock == ["p1|2.49"])
    await main.close()
    await walmart.close()
  }
}
