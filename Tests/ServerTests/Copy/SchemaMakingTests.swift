// The DDL runs on the real servers, and the catalogue then says what was wanted.

import Postgres
import SQLite
import TestSupport
import Testing

@testable import LegacyImport

@Suite struct SchemaMakingTests {
  @Test("Columns, keys, foreign keys, indexes and views", arguments: TestServer.versions)
  func ordinary(version: TestServer.Version) async throws {
    let scene = try await SchemaScene(
      version,
      #"""
      CREATE TABLE users (
        id INTEGER PRIMARY KEY AUTOINCREMENT, name VARCHAR(20) NOT NULL DEFAULT 'nobody', email TEXT UNIQUE COLLATE NOCASE,
        score REAL DEFAULT 0.5, price DECIMAL(10,2), active BOOLEAN NOT NULL DEFAULT 1, born DATE, prefs JSON DEFAULT '{}',
        created_at DATETIME DEFAULT CURRENT_TIMESTAMP, CONSTRAINT scored CHECK (score >= 0 AND length(name) > 0));
      CREATE TABLE posts (
        id INTEGER PRIMARY KEY, user_id INT NOT NULL REFERENCES users ON DELETE CASCADE, parent INT REFERENCES posts(id)
          DEFERRABLE INITIALLY DEFERRED, title TEXT);
      CREATE TABLE tags (post INT, tag TEXT, PRIMARY KEY (tag, post), FOREIGN KEY (post) REFERENCES posts (id) ON UPDATE CASCADE)
        WITHOUT ROWID;
      CREATE INDEX posts_title ON posts (lower(title), user_id DESC) WHERE title IS NOT NULL;
      CREATE UNIQUE INDEX users_created ON users (created_at, name COLLATE NOCASE);
      CREATE VIEW active_users AS SELECT u.id, u.Name, count(p.id) AS n FROM users u LEFT JOIN posts p ON p.user_id = u.id
        WHERE u.active = 1 GROUP BY u.id, u.name ORDER BY n DESC, u.id;
      CREATE TRIGGER t AFTER INSERT ON users BEGIN UPDATE users SET score = 1; END;
      INSERT INTO users (name, email, price, born, prefs) VALUES ('ada', 'Ada@x', 19.99, '2024-02-29', '{"a": 1}'), ('bob', NULL, 5, NULL, NULL);
      INSERT INTO posts (user_id, parent, title) VALUES (1, NULL, 'Hello'), (2, 1, NULL), (2, 1, 'x');
      INSERT INTO tags VALUES (1, 'x');
      """#)
    let outcome = try await scene.make()
    #expect(outcome.rejected.values.allSatisfy { $0 == 0 })
    let users = try await scene.columns("users")
    #expect(
      users == [
        "id": "bigint", "name": "character varying(20)", "email": "text", "score": "double precision",
        "price": "numeric(10,2)", "active": "boolean", "born": "date", "prefs": "jsonb",
        "created_at": "timestamp with time zone",
      ])
    let constraints = try await scene.constraints("users")
    #expect(constraints["users_pkey"] == "PRIMARY KEY (id)")
    #expect(constraints["scored"]?.contains("score >= (0)::double precision") == true)
    let posts = try await scene.constraints("posts")
    #expect(posts["posts_user_id_fkey"] == "FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE")
    #expect(
      posts["posts_parent_fkey"] == "FOREIGN KEY (parent) REFERENCES posts(id) DEFERRABLE INITIALLY DEFERRED")
    let tags = try await scene.constraints("tags")
    #expect(tags["tags_pkey"] == "PRIMARY KEY (tag, post)")
    #expect(tags["tags_post_fkey"] == "FOREIGN KEY (post) REFERENCES posts(id) ON UPDATE CASCADE")
    let notNull = try await scene.lines(
      """
      SELECT attname FROM pg_attribute WHERE attrelid = 'users'::regclass AND attnotnull AND attnum > 0
      ORDER BY attnum
      """)
    #expect(notNull == ["id", "name", "active"])
    let indexes = try await scene.lines(
      "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND indexname !~ 'pkey' ORDER BY indexname"
    )
    #expect(
      indexes == [
        "CREATE INDEX posts_title ON public.posts USING btree (lower(title), user_id DESC) WHERE (title IS NOT NULL)",
        "CREATE UNIQUE INDEX users_created ON public.users USING btree (created_at, lower((name)::text))",
        "CREATE UNIQUE INDEX users_email_key ON public.users USING btree (lower(email))",
      ])
    let view = try await scene.lines("SELECT * FROM active_users")
    #expect(view == ["2|bob|2", "1|ada|1"])
    #expect(Set(outcome.omissions.map(\.kind)) == [.collation, .trigger])
    #expect(outcome.translation.sequences.map(\.lastValue) == [2, 3])
    await scene.close()
  }

  @Test("Defaults answer what SQLite's answer", arguments: TestServer.versions)
  func defaults(version: TestServer.Version) async throws {
    let scene = try await SchemaScene(
      version,
      #"""
      CREATE TABLE d (
        k INT, a TEXT DEFAULT 'it''s \x', b INT DEFAULT -5, c INT DEFAULT 0x10, d REAL DEFAULT 1e999, e BOOLEAN DEFAULT FALSE,
        f BOOLEAN DEFAULT 1, g BLOB DEFAULT x'00FF', h TEXT DEFAULT word, i TEXT DEFAULT "quoted", j DEFAULT (1 + 2 * 3),
        k2 JSON DEFAULT '{"a": 1}', l DATE DEFAULT '2024-02-29', m DATETIME DEFAULT '2024-01-15 10:30:00', n TEXT DEFAULT (typeof(1)),
        o NUMERIC(5,2) DEFAULT 1.25, p TEXT DEFAULT (upper('x') || '-' || 5), q TEXT DEFAULT '', r INT DEFAULT NULL,
        now1 DATETIME DEFAULT CURRENT_TIMESTAMP, now2 TEXT DEFAULT CURRENT_TIMESTAMP, now3 DATETIME DEFAULT (datetime('now')),
        now4 TEXT DEFAULT (datetime('now')), now5 INT DEFAULT (strftime('%s', 'now')), now6 DATE DEFAULT (date('now', '+1 day')),
        now7 TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')), now8 DATETIME DEFAULT (strftime('%s', 'now')),
        id TEXT DEFAULT (lower(hex(randomblob(16)))), num INT DEFAULT (abs(random()) % 100),
        local TEXT DEFAULT (datetime('now', 'localtime')), bad INT DEFAULT '', worse JSON DEFAULT '{bad');
      """#)
    let outcome = try await scene.make()
    try await scene.connection.execute("INSERT INTO d (k) VALUES (1)")
    let plain = try await scene.lines("SELECT a, b, c, d, e, f, g, h, i, j, k2, l, m, n, o, p, q, r FROM d")
    #expect(
      plain == [
        "it's \\x|-5|16|Infinity|f|t|\\x00ff|word|quoted|7|{\"a\": 1}|2024-02-29|2024-01-15 10:30:00+00|integer|1.25|X-5||NULL"
      ])
    let times = try await scene.lines(
      """
      SELECT now() - now1 < '1 min', now2 ~ '^\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d$', now() - now3 < '1 min',
        now()::timestamp - now4::timestamp < '1 min', abs(extract(epoch FROM now()) - now5) < 60, now6 - now()::date,
        now7 ~ '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$', now() - now8 < '1 min', length(id), num BETWEEN 0 AND 99,
        local IS NULL, bad IS NULL, worse IS NULL
      FROM d
      """)
    #expect(times == ["t|t|t|t|t|1|t|t|32|t|t|t|t"])
    let omitted = outcome.omitted(.defaultValue)
    #expect(Set(omitted.keys) == ["local", "bad", "worse"])
    #expect(omitted["worse"]?.reason.contains("the server says") == true)
    await scene.close()
  }

  @Test("Generated columns and views answer what SQLite's answer", arguments: TestServer.versions)
  func generatedColumnsAndViews(version: TestServer.Version) async throws {
    let scene = try await SchemaScene(
      version,
      #"""
      CREATE TABLE g (
        a INT, s TEXT, at DATETIME, b INT AS (a + 1) STORED, c INT AS (b * 2), d TEXT AS (s || '-' || b), e INT AS (a / 0),
        f TEXT AS (upper(s)), h INT AS (length(s)) STORED, i TEXT AS (substr(s, -2)), j BOOLEAN AS (a > 1), k REAL AS (round(a / 3.0, 2)),
        l TEXT AS (strftime('%Y', at)), m TEXT AS (CASE WHEN a > 1 THEN 'big' ELSE s END), n TEXT AS (coalesce(s, 'none')), o VARCHAR(3) AS ("p"), p TEXT AS ('1'), q REAL AS (k));
      INSERT INTO g (a, s, at) VALUES (1, 'äbc', '2024-01-15 10:30:00'), (2, NULL, NULL), (NULL, 'x', '2023-12-31 23:59:59');
      CREATE VIEW v1 AS SELECT *, a + b AS "sum" FROM g WHERE S IS NOT NULL;
      CREATE VIEW v2 (first, second) AS SELECT count(*), group_concat(sum, '+') FROM (SELECT sum FROM v1 ORDER BY sum);
      CREATE VIEW v3 AS SELECT date(at) AS day, strftime('%H:%M', at) AS clock FROM g WHERE at >= '2024-01-01' AND at < datetime('now');
      CREATE VIEW v4 AS WITH RECURSIVE n(step) AS (SELECT 1 UNION ALL SELECT step + 1 FROM n WHERE step < 3)
        SELECT step, (SELECT max(a) FROM g WHERE a <= step) AS top, step IN (SELECT a FROM g) AS there FROM n;
      CREATE VIEW v5 AS SELECT a, row_number() OVER (ORDER BY a DESC) AS place, sum(j) AS flags FROM g GROUP BY a, j ORDER BY place;
      CREATE VIEW v6 AS SELECT x.a, y.s FROM g x JOIN g AS y ON x.a = y.a + 1 UNION SELECT a, s FROM g WHERE s LIKE '%B%' OR s GLOB 'x*'
        ORDER BY 1 LIMIT 5;
      CREATE VIEW later AS SELECT first FROM v2; CREATE VIEW gone AS SELECT * FROM nothere;
      CREATE VIEW each AS SELECT value FROM json_each('[1]');
      """#)
    let outcome = try await scene.make()
    #expect(outcome.rejected["g"] == 0)
    let generated = try await scene.lines(
      "SELECT attname FROM pg_attribute WHERE attrelid = 'g'::regclass AND attgenerated = 's' ORDER BY attnum"
    )
    #expect(generated == ["b", "c", "d", "e", "f", "h", "i", "j", "m", "n", "o", "p"])
    #expect(Set(outcome.omitted(.generatedColumn).keys) == ["k", "l", "q"])
    #expect(Set(outcome.omitted(.view).keys) == ["gone", "each"])
    let rows = try await scene.lines(
      "SELECT a, b, c, d, e, f, h, i, j::int, k, l, m, n, o, p FROM g ORDER BY a")
    let own = try scene.file.query(
      "SELECT a, b, c, d, e, f, h, i, j, k, l, m, n, o, p FROM g ORDER BY a NULLS LAST")
    #expect(rows == own.map { Self.line($0.values) })
    for query in [
      "SELECT a, \"sum\" FROM v1 ORDER BY \"sum\" NULLS LAST", "SELECT * FROM v2",
      "SELECT day, clock FROM v3",
      "SELECT step, top FROM v4 ORDER BY step", "SELECT a, place FROM v5 ORDER BY place",
      "SELECT * FROM v6 ORDER BY s NULLS LAST",
      "SELECT * FROM later",
    ] {
      let theirs = try await scene.lines(query)
      let ours = try scene.file.query(query).map { Self.line($0.values) }
      #expect(theirs == ours, "\(query)")
    }
    await scene.close()
  }

  /// A row of SQLite as `lines` shows rows of Postgres.
  private static func line(_ values: [SQLiteValue]) -> String {
    values.map { value in
      switch value {
      case .null: "NULL"
      case .real(let number) where number == number.rounded(): String(Int(number))
      case .real(let number): String(number)
      default: value.int64.map(String.init) ?? value.string ?? ""
      }
    }.joined(separator: "|")
  }
}
