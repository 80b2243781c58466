// Runs that are killed, cut off, out of time or out of space while agents go on writing: after a last clean run the target is
// what an undisturbed run makes.

import Foundation
import LegacyImport
import PrivateServer
import TestSupport
import Testing

@Suite(.serialized) struct DisturbanceTests {
  /// How many disturbances have to befall runs that are under way.
  private static let goal = runsLongTests ? 200 : 12

  @Test(.timeLimit(.minutes(60)))
  func importsAreDisturbed() async throws { try await disturb(.importing, goal: Self.goal) }

  @Test(.timeLimit(.minutes(60)))
  func copiesAreDisturbed() async throws { try await disturb(.copying, goal: Self.goal) }

  /// No room for a copy of the source, nor for a report.
  @Test(.enabled(if: SmallDisk.missing == nil, "\(SmallDisk.missing ?? "")"))
  func theClientsOwnDiskIsFull() async throws {
    let disk = try SmallDisk(megabytes: 4)
    try disk.fill()
    let scene = try await SourceScene()
    try scene.write(
      "a/x.db",
      """
      CREATE TABLE memory (id INTEGER PRIMARY KEY, value TEXT);
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
        INSERT INTO memory SELECT i, printf('%.10000c', 'v') FROM n;
      """)
    let command = try RunningCommand(
      ["import", "--agents-path", scene.root, "--postgres-url", scene.url, "--quiet"], in: disk.path,
      environment: ["TMPDIR": disk.path])
    let ended = await command.ended()
    // What cannot be copied is read in place. The report is all that is missing.
    #expect(ended.exitCode == 1 && ended.errorLines.count == 2, "\(ended.errors)")
    #expect(ended.errors.contains("the run is done, but its report migration_report"), "\(ended.errors)")
    #expect(try await scene.count("SELECT count(*) FROM agent_memories") == 1000)
    #expect(try await scene.verify().exitCode == 0)
  }

  private func disturb(_ verb: DisturbedVerb, goal: Int) async throws {
    let seed = SeededGenerator.seed(for: "disturbances of \(verb.name)")
    var random = SeededGenerator(seed: seed)
    let disk = SmallDisk.missing == nil ? try SmallDisk(megabytes: 800) : nil
    let server = try await server(on: disk)
    if disk == nil { print("no full disks: \(SmallDisk.missing ?? "")") }
    let kinds = Disturbance.Kind.allCases.filter { $0 != .diskFull || disk != nil }
    var hits: [Disturbance.Kind: Int] = [:]
    var scenes = 0
    while hits.values.reduce(0, +) < goal {
      scenes += 1
      // Each scene sees every kind, in an order of its own.
      let scene = try await DisturbedScene(
        verb, on: server, disk: disk, changesRows: random.chance(0.4),
        comment: "seed \(seed), scene \(scenes)")
      for hit in try await scene.run(kinds.shuffled(using: &random), &random) {
        hits[hit.kind, default: 0] += 1
      }
      try #require(scenes < 10 * goal, "hardly a run is under way when it is disturbed")
    }
    let counts = hits.sorted { $0.key.rawValue < $1.key.rawValue }.map { "\($0.value) \($0.key.rawValue)" }
    print("\(verb.name): \(hits.values.reduce(0, +)) disturbances in \(scenes) scenes: \(counts)")
    #expect(hits.count == kinds.count || !runsLongTests)
    try await server.server.remove()
  }

  /// A server on the disk, where there is one.
  private func server(on disk: SmallDisk?) async throws -> TestServer {
    var settings = PrivateServer.Settings.forTests
    settings.parameters["max_wal_size"] = "64MB"
    settings.parameters["min_wal_size"] = "32MB"
    return try await TestServer.dedicated(in: disk?.path, settings: settings)
  }
}
