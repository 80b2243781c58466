// Runs that are killed, cut off, out of time or out of space while agents go on writing: after a last clean run the target is
// what an undisturbed run makes.

import Foundation
import PrivateServer
import TestSupport
import Testing

@Suite(.serialized) struct DisturbanceTests {
  /// How many disturbances have to befall runs that are under way.
  private static let goal = runsLongTests ? 200 : 12

  @Test(.timeLimit(.minutes(60)))
  func importsAreDisturbed() async throws { try await disturb(.importing, goal: Self.goal) }

  private func disturb(_ verb: DisturbedVerb, goal: Int) async throws {
    let seed = SeededGenerator.seed(for: "disturbances of \(verb.name)")
    var random = SeededGenerator(seed: seed)
    let disk = SmallDisk.missing == nil ? try SmallDisk(megabytes: 400) : nil
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
