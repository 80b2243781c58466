// Random databases with values of every storage class, through the whole copy: every row accounted for, and proved.

import Foundation
import LegacyImport
import SQLite
import TestSupport
import Testing

@Suite struct CopyAccountFuzzTests {
  /// Databases that go into one of Postgres, each into a schema of its own.
  private static let filesAtOnce: UInt64 = 30

  @Test(.timeLimit(.minutes(60)))
  func randomDatabases() async throws {
    let seed = SeededGenerator.seed(for: "randomDatabases")
    for round in 0..<(runsLongTests ? 40 : 1) as Range<UInt64> {
      let version = TestServer.versions[Int(round) % TestServer.versions.count]
      let url = try await TestServer.freshDatabase(version)
      let folder = try TemporaryFolder("copies")
      for file in 0..<Self.filesAtOnce {
        let name = "file\(file).db"
        var source = RandomSource(seed: seed &+ round &* Self.filesAtOnce &+ file)
        try source.write(to: SQLiteConnection(path: folder.file(name)))
      }
      let names = (0..<Self.filesAtOnce).map { "file\($0).db" }
      let readings = try await IndependentReading.read(names, in: folder.path)
      for (place, name) in names.enumerated() {
        let number = seed &+ round &* Self.filesAtOnce &+ UInt64(place)
        var options = CopyOptions(postgresURL: url)
        options.schema = "schema \(place)"
        do {
          try await check(folder.path + "/" + name, options, readings[name], "AGENTBASE_SEED=\(number)")
        } catch {
          Issue.record("AGENTBASE_SEED=\(number): \(error)")
        }
      }
    }
  }

  private func check(
    _ path: String, _ options: CopyOptions, _ reading: IndependentReading?, _ comment: Comment
  ) async throws {
    var dryOptions = options
    dryOptions.isDryRun = true
    let before = FileManager.default.contents(atPath: path)
    let dry = try await DatabaseCopy(file: path, options: dryOptions).run()
    var small = options
    small.batchSize = 7
    let report = try await DatabaseCopy(file: path, options: small).run()
    // Names that differ only by how a letter is composed are refused in words.
    #expect(report.errors.allSatisfy { $0.contains("composed") }, "\(report.errors), \(comment)")
    let differences = report.verification?.differences.map(\.description) ?? ["no verification"]
    #expect(differences.isEmpty, comment)
    for table in report.tables {
      #expect(table.read == table.loaded + table.alreadyThere + table.rejected, "\(table.table), \(comment)")
    }
    let named = report.omissions.filter { $0.kind == .table && $0.effect == .leftOut }
    if report.errors.isEmpty, named.isEmpty {
      let rows = report.tables.map(\.read).filter { $0 > 0 }.sorted()
      // What SQLite counts for itself is no user's data.
      let source = try SQLiteConnection.snapshot(of: path)
      let hasCounters =
        try source.queryOne("SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence'") != nil
      let counters =
        hasCounters ? try source.queryOne("SELECT count(*) FROM sqlite_sequence")?[0].int64 ?? 0 : 0
      var expected = reading?.rows.filter { $0 > 0 } ?? []
      if let place = expected.firstIndex(of: Int(counters)) { expected.remove(at: place) }
      #expect(rows == expected, comment)
    }
    #expect(dry.tables.map(\.loaded) == report.tables.map(\.loaded), comment)
    for (predicted, found) in zip(dry.tables, report.tables) {
      #expect(predicted.rejects.map(\.key) == found.rejects.map(\.key), "\(found.table), \(comment)")
      #expect(predicted.rejects.map(\.reason) == found.rejects.map(\.reason), "\(found.table), \(comment)")
    }
    let again = try await DatabaseCopy(file: path, options: options).run()
    #expect(again.loaded == 0 && again.rejected == report.rejected, comment)
    #expect(again.verification?.differenceCount == 0, comment)
    #expect(FileManager.default.contents(atPath: path) == before, comment)
  }
}
