// Random legacy files: there, proved, and back, with nothing lost and nothing changed.

import DemoFleet
import Foundation
import LegacyImport
import SQLite
import TestSupport
import Testing

@Suite struct SourceFuzzTests {
  /// Files that one import moves.
  private static let filesAtOnce: UInt64 = 25

  @Test(.timeLimit(.minutes(60)))
  func randomFilesComeBackIdentical() async throws {
    let seed = SeededGenerator.seed(for: "randomFilesComeBackIdentical")
    for round in 0..<(runsLongTests ? 100 : 2) as Range<UInt64> {
      let version = TestServer.versions[Int(round) % TestServer.versions.count]
      let scene = try await SourceScene(version)
      for file in 0..<Self.filesAtOnce {
        var source = RandomSource(seed: seed &+ round &* Self.filesAtOnce &+ file)
        try source.write(to: scene.open("a\(file)/x.db"))
      }
      try await checkTheWholeWay(scene, "seed \(seed), round \(round)")
    }
  }

  private func checkTheWholeWay(_ scene: SourceScene, _ comment: Comment) async throws {
    let before = try scene.bytes()
    let dry = try await scene.importAll { $0.isDryRun = true }
    let report = try await scene.importAll { $0.batchSize = 7 }
    try await scene.expectWhole(report, comment)
    #expect(dry.tables.map(\.rejected) == report.tables.map(\.rejected), comment)
    #expect(dry.tables.map(\.loaded) == report.tables.map(\.loaded), comment)
    let again = try await scene.importAll()
    try await scene.expectWhole(again, comment)
    #expect(again.tables.allSatisfy { $0.loaded == 0 }, comment)
    #expect(try scene.bytes() == before, comment)
    try await scene.expectIdenticalRollback(comment)
  }
}
