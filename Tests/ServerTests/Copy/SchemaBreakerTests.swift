// Every oddity of names and tables that breaks importers: made as it can be, and named where it cannot.

import Postgres
import SQLite
import TestSupport
import Testing

@testable import LegacyImport

@Suite struct SchemaBreakerTests {
  @Test("Names: too long, colliding, quoted, reserved, in two cases", arguments: TestServer.versions)
  func names(version: TestServer.Version) async throws {
    let long = String(repeating: "long_", count: 13)
    let scene = try await SchemaScene(
      version,
      """
      CREATE TABLE "\(long)1" (x INT); CREATE TABLE "\(long)2" (x INT, "\(long)a" INT UNIQUE, "\(long)b" INT REFERENCES "\(long)2" ("\(long)a"));
      CREATE INDEX "\(long)i" ON "\(long)2" (x, "\(long)b");
      CREATE TABLE "camelCase" ("someColumn" TEXT, "Order" INT CHECK ("order" > 0), "a""quote" TEXT, "tab\tname" TEXT, 'single' INT, [br] INT,
        `bt` INT, notype, "ünï\u{1F600}" TEXT, "$1" INT, "--" INT, "%s" INT);
      CREATE TABLE "select" ("from" INT PRIMARY KEY, "where" TEXT REFERENCES "GROUP"(X), "user" INT, "table" INT, "end" INT);
      CREATE TABLE "group" (x TEXT UNIQUE); CREATE TABLE "user" (id INTEGER PRIMARY KEY, "primary" INT);
      CREATE TABLE user_id_seq (user_pkey INT); CREATE INDEX user_pkey ON "user" ("primary");
      CREATE TABLE boxes (xmin REAL, xmax REAL, ctid INT, oid INT, CHECK (xmin <= xmax)); INSERT INTO boxes VALUES (0.5, 1.5, 1, 1);
      CREATE VIEW "Camel View" AS SELECT SOMECOLUMN, "order" + 1 AS "Next" FROM CAMELCASE;
      INSERT INTO camelCase VALUES ('a', 1, 'q', 't', 1, 2, 3, NULL, 'u', 1, 2, 3); INSERT INTO "group" VALUES ('g'), (NULL), (NULL);
      INSERT INTO "select" VALUES (1, 'g', 1, 1, 1); INSERT INTO "\(long)2" VALUES (1, 2, 2);
      """)
    let outcome = try await scene.make()
    #expect(outcome.rejected.values.allSatisfy { $0 == 0 })
    let cut = String(long.prefix(63))
    #expect(Set(outcome.translation.tables.prefix(2).map(\.target)) == [cut, cut.dropLast(2) + "_2"])
    let columns = try await scene.columns(cut.dropLast(2) + "_2")
    #expect(Set(columns.keys) == ["x", cut, cut.dropLast(2) + "_2"])
    #expect(
      Set(outcome.omitted(.name).keys) == [
        "\(long)1", "\(long)2", "\(long)a", "\(long)b", "\(long)i", "xmin", "xmax", "ctid",
      ])
    let boxes = try await scene.columns("boxes")
    #expect(Set(boxes.keys) == ["xmin_2", "xmax_2", "ctid_2", "oid"])
    let camel = try await scene.columns("camelCase")
    #expect(
      Set(camel.keys) == [
        "someColumn", "Order", "a\"quote", "tab\tname", "single", "br", "bt", "notype", "ünï\u{1F600}", "$1",
        "--", "%s",
      ])
    let view = try await scene.lines("SELECT * FROM \"Camel View\"")
    #expect(view == ["a|2"])
    #expect(outcome.omissions.allSatisfy { $0.kind == .name })
    let foreignKeys = try await scene.lines(
      "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated")
    #expect(foreignKeys == ["2"])
    await scene.close()
  }

  @Test("Data that break what is declared", arguments: TestServer.versions)
  func brokenData(version: TestServer.Version) async throws {
    let scene = try await SchemaScene(
      version,
      #"""
      CREATE TABLE docs (id INTEGER PRIMARY KEY, body TEXT); INSERT INTO docs VALUES (1, 'text'), (0, 'zero'), (-5, 'negative'), (9223372036854775807, 'giant');
      CREATE TABLE textkey (k TEXT PRIMARY KEY, v INT); INSERT INTO textkey VALUES (NULL, 1), (NULL, 2), ('a', 3);
      CREATE TABLE nokey (a INT, b TEXT); INSERT INTO nokey VALUES (1, 'x'), (1, 'x'), (NULL, NULL);
      CREATE TABLE orphans (id INTEGER PRIMARY KEY, doc INT REFERENCES docs(id) ON DELETE SET NULL, gone INT REFERENCES nowhere(id),
        loose INT REFERENCES nokey(a)); INSERT INTO orphans VALUES (1, 1, 1, 1), (2, 99, 1, 1);
      CREATE TABLE one (id INTEGER PRIMARY KEY, two INT REFERENCES two(id)); CREATE TABLE two (id INTEGER PRIMARY KEY, one INT REFERENCES one(id));
      INSERT INTO one VALUES (1, 1); INSERT INTO two VALUES (1, 1);
      CREATE TABLE longtext (t TEXT); INSERT INTO longtext SELECT hex(randomblob(20000)); CREATE INDEX longtext_t ON longtext(t);
      CREATE TABLE checked (a INT CHECK (a > 0), b TEXT CONSTRAINT b_ok CHECK (b IN ('x', 'y')), c TEXT CHECK (json_valid(c)),
        d INT CHECK (typeof(d) = 'integer'));
      PRAGMA ignore_check_constraints = ON; INSERT INTO checked VALUES (-1, 'z', '{}', 1), (1, 'x', NULL, 2); PRAGMA ignore_check_constraints = OFF;
      CREATE TABLE folded (name TEXT COLLATE NOCASE PRIMARY KEY, other TEXT UNIQUE COLLATE NOCASE); INSERT INTO folded VALUES ('Ä', 'Ä'), ('ä', 'ä');
      CREATE TABLE kid (n TEXT REFERENCES folded(other)); INSERT INTO kid VALUES ('ä');
      CREATE TABLE same (v INTEGER UNIQUE, w); CREATE UNIQUE INDEX same_w ON same (w); INSERT INTO same VALUES (1, 1), ('x', '1');
      CREATE TABLE gone_null (a TEXT NOT NULL, b TEXT); INSERT INTO gone_null VALUES ('x', 'y');
      PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'CREATE TABLE gone_null (a TEXT NOT NULL, b TEXT NOT NULL COLLATE MINE CHECK (b REGEXP ''x''))'
        WHERE name = 'gone_null'; UPDATE sqlite_schema SET sql = 'CREATE TABLE nokey (a INT, b TEXT NOT NULL)' WHERE name = 'nokey'; PRAGMA writable_schema = RESET;
      """#)
    let outcome = try await scene.make()
    #expect(outcome.rejected.values.allSatisfy { $0 == 0 })
    let validity = try await scene.lines(
      "SELECT conname, convalidated FROM pg_constraint WHERE contype IN ('f', 'c') AND NOT convalidated ORDER BY 1"
    )
    #expect(validity == ["b_ok|f", "checked_check1|f", "orphans_doc_fkey|f"])
    let keys = try await scene.constraints("textkey")
    #expect(keys["textkey_pkey"] == "UNIQUE (k)")
    let said: [(Omission.Kind, String, Omission.Effect, String)] = [
      (.primaryKey, "k", .changed, "NULL"), (.foreignKey, "doc", .changed, "NOT VALID"),
      (.foreignKey, "gone", .leftOut, "nowhere"), (.foreignKey, "loose", .leftOut, "no unique constraint"),
      (.index, "longtext_t", .leftOut, "54000"), (.check, "a > 0", .changed, "NOT VALID"),
      (.check, "b_ok", .changed, "NOT VALID"),
      (.primaryKey, "name", .changed, "ASCII"), (.uniqueKey, "other", .changed, "ASCII"),
      (.index, "same_w", .changed, "not unique"), (.check, "b REGEXP 'x'", .leftOut, "REGEXP"),
      (.collation, "b", .leftOut, "MINE"), (.notNull, "b", .leftOut, "1 rows"),
      (.columnType, "v", .changed, "text"),
    ]
    for (kind, name, effect, words) in said {
      let omission = outcome.omitted(kind)[name]
      #expect(omission?.effect == effect, "\(kind) \(name): \(String(describing: omission))")
      #expect(omission?.reason.contains(words) == true, "\(kind) \(name): \(omission?.reason ?? "")")
    }
    // The broken constraints hold for new rows.
    await #expect(throws: PostgresError.self) {
      try await scene.connection.execute("INSERT INTO orphans (id, doc) VALUES (9, 98)")
    }
    await #expect(throws: PostgresError.self) {
      try await scene.connection.execute("INSERT INTO checked (c) VALUES ('{bad')")
    }
    try await scene.connection.execute("INSERT INTO checked (a, b, c, d) VALUES (1, 'x', NULL, 1)")
    await scene.close()
  }

  @Test("Virtual tables, STRICT tables, rowids and mixed values", arguments: TestServer.versions)
  func tables(version: TestServer.Version) async throws {
    let scene = try await SchemaScene(
      version,
      #"""
      CREATE VIRTUAL TABLE notes USING fts5(title, body, tag UNINDEXED); INSERT INTO notes(rowid, title, body, tag) VALUES (7, 't', 'b', 'x'), (9, 't2', 'b2', 'y');
      CREATE VIRTUAL TABLE old_notes USING fts4(title, body); INSERT INTO old_notes(title, body) VALUES ('t', 'b');
      CREATE TABLE docs (id INTEGER PRIMARY KEY, body TEXT); CREATE VIRTUAL TABLE docs_fts USING fts5(body, content='docs', content_rowid='id');
      CREATE VIRTUAL TABLE bare USING fts5(body, content=''); CREATE VIRTUAL TABLE places USING rtree(id, minX, maxX, +name TEXT);
      INSERT INTO places VALUES (1, 0.5, 1.5, 'home'), (7, 0.1, 0.2, 'far');
      CREATE TABLE strict_t (i INT, r REAL, t TEXT, b BLOB, a ANY, n INTEGER PRIMARY KEY) STRICT;
      INSERT INTO strict_t VALUES (1, 2.0, 'x', x'00', 'any', 1), (1, 2.5, 'x', x'00', 5, 2);
      CREATE TABLE sequenced (id INTEGER PRIMARY KEY AUTOINCREMENT, x); INSERT INTO sequenced VALUES (100, 1); DELETE FROM sequenced; INSERT INTO sequenced VALUES (5, 'x');
      ANALYZE;
      """#)
    let outcome = try await scene.make()
    #expect(outcome.rejected.values.allSatisfy { $0 == 0 })
    let notes = try await scene.lines("SELECT rowid, title, tag FROM notes ORDER BY 1")
    #expect(notes == ["7|t|x", "9|t2|y"])
    let places = try await scene.lines("SELECT id, \"minX\", name FROM places ORDER BY id")
    #expect(
      places
        == (try scene.file.query("SELECT id, minX, name FROM places ORDER BY id")).map { row in
          "\(row[0].int64 ?? 0)|\(row[1].double ?? 0)|\(row[2].string ?? "")"
        })
    let strict = try await scene.columns("strict_t")
    #expect(
      strict == [
        "i": "bigint", "r": "double precision", "t": "text", "b": "bytea", "a": "text", "n": "bigint",
      ])
    #expect(outcome.translation.sequences.first { $0.table == "sequenced" }?.lastValue == 100)
    let there = try await scene.lines(
      "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1")
    #expect(there == ["docs", "notes", "old_notes", "places", "sequenced", "strict_t"])
    let virtual = outcome.omitted(.virtualTable)
    #expect(virtual["notes"]?.effect == .changed && virtual["places"]?.effect == .changed)
    #expect(virtual["docs_fts"]?.effect == .leftOut && virtual["bare"]?.effect == .leftOut)
    let shadows = try scene.file.query("SELECT name FROM pragma_table_list WHERE type = 'shadow'")
    #expect(Set(outcome.omitted(.shadowTable).keys) == Set(shadows.compactMap(\.values[0].string)))
    #expect(outcome.omitted(.table)["sqlite_stat1"] != nil)
    await scene.close()
  }

  @Test(
    "A table beyond the server's limits is named, and the others are made", arguments: TestServer.versions)
  func tooWide(version: TestServer.Version) async throws {
    let columns = (0..<1700).map { "c\($0) INT DEFAULT 1" }.joined(separator: ", ")
    let scene = try await SchemaScene(
      version, "CREATE TABLE wide (\(columns)); CREATE INDEX i ON wide (c1); CREATE TABLE other (x INT)")
    let translation = try scene.translation()
    let build = SchemaBuild(translation: translation, connection: scene.connection)
    let before = try await build.before()
    #expect(before.map(\.name) == ["wide"] && before.first?.reason.contains("1600 columns") == true)
    let after = try await build.after()
    #expect(after.map(\.name) == ["i"])
    let made = try await SchemaBuild.made(in: "public", on: scene.connection)
    #expect(made == ["other"])
    await scene.close()
  }
}
