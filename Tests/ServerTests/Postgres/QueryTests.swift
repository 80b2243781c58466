// Statements, values and rows against a live server.

import Postgres
import TestSupport
import Testing

@Suite struct PostgresQueryTests {
  @Test(arguments: TestServer.versions)
  func valuesComeBackAsTheyWere(version: TestServer.Version) async throws {
    let connection = try await Live.connection(version)
    let uuid = try #require(PostgresUUID("01890a5d-ac96-774b-bcce-b302099a8057"))
    let values: [(PostgresValue, String)] = [
      (.bool(true), "boolean"), (.int2(.min), "smallint"), (.int4(.max), "integer"), (.int8(.min), "bigint"),
      (.float4(-0.0), "real"), (.float4(1.5e-30), "real"),
      (.float8(.leastNonzeroMagnitude), "double precision"),
      (.float8(-.infinity), "double precision"), (.text(""), "text"), (.text("a'\"\\é😀\n"), "text"),
      (.bytea([]), "bytea"), (.bytea([0, 255, 1]), "bytea"), (.uuid(uuid), "uuid"),
      (.timestamptz(-1), "timestamptz"), (.timestamptz(.max), "timestamptz"),
      (.timestamptz(.min), "timestamptz"),
      (.timestamp(1_700_000_000_123_456), "timestamp"), (.date(-1), "date"), (.date(.max), "date"),
      (.json("{\"a\" : 1, \"a\":2}"), "json"), (.jsonb("{\"a\": 1}"), "jsonb"),
      (.numeric("-12.50"), "numeric"),
      (.numeric("0.00001234567890123456789"), "numeric"),
      (.numeric("123456789012345678901234567890"), "numeric"),
      (.numeric("NaN"), "numeric"), (.numeric("0"), "numeric"), (.numeric("10000"), "numeric"),
      (.textArray([]), "text[]"), (.textArray(["", "a,b", "é\""]), "text[]"),
      (.int4Array([1, -2]), "integer[]"),
      (.int8Array([.min, 0, .max]), "bigint[]"), (.float4Array([1.5, -0.0]), "real[]"),
      (.float8Array([0.1, .leastNonzeroMagnitude]), "double precision[]"), (.uuidArray([uuid]), "uuid[]"),
      (.null, "jsonb"),
    ]
    for (value, type) in values {
      let row = try await connection.query(
        PostgresStatement(sql: "SELECT $1::\(type)", values: [value]))[0]
      #expect(try row.value(0) == value, "\(type)")
    }
    let times = try await connection.query("SELECT '2024-01-15 10:30:00Z'::timestamptz, '2024-01-15'::date")[
      0]
    #expect(try times.value(0) == .timestamptz(1_705_314_600_000_000))
    #expect(try times.value(1) == .date(19737))
    await connection.close()
  }

  @Test(arguments: TestServer.versions) func interpolationBindsAndRowsDecode(version: TestServer.Version)
    async throws
  {
    let connection = try await Live.connection(version)
    try await connection.executeScript(
      "CREATE TYPE mood AS ENUM ('glad', 'sad'); CREATE TABLE \"Odd \"\"T\" (a int, m mood)")
    let name = "Odd \"T"
    let evil = "1; DROP TABLE x --"
    let changed = try await connection.execute(
      "INSERT INTO \(identifier: name) VALUES (\(1), \("glad")), (\(Int?.none), \("sad"))")
    #expect(changed == 2)
    let rows = try await connection.query(
      "SELECT a, m, \(evil)::text AS evil FROM \(identifier: name) ORDER BY a NULLS LAST")
    #expect(rows.count == 2)
    #expect(rows.columns.map(\.name) == ["a", "m", "evil"])
    #expect(try rows[0].decode("a", as: Int.self) == 1)
    #expect(try rows[1].decode("a", as: Int?.self) == nil)
    #expect(try rows.map { try $0.decode("m", as: String.self) } == ["glad", "sad"])
    #expect(try rows[0].decode(2, as: String.self) == evil)
    let null = try await Live.error { _ = try rows[1].decode("a", as: Int.self) }
    #expect(null.code == .decoding)
    #expect(null.description == "column \"a\" (integer) of row 1 is NULL")
    let missing = try await Live.error { _ = try rows[1].decode("b", as: Int.self) }
    #expect(missing.description.contains("\"b\""))
    await connection.close()
  }

  @Test(arguments: TestServer.versions) func serverErrorsCarryTheirFields(version: TestServer.Version)
    async throws
  {
    let connection = try await Live.connection(version)
    try await connection.executeScript("CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL)")
    try await connection.execute("INSERT INTO t VALUES (7777, 1)")
    let twice = try await Live.error { try await connection.execute("INSERT INTO t VALUES (\(7777), \(1))") }
    #expect(twice.code == .server)
    #expect(twice.sqlState == .uniqueViolation)
    #expect(twice.server?.table == "t")
    #expect(twice.server?.constraint == "t_pkey")
    #expect(twice.server?.detail == "Key (id)=(7777) already exists.")
    #expect(!twice.description.contains("7777"))
    #expect(twice.description.contains("t_pkey") && twice.description.contains("23505"))
    #expect(twice.expandedDescription.contains("7777"))
    let syntax = try await Live.error { try await connection.execute("SELEC 1") }
    #expect(syntax.sqlState == .syntaxError)
    #expect(syntax.server?.position == 1)
    let malformed = try await Live.error { _ = try await connection.query("SELECT \("sesame")::text::int") }
    #expect(malformed.sqlState == .invalidTextRepresentation)
    #expect(!malformed.description.contains("sesame"))
    let nul = try await Live.error { _ = try await connection.query("SELECT \("a\0b")") }
    #expect(nul.code == .encoding)
    #expect(try await connection.query("SELECT 1").count == 1)
    await connection.close()
  }

  @Test(arguments: TestServer.versions) func preparedStatementsSurviveInvalidation(
    version: TestServer.Version
  ) async throws {
    let connection = try await Live.connection(version)
    try await connection.executeScript("CREATE TABLE t (a int); INSERT INTO t VALUES (1)")
    let select: PostgresStatement = "SELECT * FROM t WHERE a = \(1)"
    #expect(try await connection.query(select).columns.count == 1)
    // The result's columns change under the plan.
    try await connection.execute("ALTER TABLE t ADD b text DEFAULT 'x'")
    #expect(try await connection.query(select).columns.count == 2)
    // Behind the driver's back, so that its cache still names what is gone.
    try await connection.executeScript("DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$")
    #expect(try await connection.query(select).columns.count == 2)
    try await connection.executeScript("DISCARD ALL")
    #expect(try await connection.query(select).columns.count == 2)
    // In a transaction it cannot be run again, but the error says that the transaction can.
    try await connection.execute("ALTER TABLE t ADD c int")
    let stale = try await Live.error { try await connection.transaction { _ = try await $0.query(select) } }
    #expect(stale.isSafeToRetry)
    #expect(try await connection.transaction { try await $0.query(select).columns.count } == 3)
    await connection.close()
  }

  @Test(arguments: TestServer.versions) func theCacheForgetsAndTheServerToo(version: TestServer.Version)
    async throws
  {
    var configuration = try await Live.configuration(version)
    configuration.statementCacheLimit = 3
    let connection = try await PostgresConnection.connect(configuration)
    for number in 0..<10 { _ = try await connection.query(PostgresStatement(sql: "SELECT \(number)")) }
    let held = try await connection.query("SELECT count(*) FROM pg_prepared_statements")[0]
    #expect(try held.decode(0, as: Int.self) <= 3)
    configuration.preparesStatements = false
    let plain = try await PostgresConnection.connect(configuration)
    for number in 0..<3 {
      #expect(try await plain.query("SELECT \(number)")[0].decode(0, as: Int.self) == number)
    }
    #expect(
      try await plain.query("SELECT count(*) FROM pg_prepared_statements")[0].decode(0, as: Int.self) == 0)
    await connection.close()
    await plain.close()
  }

  @Test(arguments: TestServer.versions) func typesWithoutABinaryFormComeAsText(version: TestServer.Version)
    async throws
  {
    let connection = try await Live.connection(version)
    let rows = try await connection.query("SELECT 'postgres=r/postgres'::aclitem AS acl, 5 AS five")
    #expect(try rows[0].decode("acl", as: String.self) == "postgres=r/postgres")
    #expect(try rows[0].decode("five", as: Int.self) == 5)
    await connection.close()
  }

  @Test(arguments: TestServer.versions) func noticesGoToTheirHandler(version: TestServer.Version) async throws
  {
    let (notices, sink) = AsyncStream.makeStream(of: PostgresServerFields.self)
    let connection = try await PostgresConnection.connect(
      try await Live.configuration(version), onNotice: { sink.yield($0) })
    try await connection.executeScript("DO $$ BEGIN RAISE WARNING 'mind' USING DETAIL = 'the gap'; END $$")
    let notice = try #require(await notices.first { _ in true })
    #expect(notice.severity == "WARNING")
    #expect(notice.message == "mind")
    #expect(notice.detail == "the gap")
    await connection.close()
  }

  @Test(arguments: TestServer.versions) func misplacedCopyIsRefusedAndTheLinkStays(
    version: TestServer.Version
  ) async throws {
    let connection = try await Live.connection(version)
    try await connection.executeScript("CREATE TABLE t (a int)")
    for sql in ["COPY t FROM STDIN", "COPY (SELECT generate_series(1, 100000)) TO STDOUT"] {
      let error = try await Live.error { try await connection.execute(PostgresStatement(sql: sql)) }
      #expect(error.code == .misuse, "\(error)")
      #expect(await connection.isIdle)
    }
    #expect(try await connection.query("SELECT 1").count == 1)
    await connection.close()
  }

  @Test(arguments: TestServer.versions) func aSessionIsResetOnlyWhereItWasChanged(version: TestServer.Version)
    async throws
  {
    let connection = try await Live.connection(version)
    try await connection.execute("SET application_name = 'changed'")
    try await connection.execute("LISTEN news")
    try await connection.execute("BEGIN")
    try await connection.reset()
    #expect(await connection.isIdle)
    let name = try await connection.query(
      "SELECT current_setting('application_name'), count(*) FROM pg_listening_channels()")
    #expect(try name[0].decode(0, as: String.self) == "")
    #expect(try name[0].decode(1, as: Int.self) == 0)
    #expect(await connection.parameter("client_encoding") == "UTF8")
    await connection.close()
  }

  @Test(arguments: TestServer.versions) func notificationsArrive(version: TestServer.Version) async throws {
    let configuration = try await Live.configuration(version)
    let listener = try await PostgresConnection.connect(configuration)
    let sender = try await PostgresConnection.connect(configuration)
    try await listener.execute("LISTEN news")
    let waiting = Task { try await listener.nextNotification() }
    try await sender.execute("SELECT pg_notify('news', 'one')")
    let first = try await waiting.value
    #expect(first.payload == "one")
    #expect(first.processID == sender.backendProcessID)
    let cancelled = Task { try await listener.nextNotification() }
    cancelled.cancel()
    await #expect(throws: PostgresError.self) { try await cancelled.value }
    #expect(try await listener.query("SELECT 1").count == 1)
    await listener.close()
    await sender.close()
  }
}
