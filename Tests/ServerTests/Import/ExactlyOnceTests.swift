// Imports that are killed, cut off, cancelled and run twice at once: afterwards every row is there once.

import AgentBase
import Foundation
import LegacyImport
import PrivateServer
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

  private func run(_ scene: SourceScene) throws -> RunningCommand {
    try RunningCommand(
      [
        "import", "--agents-path", scene.root, "--postgres-url", scene.url, "--batch-size", "100",
        "--no-verify",
      ],
      in: scene.folder.path)
  }

  // MARK: - Killed

  @Test func killedAtRandomMoments() async throws {
    let seed = SeededGenerator.seed(for: "killedAtRandomMoments")
    var random = SeededGenerator(seed: seed)
    let first = try await SourceScene()
    try makeFiles(first)
    let expected = try await undisturbed(first)
    var kills = 0
    for round in 0..<(runsLongTests ? 40 : 3) {
      let scene = try await SourceScene()
      try makeFiles(scene)
      for _ in 0..<5 {
        let importer = try run(scene)
        try await Task.sleep(for: .milliseconds(Int.random(in: 20...700, using: &random)))
        importer.signal(SIGKILL)
        if await importer.ended().exitCode == SIGKILL { kills += 1 }
      }
      try await expectComplete(scene, expected, "seed \(seed), round \(round)")
    }
    #expect(kills > 0)
  }

  @Test func itsConnectionIsEndedAtRandomMoments() async throws {
    let seed = SeededGenerator.seed(for: "itsConnectionIsEndedAtRandomMoments")
    var random = SeededGenerator(seed: seed)
    let scene = try await SourceScene()
    try makeFiles(scene)
    let expected = try await undisturbed(scene)
    for _ in 0..<(runsLongTests ? 100 : 6) {
      let importer = try run(scene)
      try await Task.sleep(for: .milliseconds(Int.random(in: 50...600, using: &random)))
      try await scene.execute(
        """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'agentbase import'
        """)
      let ended = await importer.ended()
      if ended.exitCode != 0 && ended.exitCode != 3 {
        #expect(ended.exitCode == 1)
        #expect((1...2).contains(ended.errorLines.count), "\(ended.errors)")
      }
    }
    try await expectComplete(scene, expected, "seed \(seed)")
  }

  @Test func itsServerGoesAwayAndComesBack() async throws {
    let seed = SeededGenerator.seed(for: "itsServerGoesAwayAndComesBack")
    var random = SeededGenerator(seed: seed)
    let server = try await TestServer.dedicated()
    let scene = try await SourceScene(url: server.freshDatabase())
    try makeFiles(scene)
    let expected = try await undisturbed(scene)
    for _ in 0..<(runsLongTests ? 30 : 3) {
      let importer = try run(scene)
      try await Task.sleep(for: .milliseconds(Int.random(in: 100...600, using: &random)))
      try await server.server.restart(.immediate)
      let ended = await importer.ended()
      #expect([0, 1, 3].contains(ended.exitCode), "\(ended.errors)")
    }
    try await expectComplete(scene, expected, "seed \(seed)")
    try await server.server.remove()
  }

  // MARK: - Ended by itself

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
