// A schema that is made again, beside what is there already, or in part.

import Postgres
import TestSupport
import Testing

@testable import LegacyImport

@Suite struct SchemaRerunTests {
  private static let script = """
    CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE COLLATE NOCASE, when_ DATETIME DEFAULT CURRENT_TIMESTAMP,
      twice INT AS (id * 2), n INT CHECK (n > 0), bad INT DEFAULT '');
    CREATE TABLE b (id INTEGER PRIMARY KEY, a INT REFERENCES a (id), u INT UNIQUE);
    CREATE INDEX b_a ON b (a DESC); CREATE UNIQUE INDEX b_u ON b (u + 1); CREATE VIEW v AS SELECT * FROM a;
    INSERT INTO a (name) VALUES ('x'), ('Ä'), ('ä'); INSERT INTO b VALUES (1, 1, 1), (2, 99, NULL);
    """

  private func catalogue(_ scene: SchemaScene) async throws -> [String] {
    try await scene.lines(
      """
      SELECT 'relation', relname::text, relkind::text FROM pg_class WHERE relnamespace = 'public'::regnamespace
      UNION ALL SELECT 'constraint', conname::text, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace
      UNION ALL SELECT 'index', indexname::text, indexdef FROM pg_indexes WHERE schemaname = 'public'
      UNION ALL SELECT 'default', adrelid::regclass::text, pg_get_expr(adbin, adrelid) FROM pg_attrdef
      ORDER BY 1, 2, 3
      """)
  }

  @Test("Made again, nothing is made twice, and the same is said", arguments: TestServer.versions)
  func again(version: TestServer.Version) async throws {
    let scene = try await SchemaScene(version, Self.script)
    let first = try await scene.make()
    let made = try await catalogue(scene)
    let second = try await scene.make()
    let remade = try await catalogue(scene)
    #expect(made == remade)
    #expect(Set(first.omissions.map(\.name)) == Set(second.omissions.map(\.name)))
    #expect(first.omissions.count == second.omissions.count)
    // An orphan that was put right validates its key.
    try await scene.connection.execute("UPDATE b SET a = 1")
    let third = try await scene.make()
    #expect(first.omitted(.foreignKey).count == 1 && third.omitted(.foreignKey).isEmpty)
    await scene.close()
  }

  @Test("An interruption at any step is made good by the next run", arguments: TestServer.versions)
  func interrupted(version: TestServer.Version) async throws {
    let whole = try await SchemaScene(version, Self.script)
    let steps = try await whole.make().translation.after.count
    let wanted = try await catalogue(whole)
    await whole.close()
    #expect(steps > 8)
    for count in stride(from: 0, to: steps, by: 3) {
      let scene = try await SchemaScene(version, Self.script)
      try await scene.make(steps: count)
      try await scene.make()
      let catalogue = try await catalogue(scene)
      #expect(catalogue == wanted, "\(count) of \(steps)")
      await scene.close()
    }
  }

  @Test("Tables that are there are left as they are", arguments: TestServer.versions)
  func existing(version: TestServer.Version) async throws {
    let scene = try await SchemaScene(
      version,
      "CREATE TABLE A_Parent (id INTEGER PRIMARY KEY); CREATE TABLE kid (id INTEGER PRIMARY KEY, p INT REFERENCES A_Parent);"
        + "CREATE TABLE taken (x INT); CREATE INDEX there ON taken (x); CREATE INDEX used ON kid (p); CREATE VIEW seen AS SELECT * FROM kid"
    )
    try await scene.connection.executeScript(
      "CREATE TABLE a_parent (id int PRIMARY KEY, more text); CREATE TABLE other (x int); CREATE INDEX used ON other (x); CREATE VIEW seen AS SELECT 1"
    )
    let outcome = try await scene.make()
    #expect(outcome.translation.tables.map(\.isMade) == [false, true, true])
    #expect(outcome.translation.tables.map(\.target) == ["a_parent", "kid", "taken"])
    let parent = try await scene.columns("a_parent")
    #expect(parent == ["id": "integer", "more": "text"])
    let kid = try await scene.constraints("kid")
    #expect(kid["kid_p_fkey"] == "FOREIGN KEY (p) REFERENCES a_parent(id)")
    #expect(outcome.omitted(.view)["seen"]?.effect == .leftOut)
    #expect(outcome.omitted(.name)["used"]?.reason.contains("used_2") == true)
    let made = try await SchemaBuild.made(in: "public", on: scene.connection)
    #expect(made == ["kid", "taken"])
    await scene.close()
  }

  @Test("Some tables alone, in a schema of their own", arguments: TestServer.versions)
  func chosen(version: TestServer.Version) async throws {
    let scene = try await SchemaScene(version, Self.script)
    let outcome = try await scene.make(tables: ["B"], schema: "Own schema")
    #expect(outcome.translation.tables.map(\.source) == ["b"])
    #expect(outcome.omitted(.foreignKey)["a"]?.reason.contains("not copied") == true)
    #expect(outcome.omitted(.view)["v"]?.reason.contains("not copied") == true)
    let relations = try await scene.lines(
      "SELECT relname FROM pg_class WHERE relnamespace = '\"Own schema\"'::regnamespace AND relkind <> 'S' ORDER BY 1"
    )
    #expect(relations == ["b", "b_a", "b_pkey", "b_u", "b_u_key"])
    // The parent comes later, and the key with it.
    let all = try await scene.make(schema: "Own schema")
    #expect(all.omitted(.foreignKey)["a"]?.effect == .changed)
    await scene.close()
  }

  @Test("Within a transaction that is rolled back, nothing is left", arguments: TestServer.versions)
  func rolledBack(version: TestServer.Version) async throws {
    struct Undone: Error {}
    let scene = try await SchemaScene(version, Self.script)
    await #expect(throws: Undone.self) {
      try await scene.connection.transaction { _ in
        try await scene.make()
        throw Undone()
      }
    }
    let left = try await catalogue(scene)
    #expect(left == [])
    await scene.close()
  }
}
