// Statements, the cache of prepared ones, and what the texts of errors may say.

import Testing

@testable import Postgres

@Suite struct PostgresStatementTests {
  @Test func valuesBecomeParameters() {
    let name = "x' OR 1=1 --"
    let nothing: Int? = nil
    let statement: PostgresStatement =
      "SELECT * FROM \(identifier: "a\"b", in: "s") WHERE n = \(name) AND k = \(5) AND o = \(nothing)"
    #expect(statement.sql == "SELECT * FROM \"s\".\"a\"\"b\" WHERE n = $1 AND k = $2 AND o = $3")
    #expect(statement.values == [.text(name), .int8(5), .null])
  }

  @Test func statementsInsideStatementsAreNumberedOn() {
    let inner = PostgresStatement(
      sql:
        "a = $1 AND b = '$1' AND c = \"$1\" AND d = $2 -- $1\n AND e$1 = /* $1 /* */ $2 */ $x$ $1 $x$ AND E'\\'$1' = $2",
      values: [.int8(1), .int8(2)])
    let outer: PostgresStatement = "SELECT \(9) WHERE \(inner)"
    #expect(
      outer.sql
        == "SELECT $1 WHERE a = $2 AND b = '$1' AND c = \"$1\" AND d = $3 -- $1\n AND e$1 = /* $1 /* */ $2 */ $x$ $1 $x$ AND E'\\'$1' = $3"
    )
    #expect(outer.values == [.int8(9), .int8(1), .int8(2)])
  }

  @Test func firstWords() {
    #expect(SQLText.firstWord("  -- x\n /* y */ (select 1)") == "SELECT")
    #expect(SQLText.firstWord("/* open") == "")
    #expect(SQLText.isWorthPreparing("with a as (select 1) table a"))
    #expect(!SQLText.isWorthPreparing("CREATE TABLE t ()"))
    #expect(SQLText.endsTransaction("commit"))
    #expect(SQLText.endsTransaction("INSERT INTO t DEFAULT VALUES; COMMIT"))
    #expect(!SQLText.endsTransaction("INSERT INTO t DEFAULT VALUES"))
  }

  @Test func theLeastRecentlyUsedIsForgotten() {
    var cache = StatementCache(limit: 2)
    let keys = (0..<3).map { StatementCache.Key(PostgresStatement(sql: "SELECT \($0)")) }
    let names = keys.map { _ in cache.makeName() }
    #expect(Set(names).count == 3)
    cache.insert(names[0], for: keys[0])
    cache.insert(names[1], for: keys[1])
    #expect(cache.name(for: keys[0]) == names[0])
    cache.insert(names[2], for: keys[2])
    #expect(cache.name(for: keys[1]) == nil)
    #expect(cache.name(for: keys[0]) == names[0])
    #expect(cache.takeStale() == [names[1]])
    #expect(cache.stale.isEmpty)
    cache.invalidate(keys[0])
    #expect(cache.stale == [names[0]])
    cache.removeAll()
    #expect(cache.count == 0 && cache.stale.isEmpty)
    #expect(!names.contains(cache.makeName()))
    let typed = StatementCache.Key(PostgresStatement(sql: "SELECT $1", values: [.int8(1)]))
    #expect(typed != StatementCache.Key(PostgresStatement(sql: "SELECT $1", values: [.null])))
    let composed = StatementCache.Key(PostgresStatement(sql: "SELECT '\u{E9}'"))
    #expect(composed != StatementCache.Key(PostgresStatement(sql: "SELECT 'e\u{301}'")))
  }

  @Test func errorsShowNoValues() {
    var fields = PostgresServerFields(sqlState: .uniqueViolation, severity: "ERROR", message: "duplicate key")
    fields.detail = "Key (mail)=(secret@example.org) already exists."
    fields.schema = "public"
    fields.table = "users"
    fields.constraint = "users_mail_key"
    let unique = PostgresError(fields, sql: "INSERT …")
    #expect(unique.description == "duplicate key (23505, table public.users, constraint users_mail_key)")
    #expect(unique.expandedDescription.contains("secret"))
    let malformed = PostgresError(
      PostgresServerFields(
        sqlState: "22P02", severity: "ERROR", message: "invalid input for type x: \"sec\"ret\""),
      sql: nil)
    #expect(malformed.description == "invalid input for type x: \"…\" (22P02)")
    var missing = PostgresServerFields(
      sqlState: .undefinedTable, severity: "ERROR", message: "no table \"t\"")
    missing.hint = "Make\nit."
    #expect(PostgresError(missing, sql: nil).description == "no table \"t\" (42P01)\nHint: Make it.")
  }

  @Test func failedConnectionsAreOneLine() {
    let (message, state) = Redaction.connectionFailure(
      """
      connection to server on socket "/a/.s.PGSQL.5432" failed: No such file or directory
      \tIs the server running locally and accepting connections on that socket?
      connection to server at "h" (10.0.0.1), port 5432 failed: FATAL:  28P01: password authentication failed for user "u"
      LOCATION:  auth_failed, auth.c:326

      """)
    #expect(
      message
        == "connection to server on socket \"/a/.s.PGSQL.5432\" failed: No such file or directory; connection to "
        + "server at \"h\" (10.0.0.1), port 5432 failed: password authentication failed for user \"u\" (28P01)"
    )
    #expect(state == .invalidPassword)
    #expect(Redaction.connectionFailure("").sqlState == nil)
  }
}
