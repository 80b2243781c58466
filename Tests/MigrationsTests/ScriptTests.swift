// Scripts cut into their statements.

import Postgres
import SQLite
import Testing

@Suite("Migrations: scripts") struct ScriptTests {
  @Test("Postgres: quotes, comments, dollars, brackets and function bodies hold a statement together")
  func postgres() {
    let sql = """
      -- one; two
      CREATE TABLE a (b text DEFAULT ';', "c;d" int); /* ; /* ; */ ; */ SELECT E'\\';', $$ ; $$, $x$ ; $$ ; $x$;
      CREATE RULE r AS ON INSERT TO a DO ALSO (SELECT 1; SELECT 2);
      CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 2 END; END;

      ;
      select 3 -- the end;
      """
    let found = PostgresScript.statements(in: sql)
    #expect(found.map(\.keyword) == ["CREATE", "SELECT", "CREATE", "CREATE", "SELECT"])
    #expect(found.map(\.line) == [2, 2, 3, 4, 7])
    #expect(found[1].text.hasSuffix("$x$ ; $$ ; $x$"))
  }

  @Test("SQLite: the body of a trigger belongs to it")
  func sqlite() {
    let sql = """
      -- one; two
      CREATE TABLE a (b TEXT DEFAULT ';', [c;d] INT); /* ; */
      CREATE TRIGGER t AFTER INSERT ON a BEGIN
        UPDATE a SET b = CASE WHEN 1 THEN ';' END;
        DELETE FROM a;
      END;
      ;
      select 3
      """
    let found = SQLiteScript.statements(in: sql)
    #expect(found.map(\.keyword) == ["CREATE", "CREATE", "SELECT"])
    #expect(found.map(\.line) == [2, 3, 8])
    #expect(found[1].text.contains("DELETE FROM a;\nEND;"))
    #expect(SQLiteScript.statements(in: "-- nothing\n/* at all */").isEmpty)
  }
}
