// Files with flipped bits and without their ends: a clear error or a full account, never a silent loss.

import DemoFleet
import Foundation
import LegacyImport
import SQLite
import TestSupport
import Testing

@Suite struct DamagedFileTests {
  private static let filesAtOnce = 60

  @Test(.timeLimit(.minutes(60)))
  func flippedAndTruncatedFiles() async throws {
    let seed = SeededGenerator.seed(for: "flippedAndTruncatedFiles")
    var random = SeededGenerator(seed: seed)
    for round in 0..<(runsLongTests ? 12 : 1) {
      let scene = try await SourceScene()
      try scene.write(
        "sound/x.db", "CREATE TABLE memory (content TEXT); INSERT INTO memory VALUES ('a'), ('b')")
      let sound = try makeSound(scene)
      for file in 0..<Self.filesAtOnce {
        // Every third is damaged beyond what one has thought of: a random file, its log with it.
        if file.isMultiple(of: 3) {
          let path = try scene.path("a\(file)/x.db")
          var source = RandomSource(seed: random.next())
          let connection = try SQLiteConnection(path: path)
          try source.write(to: connection)
          let log = FileManager.default.contents(atPath: path + "-wal")
          var bytes = FileManager.default.contents(atPath: path).map { [UInt8]($0) } ?? []
          withExtendedLifetime(connection) {}
          damage(&bytes, &random)
          for suffix in ["-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) }
          try Data(bytes).write(to: URL(filePath: path))
          if var log = log.map({ [UInt8]($0) }), !log.isEmpty {
            if random.chance(0.5) { damage(&log, &random) }
            try Data(log).write(to: URL(filePath: path + "-wal"))
          }
        } else {
          var bytes = sound
          damage(&bytes, &random)
          try Data(bytes).write(to: URL(filePath: try scene.path("a\(file)/x.db")))
        }
      }
      try await check(scene, "seed \(seed), round \(round)")
    }
  }

  private func damage(_ bytes: inout [UInt8], _ random: inout SeededGenerator) {
    guard bytes.count > 100 else { return }
    if random.chance(0.2) {
      bytes.removeLast(Int.random(in: 1..<bytes.count, using: &random))
      return
    }
    for _ in 0..<random.one(of: [1, 1, 3, 20]) {
      // The first page of all, the header and the schema, is hit more often than its share.
      let end = random.chance(0.2) ? min(512, bytes.count) : bytes.count
      bytes[Int.random(in: 0..<end, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    }
  }

  /// Imports, and holds the report against what another program can read.
  private func check(_ scene: SourceScene, _ comment: Comment) async throws {
    let discovery = try scene.discovery()
    let readings = try await IndependentReading.read(discovery.files.map(\.relativePath), in: scene.root)
    let report = try await scene.importAll()
    #expect(report.exitCode == 1, comment)
    #expect(report.unreadable.allSatisfy { !$0.reason.isEmpty })
    let refused = report.agents.filter { !$0.errors.isEmpty }
    for agent in refused {
      for error in agent.errors {
        #expect(error.contains("\(agent.id)/x.db"), "\(error)")
        #expect(error.split(separator: "\n").count <= 2, "\(error)")
      }
    }
    let failed = Set(refused.map(\.id))
    for file in discovery.files {
      let reading = try #require(readings[file.relativePath], "\(file.relativePath): not read, \(comment)")
      let errors = report.agents.first { $0.id == file.agent }?.errors ?? []
      let tables = report.tables.filter { $0.file == file.relativePath }
      #expect(tables.allSatisfy { $0.read == $0.loaded + $0.alreadyThere + $0.rejected }, comment)
      if let fault = reading.fault {
        #expect(!errors.isEmpty, "\(file.relativePath): \(fault), and no error; \(comment)")
      } else {
        #expect(errors.isEmpty, "\(file.relativePath) can be read, \(comment)")
        #expect(tables.map(\.read).sorted() == reading.rows, "\(file.relativePath), \(comment)")
      }
    }
    #expect(report.agents.first { $0.id == "sound" }?.tables.first?.loaded == 2, comment)
    // Where two rows have one key, the proof says so.
    let inDoubt = Set(readings.filter { $0.value.isInDoubt }.map(\.key))
    let differences = report.verification?.differences.filter { !inDoubt.contains($0.file ?? "") } ?? []
    #expect(differences.isEmpty, "\(differences.first?.description ?? ""), \(comment)")
    // Many of the flips hit what SQLite notices, many hit values, which nobody can.
    #expect(
      failed.count > 5 && failed.count < report.agents.count - 5, "\(failed.count) of \(report.agents.count)")
    try await checkTheWayBack(
      scene,
      whole: discovery.files.filter { !failed.contains($0.agent) && !inDoubt.contains($0.relativePath) },
      comment)
  }

  /// What was moved comes back as it is, flipped values included. Where the words of a declaration were hit, SQLite writes its own
  /// in their place, and the importer what is text; an index is called as its declaration says.
  private func checkTheWayBack(_ scene: SourceScene, whole: [LegacyFile], _ comment: Comment) async throws {
    let (folder, report) = try await scene.rollBack()
    for file in whole {
      let warnings = report.warnings.filter { $0.contains(file.relativePath) }
      let comparison = try SQLiteComparison(old: file.path, new: folder + "/" + file.relativePath)
      let differences = comparison.differences.filter { difference in
        let isTable = difference.object.hasPrefix("table ") && difference.kind != .changed
        return difference.row != nil || isTable || !difference.object.contains(" ")
      }
      #expect(
        differences.isEmpty || !warnings.isEmpty,
        "\(file.relativePath): \(differences.prefix(3)), \(comment)")
    }
  }

  /// The bytes of a file of several tables on small pages.
  private func makeSound(_ scene: SourceScene) throws -> [UInt8] {
    let path = scene.folder.path + "/workshop.db"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let connection = try SQLiteConnection(path: path)
    try connection.executeScript(
      """
      PRAGMA page_size = 512;
      CREATE TABLE memory (id INTEGER PRIMARY KEY, content TEXT, timestamp TEXT);
      CREATE TABLE tools (name TEXT PRIMARY KEY, config TEXT) WITHOUT ROWID;
      CREATE TABLE metrics (metric_name TEXT, value REAL);
      CREATE INDEX by_name ON metrics (metric_name);
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120)
        INSERT INTO memory SELECT i, printf('content %.*c', i * 7 % 900, 'x'), '2024-01-15 10:30:00' FROM n;
      INSERT INTO tools SELECT 'tool' || id, content FROM memory WHERE id <= 40;
      INSERT INTO metrics SELECT 'm' || id, id FROM memory;
      """)
    return FileManager.default.contents(atPath: path).map { [UInt8]($0) } ?? []
  }
}
