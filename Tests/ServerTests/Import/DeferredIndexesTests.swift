// A first import does without indexes until its rows are there; they are always made again.

import AgentBase
import DemoFleet
import Foundation
import LegacyImport
import Postgres
import TestSupport
import Testing

@Suite struct DeferredIndexesTests {
  /// What a table has, as the catalogue spells it.
  private static let shape = """
    SELECT string_agg(line, E'\n' ORDER BY line) FROM (
      SELECT indexdef AS line FROM pg_indexes WHERE tablename LIKE 'agent\\_%' AND schemaname = current_schema()
      UNION ALL
      SELECT conrelid::regclass || ' ' || conname || ' ' || convalidated || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
      WHERE connamespace = current_schema()::regnamespace) AS lines
    """

  private static func scene(_ version: TestServer.Version, rows: Int = 50_000) async throws -> SourceScene {
    let scene = try await SourceScene(version)
    try DemoFleet.makeLarge(scene.path("large/memory.db"), rows: rows)
    return scene
  }

  /// What tables have that were never imported into.
  private static func expectedShape(_ version: TestServer.Version) async throws -> String? {
    let scene = try await SourceScene(version)
    try scene.write("a/memory.db", "CREATE TABLE memory (id INTEGER PRIMARY KEY, content TEXT)")
    _ = try await scene.importAll()
    return try await scene.texts(PostgresStatement(sql: shape)).first?[0]
  }

  @Test(arguments: TestServer.Version.allCases)
  func theTablesAreCompleteBehindTheImport(version: TestServer.Version) async throws {
    let expected = try await Self.expectedShape(version)
    #expect(expected?.contains("agent_metrics_by_time") == true)
    let scene = try await Self.scene(version)
    let report = try await scene.importAll()
    try await scene.expectWhole(report)
    #expect(report.warnings.isEmpty)
    #expect(try await scene.texts(PostgresStatement(sql: Self.shape)).first?[0] == expected)
  }

  @Test func anImportThatIsCutOffLeavesThemToTheNext() async throws {
    let expected = try await Self.expectedShape(.v18)
    let scene = try await Self.scene(.v18)
    let lost = Task { try await scene.importAll() }
    // It has begun to load: then the indexes are gone.
    while try await scene.count("SELECT count(*) FROM pg_class WHERE relname = 'agent_imports'") == 0 {}
    while try await scene.count("SELECT count(*) FROM agent_imports") == 0 {}
    #expect(try await scene.texts(PostgresStatement(sql: Self.shape)).first?[0] != expected)
    lost.cancel()
    _ = try? await lost.value
    try await scene.expectWhole(scene.importAll())
    #expect(try await scene.texts(PostgresStatement(sql: Self.shape)).first?[0] == expected)
  }

  @Test func tablesThatHoldSomethingKeepThem() async throws {
    let scene = try await SourceScene(.v18)
    try scene.write(
      "a/memory.db",
      "CREATE TABLE memory (id INTEGER PRIMARY KEY, content TEXT); INSERT INTO memory VALUES (1, 'x')")
    try await scene.expectWhole(scene.importAll())
    try DemoFleet.makeLarge(scene.path("large/memory.db"), rows: 50_000)
    let loading = Task { try await scene.importAll() }
    while try await scene.count("SELECT count(*) FROM agent_imports") < 2 {}
    #expect(
      try await scene.count("SELECT count(*) FROM pg_indexes WHERE indexname = 'agent_memories_imported'")
        == 1)
    try await scene.expectWhole(loading.value)
  }

  /// An index of what each store changes, though it be one of imported rows, keeps every store from being an update in place.
  @Test(arguments: ["agent_memories", "agent_tools"])
  func noIndexHoldsWhatEachStoreChanges(table: String) async throws {
    let scene = try await SourceScene(.v15)
    try scene.write("a/memory.db", "CREATE TABLE memory (id INTEGER PRIMARY KEY, content TEXT)")
    _ = try await scene.importAll()
    let used = try await scene.count("SELECT count(*) FROM pg_indexes WHERE tablename = '\(table)'")
    #expect(used >= 3)
    let changing = try await scene.texts(
      """
      SELECT indexrelid::regclass::text FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)
      WHERE indrelid = \(table)::regclass AND attname IN ('updated_at', 'version', 'content', 'metadata', 'usage_count')
      """)
    #expect(changing == [])
  }

  @Test func whoDoesNotOwnTheTablesImportsAllTheSame() async throws {
    let scene = try await SourceScene(.v18)
    try scene.write("a/memory.db", "CREATE TABLE memory (id INTEGER PRIMARY KEY, content TEXT)")
    _ = try await scene.importAll()
    let expected = try await scene.texts(PostgresStatement(sql: Self.shape)).first?[0]
    let user = "guest_\(UInt32.random(in: 0...UInt32.max))"
    try await scene.script(
      """
      CREATE ROLE \(user) LOGIN; GRANT USAGE ON SCHEMA public TO \(user);
      GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO \(user)
      """)
    try DemoFleet.makeLarge(scene.path("large/memory.db"), rows: 50_000)
    let url = scene.url.replacing("user=postgres", with: "user=\(user)")
    try #require(url != scene.url)
    let report = try await scene.importAll { $0.postgresURL = url }
    #expect(report.exitCode == 0)
    #expect(report.warnings.isEmpty)
    #expect(try await scene.texts(PostgresStatement(sql: Self.shape)).first?[0] == expected)
    try await scene.script("DROP OWNED BY \(user); DROP ROLE \(user)")
  }
}
