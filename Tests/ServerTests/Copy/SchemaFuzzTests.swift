// Random schemas: every table is made, and what is not made is named.

import Foundation
import Postgres
import SQLite
import TestSupport
import Testing

@testable import LegacyImport

@Suite struct SchemaFuzzTests {
  @Test(
    "Every table of a random schema is made, and all else is there or named", arguments: TestServer.versions)
  func randomSchemas(version: TestServer.Version) async throws {
    let isLong = ProcessInfo.processInfo.environment["AGENTBASE_LONG_TESTS"] == "1"
    var seed = SeededGenerator.seed(for: "random schemas, \(version)")
    let scene = try await SchemaScene(version, "")
    for round in 0..<(isLong ? 2000 : 60) {
      try await check(seed: seed, on: scene, schema: "round \(round)")
      seed &+= 1
    }
    await scene.close()
  }

  private func check(seed: UInt64, on shared: SchemaScene, schema: String) async throws {
    let file = try SQLiteConnection(path: ":memory:")
    for statement in RandomSchema(seed: seed).statements { try? file.executeScript(statement) }
    // A generated column that reads itself cannot be read at all.
    for row in try file.query(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
    {
      let name = SQLiteIdentifier.quoted(row[0].string ?? "")
      if (try? file.prepare("SELECT * FROM \(name)")) == nil { try file.executeScript("DROP TABLE \(name)") }
    }
    let scene = SchemaScene(shared, file: file)
    let source = try SourceDatabase(reading: file)
    let outcome: SchemaScene.Outcome
    do {
      outcome = try await scene.make(schema: schema)
    } catch {
      Issue.record("AGENTBASE_SEED=\(seed): \((error as? PostgresError)?.expandedDescription ?? "\(error)")")
      return
    }
    let made = try await SchemaBuild.made(in: schema, on: scene.connection)
    #expect(made.count == source.tables.count, "AGENTBASE_SEED=\(seed)")
    // The rows of a table are the source's, but for those that a named column cannot hold.
    for table in source.tables {
      let isNamed = outcome.omissions.contains { $0.table == table.name && [.columnType].contains($0.kind) }
      let rejected = outcome.rejected[table.name] ?? 0
      #expect(rejected == 0 || isNamed, "AGENTBASE_SEED=\(seed): \(rejected) rows of \(table.name) rejected")
    }
    for table in source.tables { try await expectAll(of: table, in: outcome, schema, scene, seed) }
    for view in source.views {
      let isMade = outcome.translation.after.contains { $0.object == .view }
      let isNamed = outcome.omitted(.view)[view.name] != nil
      #expect(isMade || isNamed, "AGENTBASE_SEED=\(seed): \(view.name)")
    }
    // A second run makes nothing new.
    let before = try await relations(of: schema, scene)
    try await scene.make(schema: schema)
    let after = try await relations(of: schema, scene)
    #expect(before == after, "AGENTBASE_SEED=\(seed)")
  }

  /// Each kind of thing: as many in Postgres and among what is left out as in the source.
  private func expectAll(
    of table: SourceDatabase.Table, in outcome: SchemaScene.Outcome, _ schema: String, _ scene: SchemaScene,
    _ seed: UInt64
  ) async throws {
    let target = try #require(outcome.translation.tables.first { $0.source == table.name }?.target)
    let kinds: [(String, Int, Set<Omission.Kind>)] = [
      ("c", table.checks.count, [.check]), ("f", table.foreignKeys.count, [.foreignKey]),
    ]
    for (kind, declared, omitted) in kinds {
      let row = try await scene.connection.queryOne(
        """
        SELECT count(*) FROM pg_constraint JOIN pg_class AS c ON c.oid = conrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE nspname = \(schema) AND relname = \(target) AND contype::text = \(kind)
        """)
      let there = try row?.decode(0, as: Int.self) ?? 0
      let left = outcome.omissions.filter {
        $0.table == table.name && $0.effect == .leftOut && omitted.contains($0.kind)
      }
      #expect(there + left.count == declared, "AGENTBASE_SEED=\(seed): \(kind) of \(table.name): \(left)")
    }
    let row = try await scene.connection.queryOne(
      """
      SELECT count(*) FROM pg_index JOIN pg_class AS c ON c.oid = indrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
      WHERE nspname = \(schema) AND relname = \(target)
      """)
    let there = try row?.decode(0, as: Int.self) ?? 0
    let declared = table.indexes.count + table.uniqueKeys.count + (table.primaryKey == nil ? 0 : 1)
    let left = outcome.omissions.filter {
      $0.table == table.name && $0.effect == .leftOut && [.index, .uniqueKey, .primaryKey].contains($0.kind)
    }
    // A key that folds letters may have two.
    #expect(there + left.count >= declared, "AGENTBASE_SEED=\(seed): indexes of \(table.name): \(left)")
  }

  private func relations(of schema: String, _ scene: SchemaScene) async throws -> [String] {
    try await scene.lines(
      """
      SELECT relname, relkind FROM pg_class JOIN pg_namespace AS n ON n.oid = relnamespace WHERE nspname = '\(schema)' ORDER BY 1
      """)
  }
}
