// Random legacy files: there, proved, and back, with nothing lost and nothing changed.

import DemoFleet
import Foundation
import LegacyImport
import SQLite
import TestSupport
import Testing

@Suite struct SourceFuzzTests {
  /// Files that one import moves.
  private static let filesAtOnce: UInt64 = 30

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
      let readings = try await IndependentReading.read(
        scene.discovery().files.map(\.relativePath), in: scene.root)
      try await checkTheWholeWay(scene, readings, "seed \(seed), round \(round)")
    }
  }

  private func checkTheWholeWay(
    _ scene: SourceScene, _ readings: [String: IndependentReading], _ comment: Comment
  ) async throws {
    let before = try scene.bytes()
    let dry = try await scene.importAll { $0.isDryRun = true }
    let report = try await scene.importAll { $0.batchSize = 7 }
    try await scene.expectWhole(report, comment)
    for (file, reading) in readings {
      #expect(reading.fault == nil, comment)
      #expect(
        report.tables.filter { $0.file == file }.map(\.read).sorted() == reading.rows, "\(file), \(comment)")
    }
    for (predicted, found) in zip(dry.tables, report.tables) {
      #expect(predicted.loaded == found.loaded && predicted.rejected == found.rejected, comment)
      #expect(predicted.rejects.map(\.key) == found.rejects.map(\.key), "\(found.file), \(comment)")
      #expect(predicted.rejects.map(\.reason) == found.rejects.map(\.reason), "\(found.file), \(comment)")
    }
    let again = try await scene.importAll()
    try await scene.expectWhole(again, comment)
    #expect(again.tables.allSatisfy { $0.loaded == 0 }, comment)
    #expect(try scene.bytes() == before, comment)
    try await scene.expectIdenticalRollback(comment)
  }
}
