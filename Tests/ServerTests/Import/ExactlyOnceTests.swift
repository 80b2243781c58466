// Imports that end by themselves and run several at once: afterwards every row is there once. (Disturbance/ kills them.)

import AgentBase
import Foundation
import LegacyImport
import SQLite
import TestSupport
import Testing

@Suite(.serialized) struct ExactlyOnceTests {
  /// A folder of three files that takes a second or so to move in small chunks.
  private func makeFiles(_ scene: SourceScene) throws {
    for name in ["a", "b", "c"] {
      try scene.write(
        "\(name)/x.db",
        """
        CREATE TABLE memory (id INTEGER PRIMARY KEY, key TEXT, value TEXT, created_at TEXT);
        CREATE TABLE metrics (metric_name TEXT, value REAL, timestamp TEXT, PRIMARY KEY (metric_name, timestamp)) WITHOUT ROWID;
        CREATE TABLE notes (body TEXT PRIMARY KEY);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)
          INSERT INTO memory SELECT i, 'key' || (i % 100), 'value ' || i, '2024-01-15 10:30:00' FROM n;
        INSERT INTO metrics SELECT 'm', id / 7.0, 't' || id FROM memory WHERE id <= 2000;
        INSERT INTO notes SELECT value FROM memory WHERE id <= 1000;
        INSERT INTO memory VALUES (5000, printf('%.10000c', 'k'), 'a key that is too long', NULL);
        """)
    }
  }

  /// What an undisturbed run leaves.
  private func undisturbed(_ scene: SourceScene) async throws -> [String: String] {
    let url = try await TestServer.freshDatabase()
    var options = ImportOptions(postgresURL: url)
    options.batchSize = 500
    _ = try await Importer(scene.discovery(), options: options).run()
    return try await SourceScene(url: url).digests()
  }

  /// Completes what was disturbed, and checks that nothing is missing and nothing is there twice.
  private func expectComplete(
    _ scene: SourceScene, _ expected: [String: String], _ comment: Comment,
    location: SourceLocation = #_sourceLocation
  ) async throws {
    let report = try await scene.importAll { $0.batchSize = 500 }
    try await scene.expectWhole(report, comment, location: location)
    #expect(try await scene.digests() == expected, comment, sourceLocation: location)
    #expect(
      try await scene.count("SELECT count(*) FROM agent_import_rejects") == 3, comment,
      sourceLocation: location)
    #expect(try await scene.verify().exitCode == 0, comment, sourceLocation: location)
  }

  @Test func severalAtOnce() async throws {
    let scene = try await SourceScene()
    try makeFiles(scene)
    let expected = try await undisturbed(scene)
    let reports = try await withThrowingTaskGroup(of: ImportReport.self) { group in
      for _ in 0..<3 { group.addTask { try await scene.importAll { $0.batchSize = 200 } } }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    for report in reports {
      #expect(report.exitCode == 3)
      #expect(report.tables.allSatisfy { $0.read == $0.loaded + $0.alreadyThere + $0.rejected })
    }
    // Each row was loaded by one of them.
    #expect(reports.reduce(0) { $0 + $1.tables.reduce(0) { $0 + $1.loaded } } == 3 * 7000)
    try await expectComplete(scene, expected, "three at once")
  }

  @Test func cancelledAndOutOfTime() async throws {
    let seed = SeededGenerator.seed(for: "cancelledAndOutOfTime")
    var random = SeededGenerator(seed: seed)
    let scene = try await SourceScene()
    try makeFiles(scene)
    let expected = try await undisturbed(scene)
    for round in 0..<6 {
      let milliseconds = Int.random(in: 5...400, using: &random)
      if round.isMultiple(of: 2) {
        let task = Task { try await scene.importAll { $0.batchSize = 100 } }
        try await Task.sleep(for: .milliseconds(milliseconds))
        task.cancel()
        _ = await task.result
      } else {
        do {
          _ = try await scene.importAll {
            $0.batchSize = 100
            $0.timeout = .milliseconds(milliseconds)
          }
        } catch let error as ImportError {
          #expect(error.code == .timeout)
        }
      }
    }
    // No connection is left to hold a lock.
    try await expectComplete(scene, expected, "seed \(seed)")
  }
}
