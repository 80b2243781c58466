// The databases of guides 2, 3 and 5, copied into tables that are there.

import LegacyImport
import SQLite
import TestSupport
import Testing

@Suite struct GuideCopyTests {
  @Test(arguments: TestServer.versions)
  func guide2IntoItsTables(version: TestServer.Version) async throws {
    let scene = try await CopyScene(version, name: "unified.db")
    try scene.write(Guide2Database.sqlite)
    // A message with the highest number was deleted since.
    try scene.write("UPDATE sqlite_sequence SET seq = 9000 WHERE name = 'conversation_messages'")
    try await scene.execute(Guide2Database.postgres)
    let report = try await scene.copy { $0.batchSize = 700 }
    try await scene.expectWhole(report)
    #expect(report.exitCode == 0, "\(report.reasons)")
    #expect(report.omissions.isEmpty)
    for table in Guide2Database.tables {
      #expect(try report.table(table.name).loaded == table.rows)
      #expect(try await scene.count("SELECT count(*) FROM \(table.name)") == table.rows)
    }
    #expect(try await scene.count("SELECT count(*) FROM users WHERE is_active") == 750)
    #expect(
      try await scene.texts(
        """
        SELECT created_at AT TIME ZONE 'UTC', metadata ->> 'model', updated_at AT TIME ZONE 'UTC'
        FROM conversation_sessions WHERE id = 's7'
        """) == [["2024-01-15 10:30:00", "m7", "2024-01-15 10:30:00.123"]])
    #expect(
      try await scene.column("SELECT created_at AT TIME ZONE 'UTC' FROM custom_agents WHERE id = 'a1'")
        == ["2024-01-15 08:30:00"])
    #expect(
      try await scene.column("SELECT content FROM conversation_messages WHERE id = 3")
        == ["Text with \\N, \\. and a tab\t3"])
    // Sequences stand past the highest number, and past the one that SQLite remembers.
    let next = { (table: String) in
      try await scene.count("SELECT nextval(pg_get_serial_sequence('\(table)', 'id'))")
    }
    #expect(try await next("conversation_messages") == 9001)
    #expect(try await next("memory_tags") == 2001)
    #expect(try await next("alert_history") == 1)
    #expect(try await next("api_usage") == 31)
  }

  @Test(arguments: TestServer.versions)
  func aSecondRunAddsNothing(version: TestServer.Version) async throws {
    let scene = try await CopyScene(version, name: "unified.db")
    try scene.write(Guide2Database.sqlite)
    try await scene.execute(Guide2Database.postgres)
    let first = try await scene.copy()
    try await scene.execute("SELECT setval('audit_logs_id_seq', 5000)")
    let second = try await scene.copy()
    try await scene.expectWhole(second)
    #expect(second.loaded == 0 && second.alreadyThere == first.loaded)
    #expect(second.exitCode == 0)
    #expect(second.sequences.allSatisfy { !$0.isSet })
    // Never backwards.
    #expect(try await scene.count("SELECT nextval('audit_logs_id_seq')") == 5001)
    // What the application has written since stays, and what the file has more is added.
    try await scene.execute("INSERT INTO audit_logs (action) VALUES ('from Postgres')")
    try scene.write("INSERT INTO audit_logs (id, action) VALUES (7000, 'later')")
    let third = try await scene.copy()
    #expect(third.loaded == 1)
    #expect(try await scene.count("SELECT count(*) FROM audit_logs") == 1002)
    #expect(try await scene.count("SELECT nextval('audit_logs_id_seq')") == 7001)
  }

  @Test func tablesThatOneSideLacksAreNamed() async throws {
    let scene = try await CopyScene(name: "unified.db")
    try scene.write(Guide2Database.sqlite)
    try scene.write(
      "DROP TABLE api_usage; ALTER TABLE audit_logs ADD COLUMN extra TEXT; CREATE TABLE odd (x)")
    try await scene.execute(Guide2Database.postgres)
    try await scene.execute("DROP TABLE external_files; CREATE VIEW odd AS SELECT 1 AS x")
    let report = try await scene.copy { $0.tables = ["users", "audit_logs", "api_usage", "odd"] }
    #expect(report.tables.map(\.table).sorted() == ["audit_logs", "users"])
    #expect(report.notInFile == ["api_usage"])
    #expect(report.warnings.first?.contains("api_usage") == true)
    let names = Set(report.omissions.map { "\($0.kind.rawValue) \($0.name)" })
    #expect(names == ["column extra", "table odd"])
    #expect(report.exitCode == 0)
  }

  @Test(arguments: TestServer.versions)
  func guide3HasEnumsAndUniqueColumns(version: TestServer.Version) async throws {
    let scene = try await CopyScene(version, name: "bot.db")
    try scene.write(
      """
      CREATE TABLE users (id INTEGER NOT NULL, telegram_id VARCHAR(64) NOT NULL, username VARCHAR(255), uuid CHAR(32),
        created_at DATETIME, PRIMARY KEY (id), UNIQUE (telegram_id));
      CREATE TABLE ideas (id INTEGER NOT NULL, user_id INTEGER NOT NULL, text TEXT NOT NULL, mode VARCHAR(10),
        created_at DATETIME, PRIMARY KEY (id), FOREIGN KEY (user_id) REFERENCES users (id));
      CREATE TABLE analyses (id INTEGER NOT NULL, idea_id INTEGER NOT NULL, status VARCHAR(9), result JSON, score FLOAT,
        PRIMARY KEY (id), FOREIGN KEY (idea_id) REFERENCES ideas (id));
      WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
        INSERT INTO users SELECT i, 'tg' || i, 'name' || i, printf('%032x', i), '2024-01-15 10:30:00.000000' FROM n;
      INSERT INTO ideas SELECT id, id, 'Idea ' || id, iif(id % 2, 'EVALUATION', 'GENERATION'), NULL FROM users;
      INSERT INTO analyses SELECT id, id, CASE id % 3 WHEN 0 THEN 'QUEUED' WHEN 1 THEN 'RUNNING' ELSE 'COMPLETED' END,
        '{"score": ' || id || '}', id / 3.0 FROM ideas;
      INSERT INTO analyses VALUES (5000, 1, 'CANCELLED', NULL, NULL), (5001, 99999, 'QUEUED', NULL, NULL);
      """)
    // Enums by the names of their members, as SQLAlchemy makes them, and by their values.
    try await scene.execute(
      """
      CREATE TYPE analysis_status AS ENUM ('QUEUED', 'RUNNING', 'COMPLETED');
      CREATE TYPE analysis_mode AS ENUM ('evaluation', 'generation');
      CREATE TABLE users (id SERIAL PRIMARY KEY, telegram_id VARCHAR(64) NOT NULL UNIQUE, username VARCHAR(255),
        uuid UUID UNIQUE, created_at TIMESTAMP);
      CREATE TABLE ideas (id SERIAL PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users (id), text TEXT NOT NULL,
        mode analysis_mode DEFAULT 'evaluation', created_at TIMESTAMP);
      CREATE TABLE analyses (id SERIAL PRIMARY KEY, idea_id INTEGER NOT NULL REFERENCES ideas (id),
        status analysis_status DEFAULT 'QUEUED', result JSONB, score FLOAT);
      """)
    let report = try await scene.copy { $0.batchSize = 500 }
    try await scene.expectWhole(report)
    #expect(report.exitCode == 3)
    #expect(report.rejected == 2)
    let reasons = try report.table("analyses").rejects.map { "\($0.key): \($0.reason)" }.sorted()
    #expect(
      reasons.first?.contains("5000: column status: \"CANCELLED\" is no label of analysis_status") == true)
    #expect(reasons.last?.contains("5001: violates foreign key constraint \"analyses_idea_id_fkey\"") == true)
    #expect(
      try await scene.texts("SELECT mode, count(*) FROM ideas GROUP BY 1 ORDER BY 1")
        == [["evaluation", "1500"], ["generation", "1500"]])
    #expect(
      try await scene.column("SELECT uuid FROM users WHERE id = 255")
        == ["00000000-0000-0000-0000-0000000000ff"])
    // The guide's count per table is all but what is named.
    #expect(try await scene.count("SELECT count(*) FROM analyses") == 3000)
  }

  @Test func guide5HasTwoDatabases() async throws {
    let main = try await CopyScene(name: "crewai_enhanced.db")
    let walmart = try await main.beside(name: "walmart_grocery.db")
    try main.write(
      """
      CREATE TABLE users (id INTEGER PRIMARY KEY, active BOOLEAN, avatar BLOB);
      CREATE TABLE logs (message TEXT, at TIMESTAMP);
      CREATE TABLE stats (count INTEGER);
      WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
        INSERT INTO users SELECT i, i % 2, randomblob(20) FROM n;
      INSERT INTO logs SELECT 'Start', '2024-01-15 10:30:00' FROM users; INSERT INTO stats VALUES (7);
      """)
    try walmart.write(
      """
      CREATE TABLE walmart_products (id TEXT PRIMARY KEY, price DECIMAL(8,2), in_stock INTEGER) WITHOUT ROWID;
      WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
        INSERT INTO walmart_products SELECT 'p' || i, i * 0.25, i % 2 FROM n;
      """)
    try await main.execute(
      """
      CREATE TABLE users (id INT PRIMARY KEY, active BOOLEAN, avatar BYTEA);
      CREATE TABLE logs (message TEXT, at TIMESTAMPTZ); CREATE TABLE stats (count INT);
      """)
    try await walmart.execute(
      "CREATE TABLE walmart_products (id TEXT PRIMARY KEY, price NUMERIC(8,2), in_stock BOOLEAN)")
    for scene in [main, walmart] {
      for loads in [true, false] {
        let report = try await scene.copy { $0.batchSize = 900 }
        try await scene.expectWhole(report)
        #expect(report.exitCode == 0)
        #expect((report.loaded > 0) == loads)
      }
    }
    // Tables without a key hold equal rows as often as the file does.
    #expect(try await main.count("SELECT count(*) FROM logs") == 2000)
    #expect(try await walmart.count("SELECT sum(price)::int FROM walmart_products") == 1_125_375)
  }
}
