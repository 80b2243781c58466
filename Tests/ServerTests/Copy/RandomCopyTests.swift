// Random databases through the whole of `copy`: every row is there or rejected, and the proof holds.

import Foundation
import LegacyImport
import SQLite
import TestSupport
import Testing

@Suite struct RandomCopyTests {
  @Test(
    "A random database is copied whole, proved, and copied again to no effect", arguments: TestServer.versions
  )
  func randomDatabases(version: TestServer.Version) async throws {
    let isLong = ProcessInfo.processInfo.environment["AGENTBASE_LONG_TESTS"] == "1"
    let seed = SeededGenerator.seed(for: "random copies, \(version)")
    let scene = try await CopyScene(version)
    for round in 0..<(isLong ? 1000 : 25) {
      let path = scene.folder.path + "/round\(round).db"
      let seed = seed &+ UInt64(round)
      try Self.makeFile(path, seed: seed)
      do {
        try await check(path, url: scene.url, schema: "round \(round)", seed: seed)
      } catch {
        Issue.record("AGENTBASE_SEED=\(seed): \(error)")
      }
    }
  }

  private static func makeFile(_ path: String, seed: UInt64) throws {
    let file = try SQLiteConnection(path: path)
    for statement in RandomSchema(seed: seed).statements { try? file.executeScript(statement) }
    // A generated column that reads itself cannot be read at all.
    for row in try file.query(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
    {
      let name = SQLiteIdentifier.quoted(row[0].string ?? "")
      if (try? file.prepare("SELECT * FROM \(name)")) == nil { try file.executeScript("DROP TABLE \(name)") }
    }
    // An empty file is none.
    try file.executeScript("CREATE TABLE \"last\" (x INT)")
  }

  private func check(_ path: String, url: String, schema: String, seed: UInt64) async throws {
    func run(_ change: (inout CopyOptions) -> Void = { _ in }) async throws -> CopyReport {
      var options = CopyOptions(postgresURL: url)
      options.schema = schema
      change(&options)
      return try await DatabaseCopy(file: path, options: options).run()
    }
    let rehearsal = try await run { $0.isDryRun = true }
    let first = try await run()
    #expect(first.errors == [], "AGENTBASE_SEED=\(seed)")
    #expect(
      first.verification?.exitCode == 0, "AGENTBASE_SEED=\(seed): \(String(describing: first.verification))")
    #expect(rehearsal.rejected == first.rejected, "AGENTBASE_SEED=\(seed): the dry run said otherwise")
    for table in first.tables {
      #expect(table.read == table.loaded + table.rejected, "AGENTBASE_SEED=\(seed): \(table.table)")
      // Types are chosen for the values that are there: what does not fit is said beforehand.
      let isNamed = first.omissions.contains { $0.table == table.table && $0.kind == .columnType }
      #expect(
        table.rejected == 0 || isNamed,
        "AGENTBASE_SEED=\(seed): \(table.rejected) rows of \(table.table) rejected: \(table.rejects)")
    }
    let second = try await run()
    #expect(second.loaded == 0 && second.rejected == first.rejected, "AGENTBASE_SEED=\(seed)")
    #expect(second.verification?.exitCode == 0, "AGENTBASE_SEED=\(seed)")
  }
}
